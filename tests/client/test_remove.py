"""`client remove`: nothing of a patient who withdrew stays in the home, and the others do."""

import csv
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import resources
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner, Result
from hepafed.client.cli.main import main
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.ingest.from_dicom import ingest_dicom, only_one
from hepafed.client.pacs.spool import Spool
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.remove import remove
from hepafed.common.statistics.scores import ScoreTable, read_scores, write_scores


def client(home: Path, *words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *words], input=text)


PAGE = (resources.files("hepafed.client.review") / "review.html").read_text(encoding="utf-8")
CELL = re.search(r'<th scope="row">.*</th>', PAGE)


def table(patients: list[str]) -> ScoreTable:
    n = len(patients)
    return ScoreTable(
        site=np.full(n, "s"),
        patient=np.array(patients),
        lesion=np.array([f"l{i}" for i in range(n)]),
        truth=np.arange(n) % 3,
        log_probs=np.log(np.random.default_rng(1).dirichlet(np.ones(3), n)),
        readers={"a": np.arange(n, dtype=np.int8) % 2},
    )


def keep(home: Path, run: str, patients: list[str]) -> None:
    """Leave what a validation and a review of it leave."""
    write_scores(table(patients), home / "scores" / f"{run}.csv")
    (home / "scores" / f"{run}.json").write_text("{}")
    (home / "reviews").mkdir(exist_ok=True)
    assert CELL is not None
    names = re.compile(r"\{\{ row.lesion.patient \}\}")
    cells = "".join(names.sub(p, CELL[0]) for p in patients)
    (home / "reviews" / f"{run}.html").write_text(cells)


def ids(labels: Path) -> list[str]:
    with labels.open(newline="") as f:
        return sorted({r["patient_id"] for r in csv.DictReader(f)})


