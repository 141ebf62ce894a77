"""Files that must be there, and be as they were written: `kept.digests` beside them names each.

A file that holds what must not be forgotten is not taken for an empty one when it is missing; one
that is written once (a key, a table) is held to its digest. A folder of 0.1.0 has no register: what
is in it is believed until it is written the next time.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from hepafed.common.errors import ConfigError
from hepafed.common.json_file import JsonFile
from hepafed.common.locks import wait_for_lock

T = TypeVar("T")
REGISTER = "kept.digests"
HINT = "remove the file: it is made anew"


@dataclass(frozen=True, kw_only=True)
class KeptFiles:
    """What the register of a folder holds."""

    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file by its name; "" for one that may change, but not go."""


def note_kept(path: Path, *, changes: bool = False) -> None:
    """Write down that a file is there; with `changes` its content is not held to anything.

    A damaged register is begun anew.
    """
    digest = "" if changes else hashlib.sha256(path.read_bytes()).hexdigest()
    _change(path.parent, lambda files: {**files, path.name: digest})


def is_noted(path: Path) -> bool:
    """Return whether it was written down that a file is there."""
    return path.name in _noted(path.parent)


def note_gone(path: Path) -> None:
    """Write down that a file need not be there any more."""
    _change(path.parent, lambda files: {k: v for k, v in files.items() if k != path.name})


def fault_of(path: Path) -> str:
    """Return what is wrong with a file: "is missing", "is damaged", or ""."""
    noted = _noted(path.parent)
    if path.name not in noted:
        return ""
    if not path.exists():
        return "is missing"
    try:
        changed = noted[path.name] not in ("", hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError:
        return "cannot be read"
    return "is damaged: it was changed after it was written" if changed else ""


def faults_in(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each file of a folder that is not as it was noted, and what is wrong.

    Nothing is known where the register itself is damaged (`must_be_readable`).
    """
    for name in _noted(folder):
        if fault := fault_of(folder / name):
            yield name, fault


def must_be_readable(folder: Path) -> None:
    """Raise ConfigError where the register of a folder is damaged."""
    _register(folder).read(missing=KeptFiles())


class KeptJsonFile(JsonFile[T]):
    """A JSON file that may change, but is not taken for an empty one once it was written."""

    def read(self, missing: T | None = None) -> T:
        """Return what the file holds, or `missing` where there never was a file.

        Raises
        ------
        ConfigError
            The file is damaged, cannot be read, or is missing though it was written before.
        """
        return super().read(missing=None if is_noted(self.path) else missing)

    def write(self, state: T) -> None:
        """Put `state` in place of what the file holds, whole or not at all."""
        super().write(state)
        if not is_noted(self.path):
            note_kept(self.path, changes=True)


def _register(folder: Path) -> JsonFile[KeptFiles]:
    path = folder / REGISTER
    return JsonFile(path=path, record=KeptFiles, hint=HINT, name=f"{folder.name}/{REGISTER}")


def _noted(folder: Path) -> dict[str, str]:
    """Return what a folder's register holds; nothing where it is damaged."""
    try:
        return _register(folder).read(missing=KeptFiles()).files
    except ConfigError:
        return {}


def _change(folder: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    if (folder / REGISTER).is_dir():  # `must_be_readable` names it
        return
    with _locked(folder):
        before = _noted(folder)
        after = change(before)
        if after != before:
            _register(folder).write(KeptFiles(files=dict(sorted(after.items()))))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        wait_for_lock(handle)
        yield
    finally:
        os.close(handle)
