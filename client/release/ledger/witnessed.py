"""A file of the site whose every version the ledger knows by its hash."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hepafed.client.release.ledger.book import Ledger
from hepafed.client.release.ledger.changes import ALLOWED, PermissionChange
from hepafed.common.locks import wait_for_lock
from hepafed.common.records import write_record


class WitnessedFile:
    """Tells whether a file is the one that the site wrote last; the ledger is the witness.

    A version states the hash of the one before: a crash between the file and its ledger entry is
    no harm.
    """

    def __init__(self, path: Path, kind: str, ledger: Ledger) -> None:
        """`kind`: that of the ledger entries that hold the hash; nothing leaves with them."""
        self._path, self._kind, self._ledger = path, kind, ledger

    def digest(self) -> str:
        """Return the SHA-256 of the file, "" where there is none."""
        if not self._path.exists():
            return ""
        return hashlib.sha256(self._path.read_bytes()).hexdigest()

    def head(self) -> str:
        """Return the hash of the version that the ledger knows, "" for none."""
        return self._ledger.newest(self._kind)

    def is_last(self, before: str) -> bool:
        """Tell whether the file is the last version; `before` is the hash that it states."""
        known, found = self.head(), self.digest()
        return found == known or (bool(found) and before == known)

    def record(
        self,
        run: str = "",
        changes: Sequence[PermissionChange] = (),
    ) -> None:
        """Let the ledger know the file as it is now.

        `run`: the run for which it was changed. `changes`: what changed of permissions, in order.
        """
        more: dict[str, Any] = {}
        if changes:
            more["changes"] = [write_record(c) for c in changes]
            more["permission"] = " ".join(dict.fromkeys(c.permission for c in changes)).strip()
            more["requester"] = _only(c.requester for c in changes if c.what != ALLOWED)
        self._ledger.record(self._kind, run, self._path.read_bytes(), direction="here", **more)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file's lock, which lies beside it."""
        with (self._path.parent / f".{self._path.stem}.lock").open("w") as file:
            wait_for_lock(file)
            yield


def _only(names: Iterable[str]) -> str:
    """Return the one name, "" where there are several or none."""
    found = {n for n in names if n}
    return found.pop() if len(found) == 1 else ""
