"""The newest entry of a kind, at the cost of what was added since the last look."""

import hashlib
from pathlib import Path
from typing import Any

from hepafed.client.release.ledger.file import lines_of
from hepafed.client.release.ledger.lines import must_follow, parsed
from hepafed.common.heads import BEGINNING, link


class NewestEntries:
    """Follows ledger.jsonl; a file that is not the one followed so far is read from its start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget()

    def _forget(self) -> None:
        self._reached = 0
        """Bytes that were read: whole lines, each with its end."""
        self._last = b""
        """The last of these lines, by which the file is known again."""
        self._digests: dict[str, str] = {}
        self._chain = BEGINNING
        """The link of the chain at this line."""

    def digest(self, kind: str) -> str:
        """Return the SHA-256 that the newest entry of a kind holds, "" where there is none.

        Raises
        ------
        DataError
            A line is damaged, or does not continue those before it.
        """
        *lines, rest = self._added().split(b"\n")
        for raw in lines:
            self._note(raw, self._digests)
            self._reached += len(raw) + 1
            self._last = raw + b"\n"
            self._chain = link(self._chain, hashlib.sha256(raw).hexdigest())
        found = dict(self._digests)
        if parsed(rest) is not None:  # whole but for its line end
            self._note(rest, found)
        return found.get(kind, "")

    def _added(self) -> bytes:
        if not self._path.exists():
            self._forget()
            return b""
        with self._path.open("rb") as f:
            f.seek(self._reached - len(self._last))
            if f.read(len(self._last)) != self._last:
                self._forget()
                f.seek(0)
            return f.read()

    def _note(self, raw: bytes, digests: dict[str, str]) -> None:
        entry: dict[str, Any] | None = parsed(raw)
        if entry is None:
            lines_of(self._path.read_bytes())  # says which line is damaged
            return
        must_follow(entry, self._chain)
        digests[str(entry.get("kind", ""))] = str(entry.get("sha256", ""))
