"""The scan's index: named records, and what the release before left opens."""

import json
import sqlite3
import zlib
from contextlib import closing
from dataclasses import astuple, fields
from pathlib import Path

import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.ingest.examination import Made
from hepafed.client.ingest.from_dicom import ingest_dicom
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import ScanIndex, forget_patients, known_series, scan
from hepafed.client.scan.worker_pool import WorkerPool
from hepafed.common.kept_files import note_kept

from tests.client.dicom.builder import axial, classic, save
from tests.client.ingest.test_from_dicom import contents, rows_of

OLDER = "2"
"""Format of the release before: headers and results were rows of values in the fields' order."""


def ingest(home: Path, export: Path) -> int:
    labels = export / "labels.csv"
    return ingest_dicom(home, export, labels, lambda *_: None, workers=1).taken


def scanned(home: Path, export: Path) -> ScanIndex:
    index = ScanIndex(home, export, Pseudonyms(home))
    with WorkerPool(1) as pool:
        scan(export, index, lambda *_: None, pool)
    return index


def as_the_release_before_wrote(home: Path) -> None:
    """Write the index anew as the release before did: positional rows, its format."""
    with closing(sqlite3.connect(home / "scan/known.db")) as db, db:
        made = db.execute("SELECT examination, result FROM examination").fetchall()
        for examination, result in made:
            read = Made.from_json(result)
            rows = [[astuple(m) for m in read.lesions], [astuple(a) for a in read.acquisitions]]
            update = "UPDATE examination SET result = ? WHERE examination = ?"
            db.execute(update, (json.dumps(rows), examination))
        db.execute("UPDATE about SET value = ? WHERE key = 'format'", (OLDER,))
    (home / "scan/kept.digests").unlink(missing_ok=True)
    work = home / "scan/work.db"
    if work.exists():
        with closing(sqlite3.connect(work)) as db, db:
            for key, lines in db.execute("SELECT key, headers FROM header").fetchall():
                rows = [json.dumps(list(json.loads(line).values())) for line in lines.split("\n")]
                update = "UPDATE header SET headers = ? WHERE key = ?"
                db.execute(update, ("\n".join(rows), key))


def test_the_index_of_the_release_before_is_emptied_and_read_anew(
    tmp_path: Path, export: Path
) -> None:
    home = tmp_path / "home"
    ingest(home, export)
    before, series = contents(home), known_series(home)
    as_the_release_before_wrote(home)
    assert known_series(home) == series
    index = ScanIndex(home, export, Pseudonyms(home))
    assert index.patients() == {}
    index.finish()
    assert ingest(home, export) == len(rows_of(export / "labels.csv"))
    assert contents(home) == before
    assert known_series(home) == series


def test_no_series_of_the_release_before_outlives_its_examination(
    tmp_path: Path, export: Path
) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    ingest(home, export)
    as_the_release_before_wrote(home)
    other.mkdir()
    ScanIndex(home, other, Pseudonyms(home)).finish()
    assert known_series(home) == []


def test_what_a_killed_ingest_of_the_release_before_left_is_read_anew(
    tmp_path: Path, export: Path
) -> None:
    home = tmp_path / "home"
    scanned(home, export).close()  # as a kill leaves it: paths and headers stay
    with closing(sqlite3.connect(home / "scan/known.db")) as db, db:
        db.execute("UPDATE examination SET result = '[[], []]'")
        db.execute("UPDATE about SET value = ? WHERE key = 'format'", (OLDER,))
    with closing(sqlite3.connect(home / "scan/work.db")) as db, db:
        db.execute('UPDATE header SET headers = \'["/export/a", "", "a", 0]\'')
    assert ingest(home, export) == len(rows_of(export / "labels.csv"))
    assert sorted(p.name for p in (home / "scan").iterdir()) == ["kept.digests", "known.db"]


def test_patients_are_forgotten_in_the_index_of_the_release_before(
    tmp_path: Path, export: Path
) -> None:
    home = tmp_path / "home"
    ingest(home, export)
    as_the_release_before_wrote(home)
    patients = {r["patient_id"] for r in rows_of(export / "labels.csv")}
    names = {Pseudonyms(home).of("patient", p) for p in patients}
    assert forget_patients(home, names) == names
    assert known_series(home) == []


def test_every_value_is_kept_under_its_name(tmp_path: Path) -> None:
    save(tmp_path / "export", classic(axial(slices=1)))
    index = scanned(tmp_path / "home", tmp_path / "export")
    (examination,) = index.examinations()
    ((_, kind, line),) = index.files_of(examination)
    index.close()
    assert kind == "image"
    values = json.loads(line)
    assert set(values) == {f.name for f in fields(Header)}
    shuffled = json.dumps(dict(sorted(values.items(), reverse=True)))
    assert Header.from_json(shuffled) == Header.from_json(line)
    assert hash(Header.from_json(shuffled)) == hash(Header.from_json(line))
    for others in ({"another": 1}, {k: v for k, v in values.items() if k != "rows"}):
        with pytest.raises(ValueError, match="another release"):
            Header.from_json(json.dumps(others))


def test_columns_in_another_order_change_no_value(tmp_path: Path) -> None:
    """Rows are written and read by the names of columns, whatever their order in the file."""
    save(tmp_path / "export", classic(axial()))
    home = tmp_path / "home"
    (home / "scan").mkdir(parents=True)
    with closing(sqlite3.connect(home / "scan/known.db")) as db:
        db.executescript("""
            CREATE TABLE file (reason TEXT NOT NULL, outcome TEXT NOT NULL, kind TEXT NOT NULL,
                examination TEXT NOT NULL, changed INTEGER NOT NULL, size INTEGER NOT NULL,
                key TEXT PRIMARY KEY) WITHOUT ROWID;
            CREATE TABLE series (lines BLOB NOT NULL, sequence TEXT NOT NULL,
                files INTEGER NOT NULL, examination TEXT NOT NULL, series TEXT NOT NULL,
                PRIMARY KEY (series, examination)) WITHOUT ROWID;
        """)
    index = scanned(home, tmp_path / "export")
    (examination,) = index.examinations()
    assert [kind for _, kind, _ in index.files_of(examination)] == ["image"] * 4
    index.finish()
    with closing(sqlite3.connect(home / "scan/known.db")) as db, db:
        db.execute(
            "INSERT INTO series (series, examination, files, sequence, lines) VALUES (?,?,?,?,?)",
            ("s", "e", 4, "t2", zlib.compress(b"why")),
        )
    note_kept(home / "scan/known.db")
    assert known_series(home) == [("s", "e", 4, "t2", "why")]


def test_an_index_without_a_home_lives_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "export", classic(axial()))
    monkeypatch.chdir(tmp_path)
    index = ScanIndex(None, tmp_path / "export", Pseudonyms.unwritten())
    with WorkerPool(1) as pool:
        scan(tmp_path / "export", index, lambda *_: None, pool)
    assert [o.outcome for o in index.outcomes()] == [""] * 4
    index.finish()
    assert [p.name for p in tmp_path.iterdir()] == ["export"]
