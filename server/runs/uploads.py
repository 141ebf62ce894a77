"""An upload as it comes: a file that grows, over however many connections, and its SHA-256."""

import hashlib
import os
import tempfile
from contextlib import suppress
from io import BufferedRandom, FileIO
from pathlib import Path

from hepafed.common.errors import BusyError

_BLOCK = 4 << 20
"""The bytes that are gathered before they are written."""


class Upload:
    """What has come of one upload of one site."""

    def __init__(self, folder: Path, digest: str) -> None:
        """Begin in a new file; `digest`: its SHA-256 as its sender says, "" if it says none."""
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
        self.path, self.digest = Path(name), digest
        self.count = 0
        """Bytes that came so far."""
        self._sha = hashlib.sha256()
        self._file = BufferedRandom(FileIO(handle, "r+"), _BLOCK)

    @property
    def sha256(self) -> str:
        """The SHA-256 of what came so far."""
        return self._sha.hexdigest()

    def add(self, part: bytes) -> None:
        """Add the bytes that came next."""
        self._sha.update(part)
        self._file.write(part)
        self.count += len(part)

    def close(self) -> None:
        """Give all bytes to the system; OSError where the disk has no room for them."""
        self._file.close()

    def rests(self) -> bool:
        """Close the file; return whether all bytes that came are in it."""
        try:
            self._file.close()
            return self.path.stat().st_size == self.count
        except OSError:
            return False

    def reopen(self) -> None:
        """Open the file where it ends; BusyError where it is gone. No new one is ever made."""
        try:
            self._file = BufferedRandom(FileIO(self.path, "r+"), _BLOCK)
            self._file.seek(0, os.SEEK_END)
        except OSError as e:
            raise BusyError("what came of the upload is gone") from e

    def must_be_as_it_came(self) -> None:
        """Read the reopened file and hold it to what came.

        Raises
        ------
        BusyError
            The file was damaged. The upload has to be made from its beginning.
        """
        self._file.seek(0)
        found = hashlib.file_digest(self._file, "sha256").hexdigest()
        if found != self.sha256 or self._file.tell() != self.count:
            raise BusyError("what came of the upload is damaged")

    def drop(self) -> None:
        """Delete the file."""
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)
