"""The two SQLite files of the scan's index: their tables, how they are opened and written.

Both lie in the site's home, folder 0700 and files 0600:

- `scan/known.db` stays. It names files and examinations by HMAC alone: size, time of change,
  outcome and reason of a file, and what an ingest made of an examination.
- `scan/work.db` holds paths and headers, that is, identities, while an ingest runs. Its end
  deletes it; one that was killed leaves it to the next, which goes on from there.

Losing either costs time, never correctness.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hepafed.common.kept_files import fault_of, note_gone
from hepafed.common.room import is_full

FORMAT: Final = "5"
"""Version of the index; when it or the header reader changes, every file is read again."""
KNOWN: Final = "known.db"
WORK: Final = "work.db"
IN_MEMORY: Final = ":memory:"
_TABLES = """
CREATE TABLE IF NOT EXISTS known.about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS known.file (
    key TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL,
    kind TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
    examination TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known.examination (
    examination TEXT PRIMARY KEY, patient TEXT NOT NULL, study TEXT NOT NULL,
    inputs TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known.series (
    series TEXT NOT NULL, examination TEXT NOT NULL, files INTEGER NOT NULL,
    sequence TEXT NOT NULL, lines BLOB NOT NULL, PRIMARY KEY (series, examination)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS path (
    path BLOB PRIMARY KEY, key TEXT NOT NULL, size INTEGER NOT NULL,
    changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS header (key TEXT PRIMARY KEY, headers TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS here (
    examination TEXT NOT NULL, path BLOB NOT NULL, PRIMARY KEY (examination, path)) WITHOUT ROWID;
"""


def opened(folder: Path | None) -> sqlite3.Connection:
    """Open the index in `folder`, or an empty one in memory; it lists no path yet.

    A damaged index is thrown away and one of an older format is emptied: it only saves time.
    """
    db = _connected(IN_MEMORY, IN_MEMORY) if folder is None else _on_disk(folder)
    db.row_factory = sqlite3.Row
    db.executescript(_TABLES)
    about = {r["key"]: r["value"] for r in db.execute("SELECT key, value FROM known.about")}
    if about.get("format") != FORMAT:
        for table in ("known.file", "known.examination", "known.series", "header"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608
        db.execute(
            "INSERT OR REPLACE INTO known.about (key, value) VALUES ('format', ?)", (FORMAT,)
        )
    db.execute("DELETE FROM path")
    db.execute("DELETE FROM here")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Write everything of a `with` block, or nothing where it raises."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk may have ended it
            db.execute("ROLLBACK")
        raise


def forget_work(folder: Path) -> None:
    """Delete every path and header."""
    for path in folder.glob(f"{WORK}*"):
        path.unlink(missing_ok=True)


def _on_disk(folder: Path) -> sqlite3.Connection:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    if fault_of(folder / KNOWN):
        shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    note_gone(folder / KNOWN)  # until the ingest is over; one that was killed goes on
    for name in (WORK, KNOWN):
        (folder / name).touch(mode=0o600)
    try:
        return _connected(str(folder / WORK), str(folder / KNOWN))
    except sqlite3.DatabaseError as e:
        if is_full(e):
            raise
        shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    for name in (WORK, KNOWN):
        (folder / name).touch(mode=0o600)
    return _connected(str(folder / WORK), str(folder / KNOWN))


def _connected(work: str, known: str) -> sqlite3.Connection:
    """Connect to both files.

    Raises
    ------
    sqlite3.DatabaseError
        One of them is damaged.
    """
    db = sqlite3.connect(work, isolation_level=None)
    try:
        db.execute("ATTACH ? AS known", (known,))
        for name in ("main", "known"):
            db.execute(f"PRAGMA {name}.journal_mode = WAL")
            db.execute(f"PRAGMA {name}.synchronous = NORMAL")
            db.execute(f"PRAGMA {name}.cache_size = -16384")
            db.execute(f"SELECT COUNT(*) FROM {name}.sqlite_master").fetchone()  # noqa: S608
        # Sorting must not spill identities into the machine's temporary folder.
        db.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
