"""`client inspect`: what an ingest would make of a folder, file by file and volume by volume."""

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hepafed.client.dicom.roles import NO_OVERRIDES, Overrides
from hepafed.client.dicom.volumes import Volume, statistics
from hepafed.client.ingest.volumes import ReadExamination, read_examination
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import ScanIndex, WorkerPool, scan, shown
from hepafed.common.errors import DicomError


def inspect(
    folder: Path, overrides: Overrides = NO_OVERRIDES, without: Collection[Path] = ()
) -> dict[str, Any]:
    """Scan a folder as an ingest does and describe it (schema hepafed.inspect/1); write nothing.

    Every stack's pixels are decoded once, slice by slice, so that a file that cannot be decoded
    is refused here as it is there. Diffusion directions are listed one by one. `without` are
    files and folders, resolved, that are no part of the export.
    """
    volumes = []
    with scanned(folder, without) as index:
        files = {o.path: o for o in index.outcomes()}
        for read in examinations_of(index, folder, overrides):
            broken: dict[Volume, DicomError] = {}
            for volume in read.volumes:
                try:
                    volumes += [_described(stack) for stack in volume.stacks]
                except DicomError as e:
                    broken[volume] = e
            files |= read.outcomes(broken)
    return {
        "schema": "hepafed.inspect/1",
        "files": [
            {"path": shown(o.path), "outcome": o.outcome, "reason": o.reason}
            for o in files.values()
        ],
        "volumes": volumes,
    }


@contextmanager
def scanned(folder: Path, without: Collection[Path] = ()) -> Iterator[ScanIndex]:
    """Scan a folder into an index in memory, of which nothing stays, however the process ends."""
    with closing(ScanIndex(None, folder, Pseudonyms.unwritten())) as index:
        with WorkerPool() as pool:
            scan(
                folder.resolve(),
                index,
                lambda _stage, _done, _all: None,
                pool,
                without,
                isolated=False,
            )
        yield index


def examinations_of(
    index: ScanIndex, folder: Path, overrides: Overrides = NO_OVERRIDES
) -> Iterator[ReadExamination]:
    """Yield every examination of a scanned folder, in the order of their first paths."""
    for examination in index.examinations():
        files = index.files_of(examination)
        images = [(source, headers) for source, kind, headers in files if kind == "image"]
        if images:
            yield read_examination(folder.resolve(), images, overrides)


def _described(stack: Volume) -> dict[str, Any]:
    """Describe one stack of slices.

    Raises
    ------
    DicomError
        A slice cannot be decoded.
    """
    low, high, mean = statistics(stack.headers)
    return {
        "files": [shown(n) for n in stack.names],
        "sequence": stack.sequence,
        "shape": list(stack.shape),
        "spacing": list(stack.spacing),
        "affine": stack.affine.tolist(),
        "min": low,
        "max": high,
        "mean": mean,
    }
