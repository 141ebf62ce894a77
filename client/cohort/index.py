"""The cohort's index: one SQLite file whose bytes depend on its rows alone, written whole.

It is built in memory from sorted rows and renamed into place, so a crash leaves the old index or
the new one, and the same rows give the same file. Values are read and written by the names of
their columns. Schemas of earlier versions are migrated when they are opened.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hepafed.client.cohort.records import Acquisition, Lesion
from hepafed.common.errors import CohortError
from hepafed.common.files import write_whole

SCHEMA = 3

TABLES = {
    "about": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "patient": "patient TEXT PRIMARY KEY, split TEXT NOT NULL",
    "acquisition": """
        examination TEXT NOT NULL, sequence TEXT NOT NULL, patient TEXT NOT NULL,
        manufacturer TEXT NOT NULL, field_strength REAL, b_value REAL, b_values TEXT NOT NULL,
        rule TEXT NOT NULL, slices INTEGER NOT NULL, rows INTEGER NOT NULL,
        columns INTEGER NOT NULL, between_slices REAL NOT NULL, between_rows REAL NOT NULL,
        between_columns REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
        mean REAL NOT NULL, spread REAL NOT NULL, pixels TEXT NOT NULL,
        certainty REAL, doubts TEXT NOT NULL,
        PRIMARY KEY (examination, sequence)""",
    "lesion": """
        lesion TEXT PRIMARY KEY, patient TEXT NOT NULL, examination TEXT NOT NULL,
        label INTEGER NOT NULL, sequences TEXT NOT NULL, slices INTEGER NOT NULL,
        crop TEXT NOT NULL, facts TEXT NOT NULL""",
}
"""Columns of each table. The file holds these texts: another blank is another file."""
_ABSENT_IN_1: dict[str, Any] = {"examination": "", "facts": ""}
"""What a lesion of schema 1 lacks, which knew no examinations."""

CHECKSUM = "checksum"
"""The key in `about` of the digest of all rows: SQLite finds no changed bit in a row."""
Row = Mapping[str, Any]
"""Value of each column, by its name."""


@dataclass(frozen=True)
class Index:
    """The content of the index."""

    about: dict[str, str] = field(default_factory=lambda: {"schema": str(SCHEMA)})
    """`schema`, and `normalisation` once a volume was normalised."""
    splits: dict[str, str] = field(default_factory=dict)
    """Patient's pseudonym → split."""
    acquisitions: tuple[Acquisition, ...] = ()
    lesions: tuple[Lesion, ...] = ()


def read(path: Path) -> Index:
    """Read the index, migrated to the present schema.

    Raises
    ------
    CohortError
        The index is damaged, or was written by a newer version.
    """
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            db.row_factory = sqlite3.Row
            if db.execute("PRAGMA quick_check(1)").fetchone()["quick_check"] != "ok":
                raise sqlite3.DatabaseError
            return _read(db)
    except (sqlite3.Error, KeyError, TypeError, ValueError) as e:
        raise CohortError(
            "cohort/index.db: the cohort's index is damaged",
            "restore a copy of it. Without one: move the cohort folder away and ingest again; "
            "patients can then come into other splits",
        ) from e


def write(path: Path, index: Index, tables: Mapping[str, str] = TABLES) -> bool:
    """Write the index whole; return False when the file holds just these bytes already.

    `tables` are the columns of each, in SQL; their order is of no meaning.
    """
    rows: dict[str, Iterable[Row]] = {
        "about": ({"key": k, "value": v} for k, v in index.about.items() if k != CHECKSUM),
        "patient": ({"patient": p, "split": s} for p, s in index.splits.items()),
        "acquisition": map(vars, index.acquisitions),
        "lesion": map(vars, index.lesions),
    }
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for table, columns in tables.items():
            db.execute(f"CREATE TABLE {table} ({columns}) WITHOUT ROWID")
            _fill(db, table, rows[table])
        db.execute("INSERT INTO about (key, value) VALUES (?, ?)", (CHECKSUM, _digest(db)))
        content = db.serialize()
    if path.exists() and path.read_bytes() == content:
        return False
    write_whole(path, content, private=True)
    return True


def _read(db: sqlite3.Connection) -> Index:
    about = {r["key"]: r["value"] for r in db.execute("SELECT * FROM about")}
    schema = int(about["schema"])
    if schema > SCHEMA:
        raise CohortError("this cohort was made by a newer version", "update HepaFed at this site")
    stated = about.pop(CHECKSUM, "")  # an index of 0.1.0 has none
    if stated and stated != _digest(db):
        raise ValueError("a row was changed")
    splits = {r["patient"]: r["split"] for r in db.execute("SELECT * FROM patient")}
    lesions = [dict(r) for r in db.execute("SELECT * FROM lesion")]
    if schema == 1:
        return Index(splits=splits, lesions=tuple(Lesion(**(_ABSENT_IN_1 | r)) for r in lesions))
    about["schema"] = str(SCHEMA)  # schema 2 lacks certainty and doubts, which have defaults
    acquired = [dict(r) for r in db.execute("SELECT * FROM acquisition")]
    return Index(
        about,
        splits,
        tuple(Acquisition(**r) for r in acquired),
        tuple(Lesion(**r) for r in lesions),
    )


def _digest(db: sqlite3.Connection) -> str:
    """Return the SHA-256 of all rows by the names of their columns, but for the digest itself."""
    made = hashlib.sha256()
    for table in sorted(TABLES):
        names = sorted(c[1] for c in db.execute(f"PRAGMA table_info({table})"))
        rows = db.execute(f"SELECT {', '.join(names)} FROM {table}")  # noqa: S608 - ours
        held = sorted(repr(tuple(r)) for r in rows if table != "about" or CHECKSUM not in tuple(r))
        made.update("\n".join([table, *names, *held, ""]).encode())
    return made.hexdigest()


def _fill(db: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    """Insert rows, sorted by the texts of their values in the order of the columns."""
    names = [c[1] for c in db.execute(f"PRAGMA table_info({table})")]
    ordered = sorted(rows, key=lambda row: repr(tuple(row[n] for n in names)))
    places = ", ".join(f":{n}" for n in names)
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - ours
    db.executemany(statement, ordered)
