"""The inbox: updates and counts that sites upload for the round under way."""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hepafed.common.errors import BusyError, PayloadError, RefusedError
from hepafed.server.runs.uploads import Upload


@dataclass(frozen=True)
class Expected:
    """The uploads that a run's round takes in: from whom, and of what size exactly."""

    run: str
    round: int
    """Number of the training round, or the slot of a validation's counts (`slot`)."""
    sites: frozenset[str]
    size: int
    """Bytes of one upload."""


class Late(NamedTuple):
    """An upload that came when its round was over, and was refused."""

    run: str
    site: str
    round: int
    seconds: float
    """From the opening of its round."""


class Inbox:
    """The uploads that came in for the round under way; each is a file until it is taken."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = home / "inbox"
        self._clock = clock
        self._opened = 0.0
        self._closed: dict[tuple[str, int], tuple[set[str], float]] = {}
        """Rounds that are over: the sites whose update did not come, and when it was opened."""
        self._late: list[Late] = []
        self._lock = threading.Lock()
        self._expected: Expected | None = None
        self._arrived: dict[str, tuple[str, Path]] = {}
        self._taken: set[str] = set()
        self._broken_off: dict[str, Upload] = {}
        """What came of the last upload of a site; one a site, and for the open round only."""

    def clear(self) -> None:
        """Delete what a coordinator that was killed left: no round is open yet."""
        if self.folder.exists():
            for path in self.folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def open_round(self, expected: Expected) -> None:
        """Start taking uploads of a round; what is left of the round before is deleted."""
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                path.unlink(missing_ok=True)
            self._expected, self._arrived, self._taken = expected, {}, set()
            self._broken_off = {}
            self._opened = self._clock()
            self._closed = {k: v for k, v in self._closed.items() if k[0] == expected.run}
            self._closed.pop((expected.run, expected.round), None)
            self._late = [late for late in self._late if late.run == expected.run]

    def close_round(self) -> None:
        """Take no upload any more; whose update of this round comes later is noted (`late`)."""
        with self._lock:
            e = self._expected
            if e is not None:
                self._closed[e.run, e.round] = {*e.sites} - self._taken, self._opened
            self._expected = None
            for upload in self._broken_off.values():
                upload.drop()
            self._broken_off = {}

    def late(self, run: str) -> list[Late]:
        """Return the uploads of a run that came too late since the last call, each once."""
        with self._lock:
            found, self._late = self._late, []
            return [late for late in found if late.run == run]

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
                waited, opened = self._closed.get((run, round_), (set(), 0.0))
                if site in waited:
                    waited.discard(site)
                    self._late.append(Late(run, site, round_, self._clock() - opened))
                raise RefusedError("no update of this run and round is expected from this site")
            if site in self._taken:
                raise RefusedError("this site's update of the round is taken already")
            if size != e.size:
                raise RefusedError(f"an update must have {e.size} bytes; this one has {size}")

    def held(self, site: str, digest: str, size: int) -> int:
        """Return how many bytes of a site's upload are here; all `size` where it came whole."""
        with self._lock:
            if site in self._arrived and self._arrived[site][0] == digest:
                return size
            upload = self._broken_off.get(site)
            return upload.count if upload is not None and upload.digest == digest else 0

    def begin(self, site: str, digest: str, start: int) -> Upload:
        """Return the upload of an admitted site, to go on at byte `start` or, with 0, anew.

        What came of another upload of the site is deleted.

        Raises
        ------
        BusyError
            It does not go on there. The site has to try again to learn where it does.
        """
        with self._lock:
            upload = self._broken_off.pop(site, None)
            if upload is not None and start and (upload.digest, upload.count) == (digest, start):
                upload.reopen()
                return upload
            if upload is not None:
                upload.drop()
            if start:
                raise BusyError("the upload does not go on there")
            return Upload(self.folder, digest)

    def broke_off(self, site: str, run: str, round_: int, upload: Upload) -> None:
        """Keep what came of an upload until its round is over, if its sender named its digest."""
        with self._lock:
            current = self._is_open(run, round_) and site not in self._taken
            if upload.digest and current and upload.rests():
                self._broken_off[site] = upload
            else:
                upload.drop()

    def _is_open(self, run: str, round_: int) -> bool:
        e = self._expected
        return e is not None and (e.run, e.round) == (run, round_)

    def arrived(self, site: str, run: str, round_: int, digest: str, path: Path) -> None:
        """Take over a whole uploaded file; an update that was taken stays as it was.

        Raises
        ------
        BusyError
            The round ended or began anew during the upload. The site has to try again to learn
            whether its upload is still wanted.
        """
        with self._lock:
            current = self._is_open(run, round_) and path.exists()
            if not current or site in self._taken:
                path.unlink(missing_ok=True)
                if not current:
                    raise BusyError("the round went on during the upload")
                return
            kept = self.folder / f"{site}.update"
            path.replace(kept)
            self._arrived[site] = (digest, kept)

    def take(self, site: str, digest: str) -> Path | None:
        """Hand over a site's upload by the digest in its reply; None when it did not come.

        From here on the file is the caller's. What is checked is what is folded, because the
        round takes no other upload of this site.
        """
        with self._lock:
            known = self._arrived.get(site)
            if known is None or known[0] != digest:
                return None
            del self._arrived[site]
            self._taken.add(site)
            return known[1]

    def take_counts(self, site: str, digest: str, what: str) -> Path:
        """Hand over a site's counts like `take`; PayloadError, naming `what`, without them."""
        path = self.take(site, digest)
        if path is None:
            raise PayloadError(
                f"the {what} counts did not arrive, or they differ from the announced ones"
            )
        return path
