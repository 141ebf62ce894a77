"""A report's folder is checked: digests, the coordinator's signature, CSV files against JSON."""

import base64
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.certificates import make_authority
from hepafed.common.errors import UsageError
from hepafed.server.formats import read_report
from hepafed.server.report.csv_files import csv_files
from hepafed.server.report.files.checksums import Signed, digest, listed, write_folder
from hepafed.server.report.files.verify import Verified, verify_folder


def authority(folder: Path) -> tuple[str, Callable[[str], str]]:
    """Make an authority; give its certificate and how it signs (an oracle beside the registry)."""
    make_authority(folder, datetime.now(UTC))
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)

    def sign(text: str) -> str:
        return base64.b64encode(key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))).decode()

    return (folder / "ca.pem").read_text(), sign


@pytest.fixture(scope="module")
def signed_once(federated: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A federation's report, signed, without its figures; tests work on copies."""
    place = tmp_path_factory.mktemp("signed")
    certificate, sign = authority(place / "keys")
    text = json.dumps(federated, indent=1)
    signed = Signed(text=text, signature=sign(text), certificate=certificate)
    files = {"report.json": text, **csv_files(read_report(federated))}
    write_folder(place / "report", files, signed)
    return place


@pytest.fixture
def folder(signed_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(signed_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "report"


def check(folder: Path, certificate: str = "") -> Verified:
    return verify_folder(folder, csv_files, certificate)


def resealed(folder: Path, name: str) -> None:
    """Write the list of digests anew, as somebody would who changes a file and hides it."""
    lines = {**listed(folder), name: digest((folder / name).read_bytes())}
    text = "".join(f"{v}  {n}\n" for n, v in sorted(lines.items()))
    (folder / "checksums.sha256").write_text(text)


def test_a_folder_as_it_was_written_passes_with_its_signature(folder: Path) -> None:
    found = check(folder)
    assert found.problems == ()
    assert any("is signed by the authority in coordinator.pem" in p for p in found.passed)
    assert any("CSV files hold what report.json holds" in p for p in found.passed)


def test_whose_signature_it_is_an_access_file_says(folder: Path, tmp_path: Path) -> None:
    own = (tmp_path / "keys/ca.pem").read_text()
    assert check(folder, own).problems == ()
    other, _ = authority(tmp_path / "other")
    assert check(folder, other).problems == (
        "the signature of report.json is not of your access file's coordinator",
    )


def test_a_changed_missing_or_added_file_is_named(folder: Path) -> None:
    (folder / "sites.csv").write_text("site\n")
    (folder / "roc.csv").unlink()
    (folder / "added.csv").write_text("")
    problems = check(folder).problems
    assert "sites.csv was changed after it was written" in problems
    assert "roc.csv is missing" in problems
    assert any(p.startswith("added.csv is not of this report") for p in problems)


def test_a_cell_that_differs_from_the_json_is_named_even_where_the_digest_was_mended(
    folder: Path, federated: dict[str, Any]
) -> None:
    path = folder / "sites.csv"
    patients = federated["sites"][1]["patients"]
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace(f",{patients},", ",9999,", 1)
    path.write_text("\n".join(lines) + "\n")
    resealed(folder, "sites.csv")
    (problem,) = check(folder).problems
    assert problem == (
        f"sites.csv differs from report.json: line 3, patients: 9999, expected {patients}"
    )


@pytest.mark.parametrize(("cut", "said"), [(1, "is missing"), (-1, "is too many")])
def test_a_row_too_few_or_too_many_is_named(folder: Path, cut: int, said: str) -> None:
    path = folder / "sites.csv"
    lines = path.read_text().splitlines()
    lines = lines[:-1] if cut == 1 else [*lines, lines[-1]]
    path.write_text("\n".join(lines) + "\n")
    resealed(folder, "sites.csv")
    (problem,) = check(folder).problems
    assert said in problem


def test_a_figure_changed_in_the_json_breaks_the_signature(folder: Path) -> None:
    path = folder / "report.json"
    values = json.loads(path.read_text())
    values["results"][0]["auc"]["value"] = 0.999
    path.write_text(json.dumps(values, indent=1))
    resealed(folder, "report.json")
    problems = check(folder).problems
    assert "the signature of report.json is not of coordinator.pem" in problems
    assert any(p.startswith("results.csv differs from report.json: line 2, auc") for p in problems)


@pytest.mark.parametrize("name", ["report.sig", "coordinator.pem"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no key at all"])
def test_a_damaged_signature_or_certificate_is_a_problem_and_no_traceback(
    folder: Path, name: str, content: bytes
) -> None:
    (folder / name).write_bytes(content)
    resealed(folder, name)
    assert len(check(folder).problems) == 1


def test_a_run_without_a_signature_is_a_problem_and_a_score_table_is_none(
    folder: Path, plain: dict[str, Any], tmp_path: Path
) -> None:
    (folder / "report.sig").unlink()
    problems = check(folder).problems
    assert "report.sig is missing: nothing shows which coordinator made it" in problems
    text = json.dumps(plain)
    files = {"report.json": text, **csv_files(read_report(plain))}
    write_folder(tmp_path / "table", files, None)
    assert check(tmp_path / "table").problems == ()


def test_where_there_is_nothing_to_check_it_says_what_to_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no report\.json"):
        check(tmp_path)
    (folder / "checksums.sha256").unlink()
    with pytest.raises(UsageError, match=r"has no checksums\.sha256"):
        check(folder)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "other"}', "{" * 100_000])
def test_a_report_that_is_none_is_a_problem(folder: Path, content: str) -> None:
    (folder / "report.json").write_text(content)
    assert any("the CSV files were not compared" in p for p in check(folder).problems)
