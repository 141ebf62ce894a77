"""Read a whole folder: every file by its content, zip archives by their members."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.dicom.encoding import (
    BrokenFileError,
    FileOutcome,
    Header,
    members,
    outcome_of,
    read_headers,
)
from hepafed.client.dicom.roles import NO_OVERRIDES, Overrides, volumes_of
from hepafed.client.dicom.volumes import Volume
from hepafed.common.errors import DicomError


@dataclass(frozen=True)
class Reading:
    """What a folder holds."""

    files: list[FileOutcome]
    volumes: list[Volume]


def read_folder(
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    overrides: Overrides = NO_OVERRIDES,
) -> Reading:
    """Read every file under a folder by its content; each file gets an outcome.

    Headers alone are read; voxels when a volume's `load` is called. A zip archive's members
    stand as `archive.zip!member`.
    """
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    outcomes: dict[str, FileOutcome] = {}
    studies: dict[tuple[str, str], list[Header]] = defaultdict(list)
    for done, path in enumerate(paths, 1):
        for name, headers in _headers(path, path.relative_to(folder).as_posix()):
            if isinstance(headers, DicomError):
                outcomes[name] = outcome_of(name, headers)
                continue
            outcomes[name] = FileOutcome(name, "refused", "nothing was made of it")
            for h in headers:
                studies[h.patient_id, h.study].append(h)
        if progress:
            progress(done, len(paths))
    volumes: list[Volume] = []
    for examination in studies.values():
        grouped = volumes_of(examination, overrides)
        volumes += grouped.volumes
        outcomes |= grouped.outcomes
    return Reading(list(outcomes.values()), volumes)


def _headers(path: Path, name: str) -> Iterator[tuple[str, list[Header] | DicomError]]:
    """Give the name and the headers, or the error, of a file or of an archive's members."""
    try:
        inside = members(path)
    except BrokenFileError as e:
        yield name, e
        return
    for member in inside or [""]:
        inner = f"{name}!{member}" if member else name
        try:
            yield inner, read_headers(path, inner, member)
        except DicomError as e:
            yield inner, e
