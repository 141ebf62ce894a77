"""What a zip archive holds: its files listed, each with the reason if it is refused.

An archive is hostile until shown otherwise. Its files are read in memory (see `file_bytes`), never
written to disk, so a name in it is only a name; one that tries to leave is refused all the same.
"""

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hepafed.common.errors import DicomError

SIGNATURE = b"PK\x03\x04"
EMPTY = b"PK\x05\x06"
MOST_MEMBERS = 200_000
LARGEST_MEMBER = 1 << 29
"""Most bytes of one unpacked member."""
LARGEST_ARCHIVE = 256 << 30
"""Most bytes of all unpacked members together."""
LARGEST_RATIO = 400
"""Unpacked over packed; DICOM of one grey reaches some 200."""
ALWAYS_FINE = 16 << 20
"""Bytes unpacked below which the ratio does not matter."""
_BROKEN = (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class Member:
    """One file of an archive; `reason` says why it is refused, if it is."""

    name: str
    size: int
    reason: str = ""


def is_archive(head: bytes) -> bool:
    """Return whether the first bytes are those of a zip archive."""
    return head.startswith((SIGNATURE, EMPTY))


def members_of(path: Path) -> list[Member]:
    """List an archive's files in its own order.

    Raises
    ------
    DicomError
        It is no whole zip archive, or holds too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [i for i in archive.infolist() if not i.is_dir()]
    except _BROKEN as e:
        raise DicomError("a broken zip archive") from e
    if len(infos) > MOST_MEMBERS:
        raise DicomError("a zip archive of too many files")
    if sum(i.file_size for i in infos) > LARGEST_ARCHIVE:
        raise DicomError("a zip archive that unpacks to too much")
    names = [i.filename for i in infos]
    if len(set(names)) != len(names):
        raise DicomError("a zip archive that names a file twice")
    return [Member(i.filename, i.file_size, _refusal(i)) for i in infos]


def _refusal(info: zipfile.ZipInfo) -> str:
    """Return why a member is refused; "" when it is not."""
    name = PurePosixPath(info.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        return "a name that leaves its archive"
    if info.flag_bits & 0x1:
        return "encrypted in its archive"
    mode = info.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "no plain file in its archive"
    if info.file_size > LARGEST_MEMBER:
        return "too large in its archive"
    if info.file_size > max(ALWAYS_FINE, LARGEST_RATIO * info.compress_size):
        return "packed too tightly in its archive (a zip bomb?)"
    return ""
