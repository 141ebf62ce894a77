"""Find every file of an export by its content and read the headers, over all cores.

The main process walks the folder and keeps the index; other processes read. Memory does not grow
with the number of files: they are streamed into the index and out of it again page by page.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

from hepafed.client.scan.index import ScanIndex
from hepafed.client.scan.read import Batch, read_batch
from hepafed.client.scan.records import Listing, Reading, Source
from hepafed.client.scan.walk import found_in
from hepafed.client.scan.worker_pool import WorkerPool, in_this_process

BATCH = 64
"""Files handed to a process at a time."""
FEW = 512
"""Files that this process reads sooner than others start."""
KILLER = "reading it crashed the reading process"
NOTED_AT_ONCE = 1000
Progress = Callable[[str, int, int | None], None]
"""Called with the stage, how many are done, and of how many if that is known."""


def scan(
    folder: Path,
    index: ScanIndex,
    progress: Progress,
    pool: WorkerPool,
    without: Collection[Path] = (),
    *,
    isolated: bool = True,
    few: int = FEW,
) -> None:
    """Read the header of every file under `folder` that the index does not know yet.

    Killed at any moment, the next scan goes on where the index stands. `without` are files and
    folders that are no part of the export (resolved). `isolated`: read in processes of their own,
    so that a file that stops its reader stops no more; otherwise up to `few` files are
    read here.
    """
    noted = 0
    found = found_in(folder, index.source, set(without))
    while some := list(islice(found, NOTED_AT_ONCE)):
        index.note(source for source, _ in some)
        index.keep(_refused(s, reason) for s, reason in some if reason)
        noted += len(some)
        progress("finding files", noted, None)
    while unread := index.count_unread():  # once more when archives showed files of their own
        done = 0
        progress("reading headers", done, unread)
        spread = pool.spread if isolated or unread > few else in_this_process
        for batch, readings in spread(read_batch, _batches(folder, index.unread())):
            _keep(index, readings if readings is not None else _one_by_one(batch, pool))
            done += len(batch.sources)
            progress("reading headers", done, unread)
    index.gather()


def _refused(source: Source, reason: str) -> Reading:
    return Reading(source, outcome="refused", reason=reason)


def _batches(folder: Path, pages: Iterator[list[Source]]) -> Iterator[Batch]:
    for page in pages:
        for start in range(0, len(page), BATCH):
            yield Batch(folder, page[start : start + BATCH])


def _one_by_one(batch: Batch, pool: WorkerPool) -> list[Reading | Listing]:
    """Read a batch that killed its process file by file, each in a process of its own."""
    singles = (Batch(batch.folder, [s]) for s in batch.sources)
    made: list[Reading | Listing] = []
    for single, readings in pool.spread(read_batch, singles):
        made += readings or [_refused(single.sources[0], KILLER)]
    return made


def _keep(index: ScanIndex, results: Iterable[Reading | Listing]) -> None:
    """Keep what was read; in an archive's place stand its members."""
    readings = []
    for result in results:
        if isinstance(result, Reading):
            readings.append(result)
            continue
        archive = result.source
        refused = []
        members = []
        for m in result.members:
            path = archive.path + b"\0" + m.name.encode("utf-8", "surrogateescape")
            members.append(index.source(path, m.size, archive.changed))
            if m.reason:
                refused.append(_refused(members[-1], m.reason))
        index.note(members)
        index.keep(refused)
        index.drop(archive)
    index.keep(readings)
