"""The egress ledger: each payload is written down here before it leaves the building.

One JSON line a payload; every line holds the hash of the one before, so that a line changed or
removed later is found.
"""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hepafed.common.errors import DataError

_FIRST = "0" * 64


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"))


class Ledger:
    """The file ledger.jsonl of a site."""

    def __init__(self, home: Path) -> None:
        self._path = home / "ledger.jsonl"
        entries = self.entries()
        self._last = hashlib.sha256(_line(entries[-1]).encode()).hexdigest() if entries else _FIRST

    def record(self, kind: str, run: str, content: bytes | memoryview) -> None:
        """Write down a payload that is about to leave, and have it on disk before returning."""
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            "run": run,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "before": self._last,
        }
        line = _line(entry)
        with self._path.open("a") as f:
            f.write(line + "\n")
            f.flush()
            os.fsync(f.fileno())
        self._last = hashlib.sha256(line.encode()).hexdigest()

    def entries(self) -> list[dict[str, Any]]:
        """Read every entry, oldest first; DataError for a damaged line."""
        if not self._path.exists():
            return []
        found = []
        for number, line in enumerate(self._path.read_text().splitlines(), 1):
            try:
                found.append(dict(json.loads(line)))
            except ValueError as e:
                raise DataError(
                    f"line {number} of the ledger is damaged",
                    "keep the file as evidence; move it away to start a new one",
                ) from e
        return found

    def verify(self) -> int:
        """Check the chain; returns the number of entries, DataError names the first bad one."""
        before = _FIRST
        entries = self.entries()
        for number, entry in enumerate(entries, 1):
            if entry.get("before") != before:
                raise DataError(
                    f"entry {number} of the ledger does not follow the one before",
                    "the ledger was changed after it was written",
                )
            before = hashlib.sha256(_line(entry).encode()).hexdigest()
        return len(entries)
