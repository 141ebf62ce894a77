"""What `client start` says while it runs: what waits for a person, and a full disk, once each.

It also ends waits whose questions have expired, so that the ledger says so though nobody asks more.
"""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hepafed.client.permissions import PermissionBook, WaitBook
from hepafed.client.release import SHORTEST, Ledger
from hepafed.common.errors import HepaFedError

LOOK_SECONDS = 2.0
"""How often it is looked for something new that waits."""

LEAST_BYTES = 32 << 20
"""Free bytes below which a disk counts as full: a round's messages and logs need less."""


class DiskNotices:
    """Finds that the disk of the home is full, or is so no more, and was not said to be yet."""

    def __init__(
        self,
        home: Path,
        free: Callable[[Path], int] = lambda home: shutil.disk_usage(home).free,
        least: int = LEAST_BYTES,
    ) -> None:
        self._home, self._free, self._least = home, free, least
        self._full = False

    def new(self) -> list[str]:
        """Return a line when the disk has become full, or has room again."""
        free = self._free(self._home)
        if (free < self._least) == self._full:
            return []
        self._full = not self._full
        if not self._full:
            return [f"The disk of {self._home} has room again: {free / 1e6:.0f} MB."]
        return [
            f"The disk of {self._home} is full: {free / 1e6:.1f} MB free, "
            f"{self._least / 1e6:.0f} MB needed. Requests wait until there is room. "
            "next: free some space"
        ]


class WaitNotices:
    """Finds what waits for a person and was not said yet."""

    def __init__(
        self,
        home: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        ledger = Ledger(home)
        self._waits, self._book = WaitBook(home, ledger), PermissionBook(home, ledger)
        self._clock, self._seconds = clock, seconds
        self._next = 0.0
        self._said: set[tuple[str, str, str]] = set()

    def new(self) -> list[str]:
        """Return a line for each plan or model that began to wait; nothing before the next look.

        Of a file that is damaged nothing is said here: the worker refuses, and its log says why.
        """
        if self._seconds() < self._next:
            return []
        self._next = self._seconds() + LOOK_SECONDS
        try:
            before = self._waits.all()
            waits = self._waits.end_expired(self._clock()) if before else ()
            keys = {k for w in waits for k in w.keys}
            if len(waits) < len(before):
                self._book.no_longer_waiting(keys)
        except (HepaFedError, OSError):
            return []
        lines = []
        for wait in waits:
            new = [k for k in wait.keys if k not in self._said]
            for digest, requester, study in sorted(new):
                lines.append(
                    f"The {wait.kind} {digest[:SHORTEST]} of the study {study}, asked by "
                    f"{requester}, waits for a person here. next: client pending, then "
                    f"client allow --study {study}"
                )
        self._said = keys
        return lines
