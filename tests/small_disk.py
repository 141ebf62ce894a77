"""A real disk of a few MB, which a test can fill and free again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MB = 1 << 20


class SmallDisk:
    """A tmpfs at `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._filler = home / "filler"
        self.filled = 0
        """How often it was full."""

    def fill(self) -> None:
        """Leave no room for a single byte more in a new block."""
        self.filled += 1
        with self._filler.open("ab", buffering=0) as f:
            for size in (MB, 4096, 1):
                try:
                    while f.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue

    def free(self, _seconds: float = 0.0) -> None:
        """Make room again; it may stand for a sleep."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(home: Path, megabytes: int = 4) -> Iterator[SmallDisk]:
    """Mount a tmpfs at `home`; skip the test where this account may not."""
    home.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk of a few MB")
    options = f"size={megabytes}m,mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "hepafed-test", str(home)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk of a few MB can be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(home)
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
