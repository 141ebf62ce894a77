"""The texts of messages, kept as they left or came in, each named by its SHA-256."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hepafed.common.errors import DataError
from hepafed.common.files import write_whole

CHANGED = "the ledger was changed after it was written"


class Texts:
    """The folders sent/ and received/ of a site."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def keep(self, direction: str, content: bytes) -> None:
        """Keep a text; the same text again is kept once."""
        path = self._path(direction, hashlib.sha256(content).hexdigest())
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(path, content, private=True)

    def read(self, number: int, entry: Mapping[str, Any]) -> bytes:
        """Return the text of an entry.

        Raises
        ------
        DataError
            It is missing, or is not the one that the entry's hash is of.
        """
        path = self._path(str(entry.get("direction", "out")), str(entry["sha256"]))
        try:
            text = path.read_bytes()
        except OSError as e:
            raise DataError(
                f"the text of entry {number} is missing",
                f"restore {path.parent.name}/{path.name} of the home folder from a backup",
            ) from e
        if hashlib.sha256(text).hexdigest() != entry["sha256"]:
            raise DataError(
                f"the text of entry {number} differs from the text that was sent",
                f"{CHANGED}: {path.parent.name}/{path.name}",
            )
        return text

    def _path(self, direction: str, digest: str) -> Path:
        folder = "received" if direction == "in" else "sent"
        return self._home / folder / f"{digest}.json"
