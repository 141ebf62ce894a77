"""Whatever inspect says, an ingest does: every file's outcome and reason, every volume."""

import csv
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main
from hepafed.client.cohort.store import Cohort
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import known_series

from tests.client.ingest.agreement import done, said

SHARED = Path(__file__).parents[4] / "shared" / "data"


def marked(kind: str, folders: Iterable[Path]) -> list[Any]:
    """Make a parameter of each folder of shared data; two of three are slow."""
    slow = [pytest.mark.slow]
    return [
        pytest.param(p, id=p.relative_to(SHARED).as_posix(), marks=slow if n % 3 else [])
        for n, p in enumerate(sorted(folders))
    ] or [pytest.param(None, id=kind, marks=pytest.mark.skip(f"{SHARED / kind} is absent"))]


def third_party() -> set[Path]:
    """List the cases of the manifest."""
    try:
        with (SHARED / "dicom/manifest.csv").open(encoding="utf-8") as stream:
            return {SHARED / "dicom" / r["case"] for r in csv.DictReader(stream)}
    except FileNotFoundError:
        return set()


CASES = marked("cases", {p.parent for p in (SHARED / "cases").glob("*/case.md")})


def series_of(folder: Path, path: str, unpacked: Path) -> str:
    """Return the series of a file that inspect names, read by pydicom."""
    archive, _, member = path.partition("!")
    file = folder / archive
    if member:
        if not (unpacked / archive).exists():
            shutil.unpack_archive(file, unpacked / archive, "zip")
        file = unpacked / archive / member
    return str(
        pydicom.dcmread(file, specific_tags=["SeriesInstanceUID"], force=True).SeriesInstanceUID
    )


def sequences_said(
    report: dict[str, Any], folder: Path, home: Path, unpacked: Path
) -> dict[str, set[str]]:
    """Return the sequences of each series' volumes as inspect gives them, by pseudonym."""
    names = Pseudonyms(home)
    found: dict[str, set[str]] = defaultdict(set)
    for volume in report["volumes"]:
        uid = series_of(folder, volume["files"][0], unpacked)
        found[names.of("series", uid)].add(volume["sequence"])
    return found


def hold_together(folder: Path, tmp_path: Path) -> None:
    """Hold inspect to the ingest's own scan and reading of a folder."""
    home = tmp_path / "home"
    report, files = said(folder)
    outcomes, series = done(folder, home)
    assert files == outcomes
    refused = {path for path, (outcome, _) in files.items() if outcome != "taken"}
    spoken = sequences_said(report, folder, home, tmp_path / "unpacked")
    for pseudonym, sequences in spoken.items():
        assert sequences <= set(series[pseudonym][1].split(","))
    silent = {s for s, (_, q) in series.items() if q} - set(spoken)
    # A series whose volumes cannot be decoded has sequences, and no file that is taken.
    assert not silent or refused
    assert all(files[path][0] == "taken" for v in report["volumes"] for path in v["files"])


@pytest.mark.parametrize("folder", marked("dicom", third_party()))
def test_inspect_says_of_third_party_files_what_an_ingest_does(
    folder: Path, tmp_path: Path
) -> None:
    hold_together(folder, tmp_path)


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a case of ../shared, prepared as its own script says."""
    folder = Path(shutil.copytree(request.param, tmp_path / "case", symlinks=True))
    if (folder / "prepare.py").exists():
        subprocess.run([sys.executable, "prepare.py"], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_inspect_says_of_a_case_what_an_ingest_does(case: Path, tmp_path: Path) -> None:
    hold_together(case / "input", tmp_path)


def run(home: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["--home", str(home), *words])
    return result.exit_code, result.stdout


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_the_two_commands_say_the_same_of_a_labelled_case(case: Path, tmp_path: Path) -> None:
    home, left = tmp_path / "home", tmp_path / "left.csv"
    export = case / "input"
    if not (case / "labels.csv").exists():
        pytest.skip("the case has several tables of labels")
    words = ["--dicom", str(export), "--labels", str(case / "labels.csv"), "--left", str(left)]
    if run(home, "ingest", *words, "--processes", "1")[0]:
        pytest.skip("its labels are refused")
    code, text = run(home, "inspect", str(export), "--json")
    assert code == 0
    report = json.loads(text)
    with left.open(newline="", encoding="utf-8") as stream:
        listed = {r["path"]: (r["outcome"], r["reason"]) for r in csv.DictReader(stream)}
    unlabelled = "an examination without a labelled lesion"
    assert {
        f["path"]: (f["outcome"], f["reason"])
        for f in report["files"]
        if f["outcome"] != "taken" and listed.get(f["path"], ("", ""))[1] != unlabelled
    } == {path: found for path, found in listed.items() if found[1] != unlabelled}
    volumes = [
        (v["sequence"], *v["shape"], *(round(s, 4) for s in v["spacing"]))
        for v in report["volumes"]
    ]
    for a in Cohort.open(home).acquisitions():
        place = (a.between_slices, a.between_rows, a.between_columns)
        assert (a.sequence, a.slices, a.rows, a.columns, *place) in volumes
    spoken = sequences_said(report, export, home, tmp_path / "unpacked")
    for known in known_series(home):
        assert set(filter(None, known.sequence.split(","))) == spoken.get(known.series, set())
