"""Weights and updates beside Flower: files named by their SHA-256, and the inbox of updates."""

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.errors import RefusedError
from hepafed.common.files import whole_file


class Blobs:
    """The folder blobs/: weights that sites may fetch, by digest."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "blobs"

    def publish(self, content: bytes | memoryview) -> str:
        """Keep `content`; returns its SHA-256 in hex."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._folder / digest
        if not path.exists():
            with whole_file(path) as f:
                f.write(content)
        return digest

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

    def open_round(self, expected: Expected) -> None:
        """Start taking updates of a round; what is left of the one before is dropped."""
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                path.unlink()
            self._expected, self._arrived = expected, {}

    def admit(self, site: str, run: str, round_: int, size: int) -> None:
        """Check that an update may be uploaded at all, before a byte is read.

        Raises
        ------
        RefusedError
            Nobody asked this site for it, or its size is not the model's.
        """
        with self._lock:
            e = self._expected
            if e is None or (e.run, e.round) != (run, round_) or site not in e.sites:
                raise RefusedError("no update of this run and round is expected from this site")
            if size != e.size:
                raise RefusedError(f"an update has {e.size} bytes, not {size}")

    def arrived(self, site: str, run: str, round_: int, digest: str, path: Path) -> None:
        """Take over a whole uploaded file."""
        with self._lock:
            e = self._expected
            if e is None or (e.run, e.round) != (run, round_):
                path.unlink()
                return
            kept = self.folder / f"{site}.update"
            path.replace(kept)
            self._arrived[site] = (digest, kept)

    def take(self, site: str, digest: str) -> Path | None:
        """Find a site's update by the digest in its reply; None when it did not come."""
        with self._lock:
            known = self._arrived.get(site)
        return known[1] if known and known[0] == digest else None
