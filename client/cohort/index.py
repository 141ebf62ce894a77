"""The cohort's index: one SQLite file whose bytes depend on its rows alone, written whole.

It is built in memory from sorted rows and renamed into place, so a crash leaves the old index or
the new one, and the same rows give the same file. Schemas of earlier versions are migrated when
they are opened.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from hepafed.common.errors import CohortError
from hepafed.common.files import write_whole

SCHEMA = 2

_TABLES = {
    "about": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "patient": "patient TEXT PRIMARY KEY, split TEXT NOT NULL",
    "acquisition": """
        examination TEXT NOT NULL, sequence TEXT NOT NULL, patient TEXT NOT NULL,
        manufacturer TEXT NOT NULL, field_strength REAL, b_value REAL, b_values TEXT NOT NULL,
        rule TEXT NOT NULL, slices INTEGER NOT NULL, rows INTEGER NOT NULL,
        columns INTEGER NOT NULL, between_slices REAL NOT NULL, between_rows REAL NOT NULL,
        between_columns REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
        mean REAL NOT NULL, spread REAL NOT NULL, pixels TEXT NOT NULL,
        PRIMARY KEY (examination, sequence)""",
    "lesion": """
        lesion TEXT PRIMARY KEY, patient TEXT NOT NULL, examination TEXT NOT NULL,
        label INTEGER NOT NULL, sequences TEXT NOT NULL, slices INTEGER NOT NULL,
        crop TEXT NOT NULL, facts TEXT NOT NULL""",
}
"""Columns of each table; the rows below are tuples in this order."""

Row = tuple[Any, ...]
Tables = dict[str, list[Row]]


def empty() -> Tables:
    """Give the tables of a store that holds nothing."""
    return {name: [] for name in _TABLES} | {"about": [("schema", str(SCHEMA))]}


def read(path: Path) -> Tables:
    """Read every table, migrated to the present schema.

    Raises
    ------
    CohortError
        The index is damaged, or was written by a newer version.
    """
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            (intact,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if intact != "ok":
                raise sqlite3.DatabaseError
            about = dict(db.execute("SELECT key, value FROM about").fetchall())
            schema = int(about["schema"])
            if schema > SCHEMA:
                raise CohortError(
                    "this cohort was made by a newer version", "update HepaFed at this site"
                )
            found = {
                r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            tables = {t: _all(db, t) for t in found}
    except (sqlite3.Error, KeyError, ValueError) as e:
        raise CohortError(
            "the cohort's index is damaged", "move the cohort folder away and ingest again"
        ) from e
    return _migrated(schema, tables)


def _all(db: sqlite3.Connection, table: str) -> list[Row]:
    quoted = table.replace('"', '""')
    return db.execute(f'SELECT * FROM "{quoted}"').fetchall()  # noqa: S608 - quoted above


def _migrated(schema: int, tables: Tables) -> Tables:
    if schema == 1:  # lesion, patient, label, sequences, slices, crop; no examinations
        lesions = [(r[0], r[1], "", *r[2:], "") for r in tables["lesion"]]
        return empty() | {"patient": tables["patient"], "lesion": lesions}
    return {name: tables[name] for name in _TABLES}


def write(path: Path, tables: Tables) -> bool:
    """Write the index from its rows; False when the file holds just these bytes already."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for name, columns in _TABLES.items():
            db.execute(f"CREATE TABLE {name} ({columns}) WITHOUT ROWID")
            rows = sorted(tables[name], key=repr)
            if rows:
                places = ",".join("?" * len(rows[0]))
                db.executemany(f"INSERT INTO {name} VALUES ({places})", rows)  # noqa: S608
        content = db.serialize()
    if path.exists() and path.read_bytes() == content:
        return False
    write_whole(path, content, private=True)
    return True
