"""The scan's index on disk: what was read of which file, so that nothing is read twice.

Two SQLite files in the site's home, folder 0700 and files 0600:

- `scan/known.db` stays. It names files and examinations by HMAC alone: size, time of change,
  outcome and reason of a file, and what an ingest made of an examination.
- `scan/work.db` holds paths and headers, that is, identities, while an ingest runs. Its end
  deletes it; one that was killed leaves it to the next, which goes on from there.

Losing either costs time, never correctness.
"""

import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.cohort import Pseudonyms

FORMAT = "2"
"""Of the index; a change of it, or of the header reader, has every file read anew."""
PAGE = 4096
"""Files in one page of a listing."""

_KNOWN = """
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
"""
_WORK = """
CREATE TABLE IF NOT EXISTS path (
    path BLOB PRIMARY KEY, key TEXT NOT NULL, size INTEGER NOT NULL,
    changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS header (key TEXT PRIMARY KEY, headers TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS here (
    examination TEXT NOT NULL, path BLOB NOT NULL, PRIMARY KEY (examination, path)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Source:
    """One file of the folder, or of an archive in it."""

    path: bytes
    """Relative to the folder; a member's name follows its archive's after a NUL."""
    key: str
    """Its name by HMAC."""
    size: int
    changed: int
    """Nanoseconds of the file's time of change (of the archive's, for a member)."""

    def place(self, folder: Path) -> tuple[Path, str]:
        """Where it lies: the file on disk and the member inside it."""
        path, _, member = self.path.partition(b"\0")
        return folder / os.fsdecode(path), member.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Reading:
    """What reading one file's header gave."""

    source: Source
    kind: str = ""
    """`image`, `mask` (a segmentation or structure set), or empty: of no use."""
    outcome: str = ""
    """`set-aside` or `refused`; of an image it is known when its examination was looked at."""
    reason: str = ""
    patient: str = ""
    """Identity; goes into the index as a pseudonym."""
    study: str = ""
    headers: str = ""
    """One JSON line a slice."""


