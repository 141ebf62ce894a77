"""Bring series over several connections at once; each series whole, or named as a problem."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from hepafed.client.pacs.config import PacsConfig
from hepafed.client.pacs.connection import (
    CLASSES,
    READING,
    Connect,
    Connection,
    FetchProgress,
    Pace,
    PacsError,
    PacsSeries,
    StoppedError,
    patiently,
)
from hepafed.client.pacs.spool import Spool
from hepafed.common.errors import FederationError, PayloadError, UnreachableError

LEAST_COVERED_MM = 50.0
"""Millimetres from its first to its last slice that a stack covers at least; a liver is twice as
high. Shorter ones are taken where the PACS says how many instances a series has."""


@dataclass(frozen=True)
class Brought:
    """The result of bringing series: what came, and what could not come."""

    already: int = 0
    """Series that an earlier, interrupted fetch had brought."""
    instances: int = 0
    """Instances that came now."""
    bytes: int = 0
    """Bytes that came now."""
    seconds: float = 0.0
    left: int = 0
    """Instances that stayed in the PACS, being of other kinds than HepaFed reads."""
    problems: tuple[str, ...] = ()
    """What could not be brought, by row number of the list."""


def bring(
    config: PacsConfig,
    series: Sequence[PacsSeries],
    spool: Spool,
    pace: Pace,
    progress: Callable[[FetchProgress], None],
    connect: Connect,
) -> Brought:
    """Bring every series that the journal lacks.

    Raises
    ------
    HepaFedError
        The connection cannot be had, or the spool cannot be written; all threads have ended.
    """
    todo = [s for s in series if not spool.is_finished(s)]
    work = _SharedFetch(
        config, spool, pace, progress, len(series), Brought(len(series) - len(todo))
    )
    for s in todo:
        work.waiting.put(s)
    work.report()
    with ThreadPoolExecutor(min(config.parallel, max(len(todo), 1))) as pool:
        try:
            futures = [pool.submit(work.run, connect) for _ in range(config.parallel)]
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also for Ctrl-C: the threads end at their next instance
            if not _all_well(futures):
                pace.stopped.set()
    for future in sorted(futures, key=lambda f: isinstance(f.exception(), StoppedError)):
        future.result()
    return replace(work.brought, seconds=time.monotonic() - work.started)


def _all_well(futures: "list[Future[None]]") -> bool:
    return all(f.done() and f.exception() is None for f in futures)


def _answers(connection: Connection, series: PacsSeries) -> bool:
    """Return whether the PACS still answers a question."""
    try:
        connection.instances(series)
    except FederationError:
        return False
    return True


def _check_coverage(covered: float | None, count: int) -> None:
    """Refuse a stack that nobody counted and that is too short to show a liver."""
    if covered is not None and covered < LEAST_COVERED_MM:
        raise PayloadError(
            f"the PACS does not say how many instances it has, and the {count} that it sent cover "
            f"only {covered:.0f} mm: it may be incomplete (if it is whole, write uncounted = true "
            "in pacs.toml)"
        )


@dataclass
class _SharedFetch:
    """Work that the threads of a fetch share."""

    config: PacsConfig
    spool: Spool
    pace: Pace
    progress: Callable[[FetchProgress], None]
    total: int
    brought: Brought
    finished: int = 0
    waiting: "queue.SimpleQueue[PacsSeries]" = field(default_factory=queue.SimpleQueue)
    lock: threading.Lock = field(default_factory=threading.Lock)
    started: float = field(default_factory=time.monotonic)

    def run(self, connect: Connect) -> None:
        """Bring series after series over one connection."""
        connection = connect(self.config, self.pace)
        try:
            while not self.pace.stopped.is_set():
                try:
                    series = self.waiting.get_nowait()
                except queue.Empty:
                    return
                self._bring(connection, series)
        finally:
            connection.close()

    def _bring(self, connection: Connection, series: PacsSeries) -> None:
        try:
            patiently(self.config, self.pace, lambda: self._try(connection, series))
        except (PayloadError, PacsError, UnreachableError) as e:
            # Some services break off at a file they cannot send; that must not stop the others.
            if isinstance(e, UnreachableError) and not _answers(connection, series):
                raise
            self._add(problems=(f"row {series.wanted.row}: a series: {e.message}",))
        with self.lock:
            self.finished += 1
            self.report()

    def _try(self, connection: Connection, series: PacsSeries) -> None:
        listed = connection.instances(series)
        series.check(listed)
        # Of some, the PACS does not say the class: those are fetched, and the reader decides.
        kinds = [series.modality] if series.modality else ["MR", *self.config.also]
        classes = {"", *(c for kind in kinds for c in CLASSES[kind])}
        wanted = [i.uid for i in listed if i.sop_class in classes]
        asked = frozenset(wanted)
        largest = self.config.largest_instance_mb * 2**20

        def take(data: bytes) -> None:
            self.spool.take(series, asked, data, largest)
            self._add(instances=1, bytes=len(data))

        connection.fetch(series, self.spool.missing(series, wanted), take)
        lacking = len(self.spool.missing(series, wanted))
        if lacking:
            raise PayloadError(f"{lacking} of {len(asked)} instances were not sent")
        if series.instances is None and not self.config.uncounted:
            _check_coverage(self.spool.covered(series, wanted), len(asked))
        self.spool.finish(series, sorted(asked), len({i.uid for i in listed}))
        self._add(left=len(listed) - len(wanted))

    def _add(
        self, instances: int = 0, bytes: int = 0, left: int = 0, problems: tuple[str, ...] = ()
    ) -> None:
        with self.lock:
            b = self.brought
            self.brought = replace(
                b,
                instances=b.instances + instances,
                bytes=b.bytes + bytes,
                left=b.left + left,
                problems=(*b.problems, *problems),
            )
            if instances:
                self.report()

    def report(self) -> None:
        """Call `progress` with how far the work is."""
        done = self.brought.already + self.finished
        self.progress(FetchProgress(READING, done, self.total, self.brought.bytes))
