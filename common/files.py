"""Files that are whole or absent: write to a temporary file, fsync, rename."""

import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hepafed.common.errors import ConfigError
from hepafed.common.room import in_room

UNFINISHED = ".unfinished"
"""How the name of a file ends that is still being written, or that a killed process left."""


@contextmanager
def whole_file(path: Path, *, private: bool = False, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` that takes its name only when all went well.

    `private` leaves it readable by its owner alone (0600), otherwise 0644; a folder that is made
    for it is its owner's alone, whatever the umask. Without `durable` the disk is not waited for:
    the file is whole for whoever reads it, also after a kill, and may be damaged by a power cut.

    Raises
    ------
    ConfigError
        Something else than a file has that name, or the file's folder may not be written to.
    OSError
        The disk is full, say.
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700 if private else 0o755, exist_ok=True)
    if path.is_dir():
        raise ConfigError(
            f"{'/'.join(path.parts[-3:])} cannot be written: a folder has that name", "move it away"
        )
    handle, name = tempfile.mkstemp(UNFINISHED, f".{path.name}.", path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as f:
            yield f
            f.flush()
            if durable:
                os.fsync(f.fileno())
        temporary.chmod(0o600 if private else 0o644)
        temporary.replace(path)
        if durable:
            _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write `content` (text as UTF-8) so that `path` is either old or new, never half.

    A full disk is waited for by who waits (common/room).
    """
    raw = content.encode() if isinstance(content, str) else content

    def write() -> None:
        with whole_file(path, private=private) as f:
            f.write(raw)

    in_room(path.parent, len(raw), write)


def sweep_temporary(folder: Path, seconds: float = 0.0) -> tuple[int, int]:
    """Delete what killed processes left of unfinished files below a folder; return count and bytes.

    `seconds`: how old such a file must be. 0 is for the only process that writes there.
    """
    count = size = 0
    limit = time.time() - seconds
    for path in folder.rglob(f".*{UNFINISHED}"):
        if path.is_file() and not path.is_symlink():
            found = path.stat()
            if found.st_mtime <= limit:
                path.unlink(missing_ok=True)
                count, size = count + 1, size + found.st_size
    return count, size


def keep_private(folder: Path) -> bool:
    """Take a folder from everybody but its owner (0700); return whether others had any right."""
    mode = folder.stat().st_mode & 0o777
    if not mode & 0o077:
        return False
    folder.chmod(0o700)
    return True


def tidied(home: Path, folders: Iterable[Path], seconds: float = 0.0) -> Iterator[str]:
    """Close folders to other accounts, and sweep below a home; yield a sentence for what was done.

    `seconds`: as of `sweep_temporary`.
    """
    for folder in folders:
        if folder.is_dir() and keep_private(folder):
            yield f"{folder} was open to other accounts; it is yours alone now (0700)"
    count, size = sweep_temporary(home, seconds)
    if count:
        yield f"removed {count} unfinished files of a process that was killed ({size / 1e6:.0f} MB)"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
