"""Published weights: files named by their SHA-256, which sites fetch beside Flower."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from hepafed.common.errors import RefusedError
from hepafed.common.files import UNFINISHED


class Blobs:
    """The folder blobs/: weights that sites may fetch, by digest."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "blobs"

    def publish(self, parts: Iterable[bytes | memoryview]) -> str:
        """Keep the content that `parts` make together; return its SHA-256 in hex.

        The method does not wait for the disk: a run that goes on after a crash publishes anew.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(UNFINISHED, ".", self._folder)
        temporary, digest = Path(name), hashlib.sha256()
        try:
            with os.fdopen(handle, "wb") as f:
                for part in parts:
                    digest.update(part)
                    f.write(part)
            temporary.replace(self._folder / digest.hexdigest())
        finally:
            temporary.unlink(missing_ok=True)
        return digest.hexdigest()

    def path(self, digest: str) -> Path:
        """Return where a blob lies; RefusedError when there is none (or the name is no digest)."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise RefusedError("not a digest")
        path = self._folder / digest
        if not path.exists():
            raise RefusedError("no such weights")
        return path

    def drop(self, digest: str) -> None:
        """Delete a blob, if it is there."""
        (self._folder / digest).unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete what a coordinator that was killed left: unfinished runs publish anew."""
        if self._folder.exists():
            for path in self._folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
