"""Find every file of an export by its content and read the headers, over all cores.

The main process walks the folder and keeps the index; other processes read. Memory does not grow
with the number of files: they are streamed into the index and out of it again page by page.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.dicom.encoding import (
    BrokenFileError,
    Member,
    SetAsideError,
    is_archive,
    members_of,
    read_headers,
)
from hepafed.client.ingest.scan_index import Reading, ScanIndex, Source
from hepafed.client.ingest.worker_pool import Farm
from hepafed.common.errors import DicomError

BATCH = 64
"""Files handed to a process at a time."""
DEEPEST = 64
"""Folders inside each other."""
KILLER = "reading it stopped the process that read it"
NOTED_AT_ONCE = 1000
Progress = Callable[[str, int, int | None], None]
"""Called with the stage, how many are done, and of how many if that is known."""


@dataclass(frozen=True)
class _Batch:
    folder: Path
    sources: list[Source]


def scan(
    folder: Path,
    index: ScanIndex,
    progress: Progress,
    farm: Farm,
    without: Collection[Path] = (),
) -> None:
    """Read the header of every file under `folder` that the index does not know yet.

    Killed at any moment, the next scan goes on where the index stands. `without` are files and
    folders that are no part of the export (resolved).
    """
    noted = 0
    for sources, refused in _in_groups(_walk(folder, index, set(without))):
        index.note(sources)
        index.keep(refused)
        noted += len(sources)
        progress("finding files", noted, None)
    while True:  # once more when archives showed files of their own
        _, unread = index.count()
        if not unread:
            break
        done = 0
        progress("reading headers", done, unread)
        pages = index.unread()
        for batch, results in farm.spread(_read_batch, _batches(folder, pages)):
            readings = results if results is not None else _one_by_one(batch, farm)
            _keep(index, readings)
            done += len(batch.sources)
            progress("reading headers", done, unread)
    index.gather()


def _one_by_one(batch: _Batch, farm: Farm) -> list["Reading | _Listing"]:
    """Read a batch that killed its process file by file, each in a process of its own."""
    singles = (_Batch(batch.folder, [s]) for s in batch.sources)
    made: list[Reading | _Listing] = []
    for single, results in farm.spread(_read_batch, singles):
        made += results or [Reading(single.sources[0], outcome="refused", reason=KILLER)]
    return made


def _batches(folder: Path, pages: Iterator[list[Source]]) -> Iterator[_Batch]:
    for page in pages:
        for start in range(0, len(page), BATCH):
            yield _Batch(folder, page[start : start + BATCH])


def _keep(index: ScanIndex, results: list["Reading | _Listing"]) -> None:
    index.keep(r for r in results if isinstance(r, Reading))
    for listing in (r for r in results if isinstance(r, _Listing)):
        archive = listing.source
        files, refused = [], []
        for m in listing.members:
            path = archive.path + b"\0" + m.name.encode("utf-8", "surrogateescape")
            files.append(index.source(path, m.size, archive.changed))
            if m.reason:
                refused.append(Reading(files[-1], outcome="refused", reason=m.reason))
        index.note(files)
        index.keep(refused)
        index.drop(archive)


@dataclass(frozen=True)
class _Listing:
    """What a file that is an archive holds."""

    source: Source
    members: list[Member]


def _walk(folder: Path, index: ScanIndex, without: set[Path]) -> Iterator[tuple[Source, str]]:
    """Give every file and, of what cannot be read, the reason."""
    root = os.fsencode(folder)
    skipped = {os.fsencode(p) for p in without}
    names = {os.fsencode(p.name) for p in without}

    def enter(relative: bytes, depth: int) -> Iterator[tuple[Source, str]]:
        here = os.path.join(root, relative) if relative else root  # noqa: PTH118 - bytes, fast
        try:
            entries = os.scandir(here)
        except OSError:
            yield index.source(relative, -1, 0), "the folder cannot be opened"
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
                        yield index.source(name, -1, 0), "folders too deep inside each other"
                    continue
                yield _found(entry, name, index)

    yield from enter(b"", 0)


def _found(entry: "os.DirEntry[bytes]", name: bytes, index: ScanIndex) -> tuple[Source, str]:
    try:
        about = entry.stat()
    except OSError:
        return index.source(name, -1, 0), "the file cannot be read"
    source = index.source(name, about.st_size, about.st_mtime_ns)
    # A pipe or a device would never end.
    plain = stat.S_ISREG(about.st_mode)
    return source, "" if plain else "no plain file"


def _in_groups(
    found: Iterator[tuple[Source, str]],
) -> Iterator[tuple[list[Source], list[Reading]]]:
    sources: list[Source] = []
    refused: list[Reading] = []
    for source, reason in found:
        sources.append(source)
        if reason:
            refused.append(Reading(source, outcome="refused", reason=reason))
        if len(sources) == NOTED_AT_ONCE:
            yield sources, refused
            sources, refused = [], []
    yield sources, refused


def _read_batch(batch: _Batch) -> list[Reading | _Listing]:
    """Read the headers of some files; runs in a process of its own."""
    return [_read(batch.folder, source) for source in batch.sources]


def _read(folder: Path, source: Source) -> Reading | _Listing:
    path, member = source.place(folder)
    try:
        headers = read_headers(path, source.key, member)
    except SetAsideError as e:
        return _set_aside(path, member, source, e.message)
    except DicomError as e:
        return Reading(source, outcome="refused", reason=e.message)
    if not headers[0].study:
        return Reading(source, outcome="refused", reason="the study identifier is missing")
    lines = "\n".join(h.to_json() for h in headers)
    return Reading(source, "image", "", "", headers[0].patient_id, headers[0].study, lines)


def _set_aside(path: Path, member: str, source: Source, reason: str) -> Reading | _Listing:
    """Look twice at what is no image: an archive has files, a segmentation labels a study."""
    if reason.endswith("a label, not an image"):
        patient, study = _owner(path, member)
        return Reading(source, "mask", "set-aside", reason, patient, study)
    if reason == "not a DICOM file":
        try:
            if is_archive(_head(path, member)):
                if member:
                    raise BrokenFileError("an archive inside an archive")
                return _Listing(source, members_of(path))
        except DicomError as e:
            return Reading(source, outcome="refused", reason=e.message)
    return Reading(source, outcome="set-aside", reason=reason)


def _head(path: Path, member: str) -> bytes:
    from hepafed.client.dicom.encoding import opened

    with opened(path, member) as (stream, _):
        return stream.read(4)


def _owner(path: Path, member: str) -> tuple[str, str]:
    """Patient and study of an object that is no image, read as headers are."""
    import pydicom
    from hepafed.client.dicom.encoding import Raw, opened, text_of

    wanted = (0x00100020, 0x0020000D)
    try:
        with opened(path, member) as (stream, _):
            ds = pydicom.dcmread(stream, specific_tags=list(wanted), stop_before_pixels=True)
        patient, study = (
            text_of(Raw("", bytes(ds.get_item(tag).value or b""))) if tag in ds else ""
            for tag in wanted
        )
    except Exception:  # a broken one labels nothing, whatever is wrong with it
        return "", ""
    return patient, study