class ScanIndex:
    """The index of one folder, open for one ingest."""

    def __init__(self, home: Path, root: Path, names: Pseudonyms) -> None:
        self._folder = home / "scan"
        self._root = str(root.resolve())
        self._names = names
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        self._db = _opened(self._folder)
        self._db.executescript("".join(_KNOWN))
        self._db.executescript(_WORK)
        about = dict(self._db.execute("SELECT key, value FROM known.about"))
        if about.get("format") != FORMAT:
            self._db.execute("DELETE FROM known.file")
            self._db.execute("DELETE FROM known.examination")
            self._db.execute("DELETE FROM header")
            self._db.execute("INSERT OR REPLACE INTO known.about VALUES ('format', ?)", (FORMAT,))
        self._db.execute("DELETE FROM path")
        self._db.execute("DELETE FROM here")

    def close(self) -> None:
        """Close the files; what they hold stays."""
        self._db.close()

    def finish(self) -> None:
        """Close, and delete every identity."""
        self._db.execute("PRAGMA known.wal_checkpoint(TRUNCATE)")
        self._db.close()
        for path in self._folder.glob("work.db*"):
            path.unlink(missing_ok=True)

    def source(self, path: bytes, size: int, changed: int) -> Source:
        """Name a file."""
        key = self._names.of("file", self._root, path.decode("utf-8", "surrogateescape"))
        return Source(path, key, size, changed)

    def note(self, sources: Iterable[Source]) -> None:
        """Note files that are there."""
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO path VALUES (?,?,?,?)",
                ((s.path, s.key, s.size, s.changed) for s in sources),
            )

    def drop(self, source: Source) -> None:
        """Forget a file that is only a container of others."""
        self._db.execute("DELETE FROM path WHERE path = ?", (source.path,))

    def count(self) -> tuple[int, int]:
        """Count the files that are there, and those of them still to be read."""
        (files,) = self._db.execute("SELECT COUNT(*) FROM path").fetchone()
        (unread,) = self._db.execute(f"SELECT COUNT(*) {_UNREAD}", (b"",)).fetchone()
        return int(files), int(unread)

    def unread(self) -> Iterator[list[Source]]:
        """Give the new and changed files page by page, in the order of their paths."""
        last = b""
        while page := self._db.execute(
            f"SELECT p.path, p.key, p.size, p.changed {_UNREAD} ORDER BY p.path LIMIT {PAGE}",
            (last,),
        ).fetchall():
            last = page[-1][0]
            yield [Source(*r) for r in page]

    def keep(self, readings: Iterable[Reading]) -> None:
        """Keep what was read. Headers first: a file that is known has its headers, or is reread."""
        rows = [(r, self._examination(r)) for r in readings]
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO header VALUES (?,?)",
                ((r.source.key, r.headers) for r, _ in rows if r.headers),
            )
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO known.file VALUES (?,?,?,?,?,?,?)",
                (
                    (r.source.key, r.source.size, r.source.changed, r.kind, r.outcome, r.reason, e)
                    for r, e in rows
                ),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO known.examination (examination, patient, study) "
                "VALUES (?,?,?)",
                {
                    (e, self._names.of("patient", r.patient), self._names.of("study", r.study))
                    for r, e in rows
                    if e
                },
            )

    def _examination(self, r: Reading) -> str:
        return self._names.of("examination", r.patient, r.study) if r.study else ""

    def gather(self) -> None:
        """Sort the files that are there by examination, once all are read."""
        with self._transaction():
            self._db.execute("DELETE FROM here")
            self._db.execute(
                "INSERT INTO here SELECT f.examination, p.path FROM path p "
                "JOIN known.file f ON f.key = p.key WHERE f.examination != ''"
            )

    def patients(self) -> dict[str, list[str]]:
        """Give every patient's examinations that have files here, all by pseudonym."""
        found: dict[str, list[str]] = {}
        for patient, examination in self._db.execute(
            "SELECT DISTINCT e.patient, e.examination FROM known.examination e "
            "JOIN here h ON h.examination = e.examination ORDER BY 1, 2"
        ):
            found.setdefault(patient, []).append(examination)
        return found

    def shared(self) -> set[str]:
        """Pseudonyms of patients one of whose examinations is here under another patient too."""
        rows = self._db.execute(
            "WITH present AS (SELECT DISTINCT e.patient, e.study FROM known.examination e "
            "JOIN here h ON h.examination = e.examination) SELECT patient FROM present "
            "WHERE study IN (SELECT study FROM present GROUP BY study HAVING COUNT(*) > 1)"
        )
        return {r[0] for r in rows}

    def files_of(self, examination: str) -> list[tuple[Source, str, str]]:
        """Give an examination's files in the order of their paths: (file, kind, headers)."""
        rows = self._db.execute(
            "SELECT p.path, p.key, p.size, p.changed, f.kind, IFNULL(h.headers, '') "
            "FROM here e JOIN path p ON p.path = e.path JOIN known.file f ON f.key = p.key "
            "LEFT JOIN header h ON h.key = p.key WHERE e.examination = ? ORDER BY p.path",
            (examination,),
        )
        return [(Source(*r[:4]), r[4], r[5]) for r in rows]

    def stamps_of(self, examination: str) -> list[tuple[str, int, int]]:
        """Give key, size and time of change of an examination's files, in the order of keys."""
        return self._db.execute(
            "SELECT p.key, p.size, p.changed FROM here e JOIN path p ON p.path = e.path "
            "WHERE e.examination = ? ORDER BY p.key",
            (examination,),
        ).fetchall()

    def result(self, examination: str) -> tuple[str, str]:
        """Give the digest of what an examination was made from, and what was made (JSON)."""
        row = self._db.execute(
            "SELECT inputs, result FROM known.examination WHERE examination = ?", (examination,)
        ).fetchone()
        return (row[0], row[1]) if row else ("", "")

    def record(
        self,
        examination: str,
        inputs: str,
        result: str,
        outcomes: Iterable[tuple[str, str, str]],
        series: Iterable[tuple[str, int, str, str]],
    ) -> None:
        """Record what was made of an examination.

        `outcomes` are each file's (outcome, reason, key); `series` each series' pseudonym, files,
        sequence, and the lines that explain it.
        """
        with self._transaction():
            self._db.execute(
                "UPDATE known.examination SET inputs = ?, result = ? WHERE examination = ?",
                (inputs, result, examination),
            )
            self._db.execute("DELETE FROM known.series WHERE examination = ?", (examination,))
            self._db.executemany(
                "INSERT INTO known.series VALUES (?,?,?,?,?)",
                ((s, examination, n, q, zlib.compress(t.encode())) for s, n, q, t in series),
            )
            self._db.executemany(
                "UPDATE known.file SET outcome = ?, reason = ? WHERE key = ?", outcomes
            )

    def set_aside_all_but(self, examinations: Iterable[str], reason: str) -> None:
        """Set the files of every other examination aside, and forget what was made of it."""
        with self._transaction():
            self._db.execute(
                "CREATE TEMP TABLE IF NOT EXISTS wanted (examination TEXT PRIMARY KEY)"
            )
            self._db.execute("DELETE FROM wanted")
            self._db.executemany("INSERT INTO wanted VALUES (?)", ((e,) for e in examinations))
            others = (
                "examination IN (SELECT examination FROM here) "
                "AND examination NOT IN (SELECT examination FROM wanted)"
            )
            self._db.execute(
                f"UPDATE known.file SET outcome = 'set-aside', reason = ? WHERE {others}",  # noqa: S608
                (reason,),
            )
            self._db.execute(f"DELETE FROM known.series WHERE {others}")  # noqa: S608
            self._db.execute(
                f"UPDATE known.examination SET inputs = '', result = '' WHERE {others}"  # noqa: S608
            )

    def tally(self) -> list[tuple[str, str, int]]:
        """Count the files here by outcome and reason."""
        return self._db.execute(
            "SELECT f.outcome, f.reason, COUNT(*) FROM path p JOIN known.file f ON f.key = p.key "
            "GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"
        ).fetchall()

    def left(self) -> Iterator[tuple[bytes, str, str]]:
        """Give every file here that was not taken: path, outcome, reason."""
        yield from self._db.execute(
            "SELECT p.path, f.outcome, f.reason FROM path p JOIN known.file f ON f.key = p.key "
            "WHERE f.outcome != 'taken' ORDER BY p.path"
        )

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


