"""The scan's index: what was read of which file, so that nothing is read twice."""

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hepafed.client.dicom.encoding import FileOutcome
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan.database import KNOWN, forget_work, opened, transaction
from hepafed.client.scan.records import KeptOutcome, Reading, SeriesOutcome, Source
from hepafed.common.kept_files import note_kept
from hepafed.common.room import in_room

PAGE = 4096
"""Files in one page of a listing."""
_UNREAD = (
    "FROM path p LEFT JOIN known.file f ON f.key = p.key WHERE p.path > ? AND "
    "(f.key IS NULL OR f.size != p.size OR f.changed != p.changed)"
)


class ScanIndex:
    """The index of one folder, open for one ingest; without a home it lives in memory.

    What is written waits for room on the disk, where the ingest waits (common/room).
    """

    def __init__(self, home: Path | None, root: Path, names: Pseudonyms) -> None:
        self._folder = None if home is None else home / "scan"
        self._root = str(root.resolve())
        self._names = names
        self._db = opened(self._folder)

    def close(self) -> None:
        """Close the files; what they hold stays."""
        self._db.close()

    def finish(self) -> None:
        """Close, and delete every identity."""
        self._db.execute("PRAGMA known.wal_checkpoint(TRUNCATE)")
        self._db.close()
        if self._folder is not None:
            forget_work(self._folder)
            note_kept(self._folder / KNOWN)

    def source(self, path: bytes, size: int, changed: int) -> Source:
        """Return a file under its name by HMAC."""
        key = self._names.of("file", self._root, path.decode("utf-8", "surrogateescape"))
        return Source(path, key, size, changed)

    def note(self, sources: Iterable[Source]) -> None:
        """Note files that are there."""
        rows = [vars(s) for s in sources]

        def write() -> None:
            with transaction(self._db):
                self._db.executemany(
                    "INSERT OR REPLACE INTO path (path, key, size, changed) "
                    "VALUES (:path, :key, :size, :changed)",
                    rows,
                )

        self._in_room(sum(len(r["path"]) for r in rows), write)

    def drop(self, source: Source) -> None:
        """Forget a file that is only a container of others."""
        delete = "DELETE FROM path WHERE path = ?"
        self._in_room(0, lambda: self._db.execute(delete, (source.path,)))

    def count_unread(self) -> int:
        """Return how many of the files that are there are still to be read."""
        (unread,) = self._db.execute(f"SELECT COUNT(*) {_UNREAD}", (b"",)).fetchone()
        return int(unread)

    def unread(self) -> Iterator[list[Source]]:
        """Yield the new and changed files page by page, in the order of their paths."""
        last = b""
        while page := self._db.execute(
            f"SELECT p.path, p.key, p.size, p.changed {_UNREAD} ORDER BY p.path LIMIT {PAGE}",
            (last,),
        ).fetchall():
            last = page[-1]["path"]
            yield [_source(r) for r in page]

    def keep(self, readings: Iterable[Reading]) -> None:
        """Keep what was read. Headers first: a file that is known has its headers, or is reread."""
        rows = [(r, self._examination(r)) for r in readings]
        need = sum(len(r.headers) for r, _ in rows)
        self._in_room(need, lambda: self._keep(rows))

    def _keep(self, rows: list[tuple[Reading, str]]) -> None:
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR REPLACE INTO header (key, headers) VALUES (?, ?)",
                ((r.source.key, r.headers) for r, _ in rows if r.headers),
            )
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR REPLACE INTO known.file "
                "(key, size, changed, kind, outcome, reason, examination) "
                "VALUES (:key, :size, :changed, :kind, :outcome, :reason, :examination)",
                (vars(r.source) | vars(r) | {"examination": e} for r, e in rows),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO known.examination (examination, patient, study) "
                "VALUES (?, ?, ?)",
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

        def write() -> None:
            with transaction(self._db):
                self._db.execute("DELETE FROM here")
                self._db.execute(
                    "INSERT INTO here (examination, path) SELECT f.examination, p.path FROM path p "
                    "JOIN known.file f ON f.key = p.key WHERE f.examination != ''"
                )

        self._in_room(0, write)

    def _in_room(self, need: int, write: Callable[[], object]) -> None:
        """Write what has about `need` bytes; what fails must leave nothing."""
        if self._folder is None:
            write()
        else:
            in_room(self._folder, need, write)

    def examinations(self) -> list[str]:
        """Return the examinations that have files here, in the order of their first paths."""
        rows = self._db.execute(
            "SELECT examination FROM here GROUP BY examination ORDER BY MIN(path)"
        )
        return [r["examination"] for r in rows]

    def patients(self) -> dict[str, list[str]]:
        """Return every patient's examinations that have files here, all by pseudonym."""
        found: dict[str, list[str]] = {}
        for patient, examination in self._db.execute(
            "SELECT DISTINCT e.patient, e.examination FROM known.examination e "
            "JOIN here h ON h.examination = e.examination ORDER BY e.patient, e.examination"
        ):
            found.setdefault(patient, []).append(examination)
        return found

    def shared(self) -> set[str]:
        """Return the pseudonyms of patients who share an examination with another patient."""
        rows = self._db.execute(
            "WITH present AS (SELECT DISTINCT e.patient, e.study FROM known.examination e "
            "JOIN here h ON h.examination = e.examination) SELECT patient FROM present "
            "WHERE study IN (SELECT study FROM present GROUP BY study HAVING COUNT(*) > 1)"
        )
        return {r["patient"] for r in rows}

    def files_of(self, examination: str) -> list[tuple[Source, str, str]]:
        """Return an examination's files in the order of their paths: (file, kind, headers)."""
        rows = self._db.execute(
            "SELECT p.path, p.key, p.size, p.changed, f.kind, IFNULL(h.headers, '') AS headers "
            "FROM here e JOIN path p ON p.path = e.path JOIN known.file f ON f.key = p.key "
            "LEFT JOIN header h ON h.key = p.key WHERE e.examination = ? ORDER BY p.path",
            (examination,),
        )
        return [(_source(r), r["kind"], r["headers"]) for r in rows]

    def stamps_of(self, examination: str) -> list[tuple[str, int, int]]:
        """Return key, size and time of change of an examination's files, in the order of keys."""
        rows = self._db.execute(
            "SELECT p.key, p.size, p.changed FROM here e JOIN path p ON p.path = e.path "
            "WHERE e.examination = ? ORDER BY p.key",
            (examination,),
        )
        return [(r["key"], r["size"], r["changed"]) for r in rows]

    def result(self, examination: str) -> tuple[str, str]:
        """Return the digest of what an examination was made from, and what was made (JSON)."""
        row = self._db.execute(
            "SELECT inputs, result FROM known.examination WHERE examination = ?", (examination,)
        ).fetchone()
        return (row["inputs"], row["result"]) if row else ("", "")

    def record(
        self,
        examination: str,
        inputs: str,
        result: str,
        outcomes: Iterable[KeptOutcome],
        series: Iterable[SeriesOutcome],
    ) -> None:
        """Record what was made of an examination, of its files and of its series."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE known.examination SET inputs = ?, result = ? WHERE examination = ?",
                (inputs, result, examination),
            )
            self._db.execute("DELETE FROM known.series WHERE examination = ?", (examination,))
            self._db.executemany(
                "INSERT INTO known.series (series, examination, files, sequence, lines) "
                "VALUES (:series, :examination, :files, :sequence, :lines)",
                (
                    vars(s) | {"examination": examination, "lines": zlib.compress(s.lines.encode())}
                    for s in series
                ),
            )
            self._db.executemany(
                "UPDATE known.file SET outcome = :outcome, reason = :reason WHERE key = :key",
                (vars(o) for o in outcomes),
            )

    def set_aside_all_but(self, examinations: Iterable[str], reason: str) -> None:
        """Set the files of every other examination aside, and forget what was made of it."""
        with transaction(self._db):
            self._db.execute(
                "CREATE TEMP TABLE IF NOT EXISTS wanted (examination TEXT PRIMARY KEY)"
            )
            self._db.execute("DELETE FROM wanted")
            self._db.executemany(
                "INSERT INTO wanted (examination) VALUES (?)", ((e,) for e in examinations)
            )
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
        """Return each outcome and reason of the files here, and how many files have it."""
        rows = self._db.execute(
            "SELECT f.outcome, f.reason, COUNT(*) AS files FROM path p "
            "JOIN known.file f ON f.key = p.key GROUP BY f.outcome, f.reason "
            "ORDER BY f.outcome, files DESC, f.reason"
        )
        return [(r["outcome"], r["reason"], r["files"]) for r in rows]

    def outcomes(self) -> Iterator[FileOutcome]:
        """Yield what became of every file here, by its `Source.name`, in the order of paths."""
        for r in self._db.execute(
            "SELECT p.path, p.key, p.size, p.changed, f.outcome, f.reason FROM path p "
            "JOIN known.file f ON f.key = p.key ORDER BY p.path"
        ):
            yield FileOutcome(_source(r).name, r["outcome"], r["reason"])


def _source(row: sqlite3.Row) -> Source:
    return Source(path=row["path"], key=row["key"], size=row["size"], changed=row["changed"])
