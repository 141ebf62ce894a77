"""`server report --verify` ends with 0, 1 or 2, and a run's report comes with its signature."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hepafed.common.certificates import make_authority
from hepafed.common.contract import Access, write_toml
from hepafed.common.errors import PayloadError
from hepafed.server.cli.main import main
from hepafed.server.cli.report import fetched
from hepafed.server.formats import read_report
from hepafed.server.models import Registry
from hepafed.server.report import Signed, write_report


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["report", *words])


class Answers:
    """A coordinator that gives one answer."""

    def __init__(self, answer: object, certificate: str = "pem") -> None:
        self.answer, self.asked = answer, ""
        self.access = type("Access", (), {"ca": certificate})()

    def get(self, path: str, **query: str) -> object:
        self.asked = f"{path} {query}"
        return self.answer


@pytest.fixture(scope="module")
def once(federated: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report as an evaluator gets it: fetched with its signature, and written."""
    home = tmp_path_factory.mktemp("home")
    make_authority(home / "keys", datetime.now(UTC))
    text = json.dumps(federated, indent=1)
    answer = {"text": text, "signature": Registry(home).sign(text)}
    remote = Answers(answer, (home / "keys/ca.pem").read_text())
    report, signed = fetched(remote, "validate-1a2b3c")  # type: ignore[arg-type]
    assert remote.asked == "/api/runs/validate-1a2b3c/report {'signed': 'yes'}"
    write_report(report, home / "report", signed)
    return home / "report"


@pytest.fixture
def written(once: Path, tmp_path: Path) -> Path:
    """A copy, which a test may damage."""
    return shutil.copytree(once, tmp_path / "report")


def test_a_report_that_was_fetched_is_as_it_was_signed(written: Path) -> None:
    done = run("--verify", str(written))
    assert (done.exit_code, "not ok" in done.output) == (0, False)
    assert "ok: report.json is signed by the authority in coordinator.pem" in done.output


def test_the_access_file_of_the_environment_says_whose_signature_it_is(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_authority(tmp_path / "other", datetime.now(UTC))
    for ca, code in ((written / "coordinator.pem", 0), (tmp_path / "other/ca.pem", 1)):
        access = Access(
            name="eva", role="evaluator", address="c:1", token="t" * 32, ca=ca.read_text()
        )
        write_toml(access, tmp_path / "eva.access")
        monkeypatch.setenv("HEPAFED_ACCESS", str(tmp_path / "eva.access"))
        assert run("--verify", str(written)).exit_code == code


def test_a_changed_file_ends_with_1_and_its_name(written: Path) -> None:
    (written / "roc.csv").write_text("")
    (written / "report.docx").write_bytes(b"")
    done = run("--verify", str(written))
    assert done.exit_code == 1
    assert "not ok: report.docx was changed after it was written" in done.output
    assert "not ok: roc.csv was changed after it was written" in done.output


@pytest.mark.parametrize("more", [["validate-1"], ["--scores", "x.csv"], ["-o", "x"]])
def test_verify_goes_with_no_other_question(written: Path, more: list[str]) -> None:
    assert run("--verify", str(written), *more).exit_code == 2


def test_a_folder_without_a_report_ends_with_2(tmp_path: Path) -> None:
    assert run("--verify", str(tmp_path)).exit_code == 2


def test_a_coordinator_before_signatures_gives_an_unsigned_report(
    federated: dict[str, Any],
) -> None:
    report, signed = fetched(Answers(federated), "r")  # type: ignore[arg-type]
    assert (report, signed) == (read_report(federated), None)
    answer = {"text": json.dumps(federated), "signature": ""}
    assert fetched(Answers(answer), "r") == (report, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [None, 5, "", "{", "nothing"])
def test_a_report_that_is_no_json_is_refused(text: object) -> None:
    with pytest.raises(PayloadError, match="not JSON"):
        fetched(Answers({"text": text, "signature": ""}), "r")  # type: ignore[arg-type]


def test_the_signed_text_is_written_byte_for_byte(
    federated: dict[str, Any], tmp_path: Path
) -> None:
    text = json.dumps(federated, indent=7)
    signed = Signed(text=text, signature="c2ln", certificate="pem")
    write_report(read_report(federated), tmp_path, signed)
    assert (tmp_path / "report.json").read_text() == text