def known_series(home: Path) -> list[tuple[str, str, int, str, str]]:
    """Give every series that an ingest looked at: (series, examination, files, sequence, lines).

    All by pseudonym; empty before the first ingest.
    """
    path = home / "scan/known.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(
            "SELECT series, examination, files, sequence, lines FROM series ORDER BY 2, 1"
        ).fetchall()
    return [(*r[:4], zlib.decompress(r[4]).decode()) for r in rows]


def forget_patients(home: Path, patients: Iterable[str]) -> set[str]:
    """Overwrite all that the scan knows of patients, by pseudonym; gives those it knew.

    What a killed ingest left of paths and headers goes whole: it only saved time.
    """
    folder = home / "scan"
    if not (folder / "known.db").exists():
        return set()
    try:
        known = _forgotten(folder / "known.db", patients)
    except sqlite3.DatabaseError:  # damaged: as when an ingest opens it
        shutil.rmtree(folder)
        return set()
    for path in folder.glob("work.db*"):
        path.unlink(missing_ok=True)
    return known


def _forgotten(path: Path, patients: Iterable[str]) -> set[str]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("CREATE TEMP TABLE gone (patient TEXT PRIMARY KEY)")
        db.executemany("INSERT OR IGNORE INTO gone VALUES (?)", ((p,) for p in patients))
        theirs = "FROM examination WHERE patient IN (SELECT patient FROM gone)"
        known = {r[0] for r in db.execute(f"SELECT patient {theirs}")}
        with _Transaction(db):
            for table in ("file", "series"):
                rows = f"FROM {table} WHERE examination IN (SELECT examination {theirs})"
                db.execute(f"DELETE {rows}")
            db.execute(f"DELETE {theirs}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return known


_UNREAD = (
    "FROM path p LEFT JOIN known.file f ON f.key = p.key WHERE p.path > ? AND "
    "(f.key IS NULL OR f.size != p.size OR f.changed != p.changed)"
)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *rest: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _opened(folder: Path) -> sqlite3.Connection:
    """Open both files; a damaged index is thrown away, for it only saves time."""
    for attempt in (1, 2):
        for name in ("work.db", "known.db"):
            (folder / name).touch(mode=0o600)
        db = sqlite3.connect(folder / "work.db", isolation_level=None)
        try:
            db.execute("ATTACH ? AS known", (str(folder / "known.db"),))
            for name in ("main", "known"):
                db.execute(f"PRAGMA {name}.journal_mode = WAL")
                db.execute(f"PRAGMA {name}.synchronous = NORMAL")
                db.execute(f"PRAGMA {name}.cache_size = -16384")
                db.execute(f"SELECT COUNT(*) FROM {name}.sqlite_master").fetchone()  # noqa: S608
            # Sorting must not spill identities into the machine's temporary folder.
            db.execute("PRAGMA temp_store = MEMORY")
        except sqlite3.DatabaseError:
            db.close()
            if attempt == 2:
                raise
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
        else:
            return db
    raise AssertionError
