"""The index on disk: its values go by the names of their columns, its bytes by its rows."""

import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
from hepafed.client.cohort import index as room
from hepafed.client.cohort.records import Acquisition, Lesion

RELEASED = Path(__file__).with_name("index_of_0_1_0.db")
"""Nine lesions of five patients, written by release 0.1.0."""
SQLITE_VERSION = slice(92, 100)
"""Bytes of the file in which SQLite names its own release."""


def body(path: Path) -> bytes:
    content = bytearray(path.read_bytes())
    content[SQLITE_VERSION] = bytes(8)
    return bytes(content)


def test_an_index_of_the_last_release_is_read_and_written_with_what_it_lacks(
    tmp_path: Path,
) -> None:
    found = room.read(RELEASED)
    assert len(found.lesions) == 9
    assert found.about["normalisation"] == "v2: some"
    assert set(found.splits) == {r.patient for r in found.lesions}
    assert found.about["schema"] == "3"
    assert {(a.certainty, a.doubts) for a in found.acquisitions} == {(None, "")}
    room.write(tmp_path / "index.db", found)
    assert room.read(tmp_path / "index.db") == found
    assert body(tmp_path / "index.db") != body(RELEASED)


def test_columns_in_another_order_shift_no_value(tmp_path: Path) -> None:
    found = room.read(RELEASED)
    turned = {name: _turned(columns) for name, columns in room.TABLES.items()}
    assert turned["lesion"] != room.TABLES["lesion"]
    assert turned["acquisition"] != room.TABLES["acquisition"]
    path = tmp_path / "index.db"
    room.write(path, found, turned)
    with closing(sqlite3.connect(path)) as db:
        (first,) = db.execute("SELECT facts FROM lesion LIMIT 1").fetchone()
    assert first == found.lesions[0].facts
    assert room.read(path) == found


@pytest.mark.parametrize(("table", "record"), [("lesion", Lesion), ("acquisition", Acquisition)])
def test_the_fields_of_a_record_are_the_columns_of_its_table(
    table: str, record: type, tmp_path: Path
) -> None:
    found, path = room.read(RELEASED), tmp_path / "index.db"
    room.write(path, found)
    with closing(sqlite3.connect(path)) as db:
        columns = {c[1] for c in db.execute(f"PRAGMA table_info({table})")}
    rows = {Lesion: found.lesions, Acquisition: found.acquisitions}[record]
    assert set(asdict(rows[0])) == columns


def _turned(columns: str) -> str:
    """Turn the order of a table's columns but for the first two, which hold the key."""
    parts, *key = columns.partition("PRIMARY KEY (")
    names = [c.strip() for c in parts.split(",") if c.strip()]
    found = [*names[:2], *names[:1:-1]]
    return ", ".join([*found, "".join(key)] if key[0] else found)
