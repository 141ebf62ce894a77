"""The newest entry of each kind, and the stamps, at the cost of what was added since a look."""

import hashlib
from pathlib import Path

from hepafed.client.release.ledger.file import lines_of
from hepafed.client.release.ledger.lines import must_follow, parsed
from hepafed.common.heads import BEGINNING, link


class NewestEntries:
    """Follows ledger.jsonl; a file that is not the one followed so far is read from its start.

    Each entry must continue those before it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget()

    def _forget(self) -> None:
        self._reached = 0
        """Bytes that were read: whole lines, each with its end."""
        self._last = b""
        """The last of these lines, by which the file is known again."""
        self._chain = BEGINNING
        """The link of the chain at this line."""
        self._digests: dict[str, str] = {}
        self._stamps: dict[str, str] = {}

    def digest(self, kind: str) -> str:
        """Return the SHA-256 that the newest entry of a kind holds, "" where there is none.

        Raises
        ------
        DataError
            A line is damaged, or does not continue those before it.
        """
        return self._read()[0].get(kind, "")

    def stamps(self) -> dict[str, str]:
        """Return when each request that came in expires, by the id of its stamp.

        Raises
        ------
        DataError
            As `digest` says.
        """
        return self._read()[1]

    def _read(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return digests and stamps up to the end of the file."""
        *lines, rest = self._added().split(b"\n")
        for raw in lines:
            self._note(raw, self._digests, self._stamps)
            self._reached += len(raw) + 1
            self._last = raw + b"\n"
            self._chain = link(self._chain, hashlib.sha256(raw).hexdigest())
        digests, stamps = dict(self._digests), dict(self._stamps)
        if parsed(rest) is not None:  # whole but for its line end
            self._note(rest, digests, stamps)
        return digests, stamps

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

    def _note(self, raw: bytes, digests: dict[str, str], stamps: dict[str, str]) -> None:
        entry = parsed(raw)
        if entry is None:
            lines_of(self._path.read_bytes())  # says which line is damaged
            return
        must_follow(entry, self._chain)
        digests[str(entry.get("kind", ""))] = str(entry.get("sha256", ""))
        if "stamp" in entry:
            stamps[str(entry["stamp"])] = str(entry.get("expires", ""))
        stamps.update({str(s): str(at) for s, at in dict(entry.get("stamps", {})).items()})
