"""`client cohort` as a person types it."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result
from hepafed.client.cli.main import main
from hepafed.client.cohort.store import Cohort

Make = Callable[..., Cohort]


def client(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *words])


def test_quality_prints_findings_with_a_hint(tmp_path: Path, cohort: Make) -> None:
    cohort(12, changes={3: {"between_slices": 14.0}})
    done = client(tmp_path, "cohort", "--quality")
    assert done.exit_code == 0
    assert (
        "outlier: examination e3: t2, distance between slices, mm: 14; typical here: 5"
        in done.output
    )
    assert "hint: look at it" in done.output
    assert "findings: 2" in done.output


def test_quality_is_json_for_a_script(tmp_path: Path, cohort: Make) -> None:
    cohort(12, changes={3: {"between_slices": 14.0}})
    found = json.loads(client(tmp_path, "cohort", "--quality", "--json").output)
    assert found["patients"] == 12
    assert {f["where"] for f in found["quality"]["findings"]} == {"examination e3"}


def test_the_contact_sheet_is_for_its_owner_s_eyes(tmp_path: Path, cohort: Make) -> None:
    cohort(2)
    page = tmp_path / "page.html"
    assert client(tmp_path, "cohort", "--html", str(page)).exit_code == 0
    assert page.stat().st_mode & 0o777 == 0o600
    assert page.read_text().startswith("<!doctype html>")


def test_the_contact_sheet_of_no_cohort_is_an_error_that_writes_nothing(tmp_path: Path) -> None:
    done = client(tmp_path, "cohort", "--html", str(tmp_path / "page.html"))
    assert done.exit_code == 1
    assert not (tmp_path / "page.html").exists()
