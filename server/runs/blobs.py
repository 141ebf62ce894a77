"""Weights and updates beside Flower: files named by their SHA-256, and the inbox of updates."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.errors import BusyError, RefusedError


class Blobs:
    """The folder blobs/: weights that sites may fetch, by digest."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "blobs"

    def publish(self, parts: Iterable[bytes | memoryview]) -> str:
        """Keep the content that `parts` make together; returns its SHA-256 in hex.

        It does not wait for the disk: a run that goes on after a crash publishes anew.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".")
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
        """Where a blob lies; RefusedError when there is none (or the name is no digest)."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise RefusedError("not a digest")
        path = self._folder / digest
        if not path.exists():
            raise RefusedError("no such weights")
        return path

    def drop(self, digest: str) -> None:
        """Forget a blob."""
        (self._folder / digest).unlink(missing_ok=True)

    def clear(self) -> None:
        """Throw away what a coordinator that was killed left: unfinished runs publish anew."""
        if self._folder.exists():
            for path in self._folder.iterdir():
                path.unlink()


@dataclass(frozen=True)
class Expected:
    """What a run's round takes in: from whom, and of what size exactly."""

    run: str
    round: int
    sites: frozenset[str]
    size: int


class Inbox:
    """Updates that came in for the round under way; each is a file until it is folded."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "inbox"
        self._lock = threading.Lock()
        self._expected: Expected | None = None
        self._arrived: dict[str, tuple[str, Path]] = {}
        self._taken: set[str] = set()
        self._uploading: set[str] = set()

    def open_round(self, expected: Expected) -> None:
        """Start taking updates of a round; what is left of the one before is dropped."""
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                path.unlink(missing_ok=True)
            self._expected, self._arrived, self._taken = expected, {}, set()

    @contextmanager
    def uploading(self, site: str) -> Iterator[None]:
        """Hold the one upload that a site may have under way; BusyError for a second one."""
        with self._lock:
            if site in self._uploading:
                raise BusyError("an upload of this site is under way")
            self._uploading.add(site)
        try:
            yield
        finally:
            with self._lock:
                self._uploading.discard(site)

    def admit(self, site: str, run: str, round_: int, size: int) -> None:
        """Check that an update may be uploaded at all, before a byte is read.

        Raises
        ------
        RefusedError
            Nobody asked this site for it, the round has the site's update already, or its size
            is not the model's.
        """
        with self._lock:
            e = self._expected
            if e is None or (e.run, e.round) != (run, round_) or site not in e.sites:
                raise RefusedError("no update of this run and round is expected from this site")
            if site in self._taken:
                raise RefusedError("this site's update of the round is taken already")
            if size != e.size:
                raise RefusedError(f"an update has {e.size} bytes, not {size}")

    def arrived(self, site: str, run: str, round_: int, digest: str, path: Path) -> None:
        """Take over a whole uploaded file; an update that was taken stays as it was.

        Raises
        ------
        BusyError
            The round ended or began anew during the upload: whether it is still wanted, a new
            upload learns.
        """
        with self._lock:
            e = self._expected
            current = e is not None and (e.run, e.round) == (run, round_) and path.exists()
            if not current or site in self._taken:
                path.unlink(missing_ok=True)
                if not current:
                    raise BusyError("the round went on during the upload")
                return
            kept = self.folder / f"{site}.update"
            path.replace(kept)
            self._arrived[site] = (digest, kept)

    def take(self, site: str, digest: str) -> Path | None:
        """Hand over a site's update, by the digest in its reply; None when it did not come.

        From here on the file is the caller's: what is checked is what is folded, because the
        round takes no other update of this site.
        """
        with self._lock:
            known = self._arrived.get(site)
            if known is None or known[0] != digest:
                return None
            del self._arrived[site]
            self._taken.add(site)
            return known[1]
