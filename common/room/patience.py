"""A full disk is waited for where the work runs for long: it goes on when there is room.

A run, a site's worker and an ingest wait (`waiting_for_room`). A command that a person waits for
ends with an error instead.
"""

import errno
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS = 2.0
"""How often work that found no room is tried again."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Patience:
    """How a full disk is waited for."""

    tell: Callable[[str], None]
    """Is told which disk is full, once for each wait; then "" when the work has gone on."""
    goes_on: Callable[[], bool]
    """Whether to wait on; if not, the error of the full disk is raised."""
    sleep: Callable[[float], object]
    seconds: float


_patience: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def waiting_for_room(
    tell: Callable[[str], None],
    goes_on: Callable[[], bool] = lambda: True,
    sleep: Callable[[float], object] = time.sleep,
    seconds: float = LOOK_SECONDS,
) -> Iterator[None]:
    """Have what is done in this thread by `in_room` wait while its disk is full."""
    token = _patience.set(Patience(tell, goes_on, sleep, seconds))
    try:
        yield
    finally:
        _patience.reset(token)


def in_room(folder: Path, need: int, work: Callable[[], T]) -> T:
    """Return what `work` returns; inside of `waiting_for_room` try again while the disk is full.

    `work` must leave nothing when it fails. Of work within work only the outermost waits.
    `need`: bytes that it writes on the disk of `folder`, for the words.
    """
    patience = _patience.get()
    if patience is None:
        return work()
    told, token = False, _patience.set(None)
    try:
        while True:
            try:
                made = work()
                break
            except (OSError, sqlite3.Error) as e:
                if not is_full(e) or not patience.goes_on():
                    raise
            if not told:
                patience.tell(full_words(folder, need))
                told = True
            patience.sleep(patience.seconds)
    finally:
        _patience.reset(token)
    if told:
        patience.tell("")
    return made


def is_full(error: BaseException) -> bool:
    """Return whether an error says that a disk, or the account's share of it, is full."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in _FULL


def full_words(folder: Path, need: int) -> str:
    """Return which disk is full, how much is free there, and how much is needed."""
    there = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(there).free
    return (
        f"the disk of {there} is full: {free / 1e6:.1f} MB free, {need / 1e6:.1f} MB needed. It "
        "goes on by itself when some space is free"
    )
