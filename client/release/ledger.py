"""The egress ledger: each payload is written down here before it leaves the building.

One JSON line a payload; every line holds the hash of the one before, so that a line changed or
removed later is found. Of a message the text stays as well, in `sent/SHA256.json`; of updates and
counts, which are large, the hash alone.
"""

import errno
import hashlib
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from hepafed.common.errors import DataError, UsageError
from hepafed.common.files import write_whole
from hepafed.common.locks import wait_for_lock

_FIRST = "0" * 64
SHORTEST = 8
"""The fewest digits of a SHA-256 that name an entry; a shorter number is the entry's own."""
CHANGED = "the ledger was changed after it was written"


class Ledger:
    """The file ledger.jsonl of a site, and the texts in sent/."""

    def __init__(self, home: Path) -> None:
        self._path = home / "ledger.jsonl"
        self._sent = home / "sent"

    def record_message(self, kind: str, run: str, text: str, *, permission: str = "") -> None:
        """Keep the text of a message that is about to leave, and write it down as `record` does."""
        content = text.encode()
        self._sent.mkdir(mode=0o700, exist_ok=True)
        write_whole(self._kept(hashlib.sha256(content).hexdigest()), content, private=True)
        self.record(kind, run, content, kept=True, permission=permission)

    def record(
        self,
        kind: str,
        run: str,
        content: bytes | memoryview,
        *,
        kept: bool = False,
        permission: str = "",
    ) -> str:
        """Write down a payload that is about to leave; return its SHA-256 once that is on disk.

        The end of the file is read anew each time, under a lock: another process may have written
        meanwhile. A line that a crash tore was of a payload that never left; it is cut off, and
        the new entry says so (`unfinished`, in bytes). `permission`: the permission of a person
        under which it leaves.
        """
        digest = hashlib.sha256(content).hexdigest()
        entry: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            "run": run,
            "bytes": len(content),
            "sha256": digest,
        }
        if kept:
            entry["kept"] = True
        if permission:
            entry["permission"] = permission
        with self._path.open("a+b", buffering=0) as f:
            wait_for_lock(f)
            last, rest = _end(f)
            lead = b""
            if _parsed(rest) is not None:  # whole but for its line end
                last, lead = rest, b"\n"
            elif rest:
                entry["unfinished"] = len(rest)
                f.truncate(f.tell() - len(rest))
            entry["before"] = hashlib.sha256(last).hexdigest() if last else _FIRST
            _append(f, lead + json.dumps(entry, sort_keys=True, separators=(",", ":")).encode())
        return digest

    def entries(self) -> list[dict[str, Any]]:
        """Return every entry, oldest first; DataError for a damaged line."""
        return [entry for entry, _ in self._read()]

    def _read(self) -> list[tuple[dict[str, Any], str]]:
        """Return every entry and the hash of its line, without a torn last line."""
        content = self._path.read_bytes() if self._path.exists() else b""
        *lines, rest = content.split(b"\n")
        if _parsed(rest) is not None:
            lines.append(rest)
        found = []
        for number, line in enumerate(lines, 1):
            entry = _parsed(line)
            if entry is None:
                raise DataError(
                    f"line {number} of the ledger is damaged",
                    "keep the file as evidence; move it away to start a new ledger",
                )
            found.append((entry, hashlib.sha256(line).hexdigest()))
        return found

    def verify(self) -> int:
        """Check the chain and the kept texts against their hashes; return the number of entries.

        Raises
        ------
        DataError
            An entry does not follow the one before, or its text is missing or changed (the first
            such entry is named).
        """
        before = _FIRST
        found = self._read()
        for number, (entry, digest) in enumerate(found, 1):
            if entry.get("before") != before:
                raise DataError(
                    f"entry {number} of the ledger does not continue the entry before it", CHANGED
                )
            before = digest
            if entry.get("kept"):
                self._text(number, entry)
        return len(found)

    def show(self, which: str) -> str:
        """Return the text of a kept message, laid out to be read.

        `which` is an entry's number, or the first digits of its SHA-256 (`SHORTEST` at least).

        Raises
        ------
        UsageError
            There is no such entry, or there are several.
        DataError
            Its text is not kept, or is not the one that left.
        """
        entries = list(enumerate(self.entries(), 1))
        if len(which) < SHORTEST and which.isdecimal():
            found = [(n, e) for n, e in entries if n == int(which)]
        elif len(which) >= SHORTEST and set(which.lower()) <= set("0123456789abcdef"):
            found = [(n, e) for n, e in entries if e["sha256"].startswith(which.lower())]
        else:
            raise UsageError(
                f"{which[:80]} is neither an entry's number nor {SHORTEST} or more digits of a "
                "SHA-256",
                "client ledger lists both",
            )
        if not found or len({e["sha256"] for _, e in found}) > 1:
            what = "several entries begin with" if found else "there is no entry"
            raise UsageError(f"{what} {which[:80]}", "client ledger lists them")
        number, entry = found[0]
        if not entry.get("kept"):
            raise DataError(
                f"the content of entry {number} ({entry['kind']}) is not stored, only its size "
                "and hash",
                "only the text of messages is stored",
            )
        return json.dumps(json.loads(self._text(number, entry)), indent=2)

    def _kept(self, digest: str) -> Path:
        return self._sent / f"{digest}.json"

    def _text(self, number: int, entry: dict[str, Any]) -> bytes:
        """Return a kept text, checked against its hash."""
        try:
            text = self._kept(entry["sha256"]).read_bytes()
        except OSError as e:
            raise DataError(
                f"the text of entry {number} is missing",
                "it should be in sent/ of the home folder; restore it from a backup",
            ) from e
        if hashlib.sha256(text).hexdigest() != entry["sha256"]:
            raise DataError(
                f"the text of entry {number} differs from the text that was sent", CHANGED
            )
        return text


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _end(f: BinaryIO) -> tuple[bytes, bytes]:
    """Return a file's last whole line and what follows it, at the cost of reading these alone."""
    size, span = f.seek(0, os.SEEK_END), 4096
    while True:
        f.seek(max(0, size - span))
        parts = f.read().rsplit(b"\n", 2)
        if len(parts) == 3 or span >= size:
            return (parts[-2] if len(parts) > 1 else b""), parts[-1]
        span *= 4


def _append(f: BinaryIO, line: bytes) -> None:
    """Add a line, on disk when this returns; where that fails the file stays as it was."""
    size = f.seek(0, os.SEEK_END)
    try:
        if f.write(line + b"\n") != len(line) + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(f.fileno())
    except OSError:
        with suppress(OSError):
            f.truncate(size)
        raise
