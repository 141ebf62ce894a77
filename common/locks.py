"""Locks between processes: the system releases each one when its process ends in any way.

They are `flock` locks on files that stay where they are: nobody removes a lock of a process that
was killed. Two kinds are enough: one that is taken at once or refused by name, and one that is
waited for.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hepafed.common.errors import HepaFedError

OpenFile = int | IO[bytes] | IO[str]


@contextmanager
def sole_holder(path: Path, taken: HepaFedError) -> Iterator[None]:
    """Hold the lock of the file `path`, which is made where it is missing.

    Raises
    ------
    HepaFedError
        `taken`, when another process (or another part of this one) holds the lock.
    """
    with path.open("w") as file:
        lock_or_refuse(file, taken)
        yield


def lock_or_refuse(file: OpenFile, taken: HepaFedError) -> None:
    """Lock an open file until it is closed; raise `taken` when somebody else holds its lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise taken from None


def wait_for_lock(file: OpenFile) -> None:
    """Lock an open file, or a folder, until it is closed; wait while somebody else holds it."""
    fcntl.flock(file, fcntl.LOCK_EX)
