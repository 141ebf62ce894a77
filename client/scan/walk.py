"""Find every file under a folder, and say of what cannot be read why not."""

import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from hepafed.client.scan.records import Source

DEEPEST = 64
"""Most levels of folders inside each other."""
MakeSource = Callable[[bytes, int, int], Source]
"""Called with a path relative to the folder, a size and a time of change."""


def found_in(
    folder: Path, source: MakeSource, without: Collection[Path]
) -> Iterator[tuple[Source, str]]:
    """Yield every file and, of what cannot be read, the reason (else "").

    `without` are files and folders, resolved, that are passed over.
    """
    root = os.fsencode(folder)
    skipped = {os.fsencode(p) for p in without}
    names = {os.fsencode(p.name) for p in without}

    def enter(relative: bytes, depth: int) -> Iterator[tuple[Source, str]]:
        here = os.path.join(root, relative) if relative else root  # noqa: PTH118 - bytes, fast
        try:
            entries = os.scandir(here)
        except OSError:
            yield source(relative, -1, 0), "the folder cannot be opened"
            return
        with entries:
            for entry in entries:
                name = os.path.join(relative, entry.name) if relative else entry.name  # noqa: PTH118
                if entry.name in names and os.path.realpath(entry.path) in skipped:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth < DEEPEST:
                        yield from enter(name, depth + 1)
                    else:
                        yield source(name, -1, 0), "folders too deep inside each other"
                    continue
                yield _judged(entry, name, source)

    yield from enter(b"", 0)


def _judged(entry: "os.DirEntry[bytes]", name: bytes, source: MakeSource) -> tuple[Source, str]:
    try:
        about = entry.stat()
    except OSError:
        return source(name, -1, 0), "the file cannot be read"
    # A pipe or a device would never end.
    plain = stat.S_ISREG(about.st_mode)
    return source(name, about.st_size, about.st_mtime_ns), "" if plain else "no plain file"
