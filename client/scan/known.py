"""What the scan keeps between ingests: the series it explained, and patients to forget."""

import shutil
import sqlite3
import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hepafed.client.scan.database import KNOWN, forget_work, transaction
from hepafed.common.errors import CohortError
from hepafed.common.kept_files import fault_of, is_noted, note_kept


class KnownSeries(NamedTuple):
    """One series that an ingest looked at."""

    series: str
    """Pseudonym."""
    examination: str
    """Pseudonym."""
    files: int
    sequence: str
    """The sequences of its volumes, joined by commas; empty where it was set aside."""
    lines: str
    """How that was decided, rule by rule."""


def known_series(home: Path) -> list[KnownSeries]:
    """Return every series that an ingest looked at; none before the first ingest.

    Raises
    ------
    CohortError
        The file of the last ingest is missing or damaged.
    """
    path = home / "scan" / KNOWN
    if fault := fault_of(path):
        raise CohortError(f"scan/{KNOWN} {fault}", "run client ingest again: it makes it anew")
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        rows = db.execute(
            "SELECT series, examination, files, sequence, lines FROM series "
            "ORDER BY examination, series"
        ).fetchall()
    return [KnownSeries(**{**r, "lines": zlib.decompress(r["lines"]).decode()}) for r in rows]


def forget_patients(home: Path, patients: Iterable[str]) -> set[str]:
    """Overwrite all that the scan knows of patients, by pseudonym; return those it knew.

    What a killed ingest left of paths and headers goes whole: it only saved time.
    """
    folder = home / "scan"
    if not (folder / KNOWN).exists():
        return set()
    noted = is_noted(folder / KNOWN)
    if fault_of(folder / KNOWN):  # as when an ingest opens it
        shutil.rmtree(folder)
        return set()
    try:
        known = _forgotten(folder / KNOWN, patients)
    except sqlite3.DatabaseError:  # damaged: as when an ingest opens it
        shutil.rmtree(folder)
        return set()
    forget_work(folder)
    if noted:
        note_kept(folder / KNOWN)
    return known


def _forgotten(path: Path, patients: Iterable[str]) -> set[str]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("CREATE TEMP TABLE gone (patient TEXT PRIMARY KEY)")
        db.executemany("INSERT OR IGNORE INTO gone (patient) VALUES (?)", ((p,) for p in patients))
        theirs = "FROM examination WHERE patient IN (SELECT patient FROM gone)"
        known = {patient for (patient,) in db.execute(f"SELECT patient {theirs}")}
        with transaction(db):
            for table in ("file", "series"):
                rows = f"FROM {table} WHERE examination IN (SELECT examination {theirs})"
                db.execute(f"DELETE {rows}")
            db.execute(f"DELETE {theirs}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return known
