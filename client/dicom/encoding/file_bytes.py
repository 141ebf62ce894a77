"""The bytes of a DICOM file, lying in a folder or inside a zip archive, within limits."""

import functools
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hepafed.client.dicom.encoding.reasons import BrokenFileError

LARGEST = 1 << 29
"""Bytes that are ever read of one file: half a gigabyte."""
LARGEST_INFLATED = 1 << 28


@contextmanager
def opened(path: Path, member: str = "") -> Iterator[tuple[IO[bytes], int]]:
    """Open a file, or a member of a zip archive; yield the stream and the size it claims.

    Raises
    ------
    BrokenFileError
        It cannot be opened or read, is encrypted, or is damaged.
    """
    try:
        if not member:
            with path.open("rb") as stream:
                yield stream, path.stat().st_size
            return
        state = path.stat()
        archive = _archive(path, state.st_mtime_ns, state.st_size, os.getpid())
        try:
            info = archive.getinfo(member)
        except KeyError as e:
            raise BrokenFileError("the archive is damaged or of an unknown kind") from e
        if info.flag_bits & 1:
            raise BrokenFileError("the archive is encrypted")
        with archive.open(info) as inner:
            yield inner, info.file_size
    except OSError as e:
        raise BrokenFileError("the file cannot be read") from e
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, struct.error) as e:
        raise BrokenFileError("the archive is damaged or of an unknown kind") from e


@functools.lru_cache(maxsize=1)
def _archive(path: Path, changed: int, size: int, process: int) -> zipfile.ZipFile:
    """Keep the last archive's directory, which would else be read again for each member.

    Per process: an open file's position is shared with a forked child.
    """
    del changed, size, process
    return zipfile.ZipFile(path)


def whole(path: Path, member: str = "") -> bytes:
    """Return all bytes of a file.

    Raises
    ------
    BrokenFileError
        It is larger than `LARGEST`, or cannot be read.
    """
    with opened(path, member) as (stream, _):
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BrokenFileError("the file is too large")
    return data


def inflated(data: bytes, start: int, limit: int = LARGEST_INFLATED) -> tuple[bytes, bool]:
    """Inflate the data set of a deflated file, which begins at `start` (DICOM PS3.5 A.5).

    Return at most `limit` bytes, `start` bytes of meta in front, and whether that is all.
    """
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        out = engine.decompress(data[start:], limit)
    except zlib.error as e:
        raise BrokenFileError("the deflated data set is damaged") from e
    return data[:start] + out, len(out) < limit
