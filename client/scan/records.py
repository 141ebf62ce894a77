"""What the scan knows of one file: where it lies, and what reading it gave."""

import os
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.dicom.encoding import Member


@dataclass(frozen=True)
class Source:
    """One file of the folder, or of an archive in it."""

    path: bytes
    """Path relative to the folder; a member's name follows its archive's after a NUL."""
    key: str
    """HMAC of the file's path."""
    size: int
    changed: int
    """Nanoseconds of the file's time of change (of the archive's, for a member)."""

    @property
    def name(self) -> str:
        """Return the path as text; no two files of a folder have the same."""
        return self.path.decode("utf-8", "surrogateescape")

    def place(self, folder: Path) -> tuple[Path, str]:
        """Return where it lies: the file on disk and the name of the member inside it."""
        path, _, member = self.path.partition(b"\0")
        return folder / os.fsdecode(path), member.decode("utf-8", "surrogateescape")


def shown(name: str) -> str:
    """Return a source's name as a person reads it, `archive.zip!member`."""
    return name.replace("\0", "!") or "."


@dataclass(frozen=True)
class Reading:
    """What reading one file's header gave."""

    source: Source
    kind: str = ""
    """`image`, `mask` (a segmentation or structure set), or empty: of no use."""
    outcome: str = ""
    """`set-aside` or `refused`; an image has none until its examination was looked at."""
    reason: str = ""
    patient: str = ""
    """Identity; it goes into the index as a pseudonym."""
    study: str = ""
    headers: str = ""
    """One line of JSON for each slice."""


@dataclass(frozen=True)
class Listing:
    """What a file that is an archive holds."""

    source: Source
    members: list[Member]


@dataclass(frozen=True)
class KeptOutcome:
    """What became of one file, under the key by which the index keeps it."""

    key: str
    outcome: str
    """`taken`, `set-aside` or `refused`."""
    reason: str


@dataclass(frozen=True)
class SeriesOutcome:
    """What became of one series, and by which rules; nothing of it is a value of its files."""

    series: str
    """Pseudonym."""
    files: int
    sequence: str
    """The sequences of its volumes, joined by commas; empty where it has none."""
    lines: str
    """How that was decided, rule by rule."""
