"""Copies of the prepared homes, each on a small disk where this account may mount one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOM = 48 << 20
"""Bytes that are free on each disk at first."""


@contextmanager
def copied(homes: Path, names: tuple[str, ...], folder: Path) -> Iterator[bool]:
    """Copy homes into `folder`, which is emptied first; give whether each has a disk of its own.

    They are left there, without the disks.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mounted: list[Path] = []
    try:
        for name in names:
            (folder / name).mkdir()
            if _mount(homes / name, folder / name):
                mounted.append(folder / name)
            shutil.copytree(homes / name, folder / name, dirs_exist_ok=True)
        yield len(mounted) == len(names)
    finally:
        for home in mounted:
            kept = folder / f"{home.name}-kept"
            shutil.copytree(home, kept)
            subprocess.run(["umount", "-l", home], check=True)
            home.rmdir()
            kept.rename(home)


def _mount(source: Path, home: Path) -> bool:
    if os.geteuid() != 0:
        return False
    size = ROOM + sum(p.stat().st_size + 4096 for p in source.rglob("*"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "hepafed-chaos", str(home)]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0