@pytest.fixture(scope="module")
def ingested(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home into which the phantom was ingested; do not change it."""
    home = tmp_path_factory.mktemp("ingested")
    ingest_dicom(home, phantom, phantom / "labels.csv", lambda *_: None, workers=1)
    return home


def test_nothing_of_the_patient_stays_in_the_home_and_the_others_do(
    ingested: Path, phantom: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(ingested, home)
    gone, stays = ids(phantom / "labels.csv")
    names = Pseudonyms(home)
    before = Cohort.open(home)
    words = {names.of("patient", gone)}
    for r in before.rows():
        if r.patient in words:
            words |= {r.lesion, r.examination, r.crop}
    keep(home, "validate-1", [names.of("patient", p) for p in (gone, stays)])
    keep(home, "validate-2", [names.of("patient", stays)])
    others = [r for r in before.rows() if r.patient not in words]
    assert len(words) >= 4
    (home / "scan/work.db").write_text(f"left by a killed ingest: {names.of('patient', gone)}")

    listed = tmp_path / "ids.txt"
    listed.write_text(f"\ufeff{gone}\r\n\n  NOBODY-1\nNOBODY-2", encoding="utf-8")
    done = client(home, "remove", str(listed))

    assert done.exit_code == 0, done.output
    assert "removed: 1 patients" in done.output
    assert "unknown here: 2 ids" in done.output
    assert "1 score tables" in done.output
    assert "1 review pages" in done.output
    assert not any(word in done.output for word in (gone, "NOBODY", *words))
    for path in (p for p in home.rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert not any(w.encode() in content or w in path.name for w in words), path.name
    after = Cohort.open(home)
    assert after.rows() == others
    assert set(after.splits()) == {names.of("patient", stays)}
    assert {a.patient for a in after.acquisitions()} == {names.of("patient", stays)}
    assert all(after.voxels(r).any() for r in after.rows())
    assert len(list((home / "cohort/crops").iterdir())) == len({r.crop for r in others})
    again = client(home, "remove", str(listed))
    assert again.exit_code == 0
    assert "removed: 0 patients" in again.output
    assert "unknown here: 3 ids" in again.output
    report = ingest_dicom(home, phantom, phantom / "labels.csv", lambda *_: None, workers=1)
    assert report.taken == len(before.rows())  # still in the labels: it comes back


def test_the_other_rows_of_a_score_table_stay_as_they_were_and_an_empty_one_goes(
    tmp_path: Path,
) -> None:
    names = Pseudonyms(tmp_path)
    gone, stays = (names.of("patient", p) for p in ("a", "b"))
    keep(tmp_path, "mixed", [stays, gone, stays])
    keep(tmp_path, "alone", [gone])
    keep(tmp_path, "other", [stays])
    path = tmp_path / "scores/mixed.csv"
    lines = path.read_text().splitlines()
    other = (tmp_path / "scores/other.csv").stat().st_mtime_ns
    found = remove(tmp_path, {"a"})
    assert (found.patients, found.unknown, found.tables, found.pages) == (1, 0, 2, 2)
    assert path.read_text().splitlines() == [line for line in lines if gone not in line]
    assert read_scores(path).patient.tolist() == [stays, stays]
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "scores/other.csv").stat().st_mtime_ns == other
    left = sorted(p.name for p in (tmp_path / "scores").glob("*.[cj]s*"))
    assert left == ["mixed.csv", "mixed.json", "other.csv", "other.json"]
    assert [p.name for p in (tmp_path / "reviews").iterdir()] == ["other.html"]


def test_fetched_files_of_the_patient_leave_the_spool(tmp_path: Path, phantom: Path) -> None:
    gone, stays = ids(phantom / "labels.csv")
    Spool(tmp_path).close()
    for patient in ("P00000", "P00001"):
        (tmp_path / "spool/images" / patient).mkdir()
        for number, path in enumerate(sorted((phantom / patient).rglob("*.MRDCM"))[:3]):
            shutil.copy(path, tmp_path / "spool/images" / patient / str(number))
    found = remove(tmp_path, {gone})
    assert (found.patients, found.files) == (1, 3)
    left = [p for p in (tmp_path / "spool/images").rglob("*") if p.is_file()]
    assert {pydicom.dcmread(p).PatientID for p in left} == {stays}


def test_a_crop_that_another_patients_lesion_shares_stays(tmp_path: Path) -> None:
    names = Pseudonyms(tmp_path)
    voxels = np.random.default_rng(1).normal(size=(1, 1, 160, 160)).astype(np.float16)
    store = Cohort.create(tmp_path)
    store.add(Crop(f"l{p}", names.of("patient", p), 0, ("t2",), voxels) for p in "ab")
    remove(tmp_path, {"a"})
    (row,) = store.rows()
    assert row.lesion == "lb"
    assert store.voxels(row).any()


def test_ids_come_from_standard_input_too(tmp_path: Path) -> None:
    names = Pseudonyms(tmp_path)
    voxels = np.ones((1, 1, 160, 160), np.float16)
    Cohort.create(tmp_path).add([Crop("l", names.of("patient", "a"), 0, ("t2",), voxels)])
    done = client(tmp_path, "remove", "-", text="a\n")
    assert "removed: 1 patients, 1 lesions" in done.output
    assert Cohort.open(tmp_path).rows() == []


def test_no_patient_is_taken_out_while_an_ingest_runs(tmp_path: Path) -> None:
    Pseudonyms(tmp_path)
    with only_one(tmp_path):
        done = client(tmp_path, "remove", "-", text="a\n")
    assert done.exit_code == 1
    assert "another ingest" in done.stderr


def test_a_damaged_index_of_the_scan_holds_nobody_up(ingested: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(ingested, home)
    (home / "scan/known.db").write_bytes(b"no database" * 1000)
    assert remove(home, {"nobody"}).patients == 0
    assert not (home / "scan").exists()


def test_what_the_scan_knew_is_overwritten_not_only_unlinked(
    ingested: Path, phantom: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(ingested, home)
    remove(home, {ids(phantom / "labels.csv")[0]})
    with closing(sqlite3.connect(home / "scan/known.db")) as db:
        assert db.execute("SELECT COUNT(DISTINCT patient) FROM examination").fetchone() == (1,)
        assert db.execute(
            "SELECT COUNT(*) FROM file WHERE examination NOT IN "
            "(SELECT examination FROM examination)"
        ).fetchone() == (0,)


@pytest.mark.parametrize(
    "content", [None, b"", b"  \n\n", b"caf\xe9\n"], ids=["no file", "empty", "blank", "not UTF-8"]
)
def test_a_list_that_cannot_be_read_is_said_and_changes_nothing(
    tmp_path: Path, content: bytes | None
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    Pseudonyms(home)
    if content is not None:
        (tmp_path / "ids.txt").write_bytes(content)
    done = client(home, "remove", str(tmp_path / "ids.txt"))
    assert done.exit_code == 2
    assert "error:" in done.stderr
    assert "hint: write one patient_id on each line" in done.stderr
    assert "caf" not in done.stderr


def test_a_home_that_never_ingested_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = client(home, "remove", "-", text="a\n")
    assert done.exit_code == 1
    assert "no cohort" in done.stderr
    assert not home.exists()


def test_taking_patients_out_loads_no_library_of_networks() -> None:
    code = "import sys, hepafed.client.remove; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
