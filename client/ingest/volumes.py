"""The volumes of one examination, and what becomes of each of its files.

`client ingest` crops lesions from these volumes and `client inspect` describes them: both take
the volumes and the outcomes of files from here, so that they cannot disagree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.dicom.encoding import FileOutcome, Header, outcome_of, read_headers
from hepafed.client.dicom.roles import Overrides, volumes_of
from hepafed.client.dicom.volumes import Grouped, Volume, check_pixels
from hepafed.client.scan import Source
from hepafed.common.errors import DicomError


@dataclass(frozen=True)
class ReadExamination:
    """The headers of an examination's files, grouped into volumes; no pixel was decoded."""

    headers: list[Header]
    grouped: Grouped
    files: dict[str, FileOutcome]
    """Each file's outcome, by its `Source.name`, as far as headers tell."""

    @property
    def volumes(self) -> list[Volume]:
        """Return the volumes, each with its sequence."""
        return self.grouped.volumes

    def outcomes(self, broken: Mapping[Volume, DicomError]) -> dict[str, FileOutcome]:
        """Return each file's outcome, by its `Source.name`, once the pixels are decoded.

        `broken` are the volumes that cannot be decoded: none of their files is taken.
        """
        decided = dict(self.files)
        for volume in self.volumes:
            if volume in broken:
                decided |= {n: outcome_of(n, broken[volume]) for n in volume.names}
        return decided


def read_examination(
    folder: Path, images: Iterable[tuple[Source, str]], overrides: Overrides
) -> ReadExamination:
    """Read the slices of an examination's image files and group them into volumes.

    `images` are files and their headers as JSON lines; where these are empty they are read again.
    """
    headers: list[Header] = []
    files: dict[str, FileOutcome] = {}
    for source, lines in images:
        try:
            headers += _headers(folder, source, lines)
        except DicomError as e:  # changed since it was scanned
            files[source.name] = FileOutcome(source.name, "refused", e.message)
    grouped = volumes_of(headers, overrides)
    return ReadExamination(headers, grouped, files | grouped.outcomes)


def _headers(folder: Path, source: Source, lines: str) -> list[Header]:
    if lines:
        return [Header.from_json(line) for line in lines.split("\n")]
    path, member = source.place(folder)
    return read_headers(path, source.name, member)


def undecodable(volumes: Iterable[Volume]) -> dict[Volume, DicomError]:
    """Decode volumes slice by slice, and return those that cannot be decoded, and why."""
    broken: dict[Volume, DicomError] = {}
    for volume in volumes:
        try:
            for stack in volume.stacks:
                check_pixels(stack.headers)
        except DicomError as e:
            broken[volume] = e
    return broken
