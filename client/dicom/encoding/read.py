"""Read the slices that a file describes, without its pixels."""

from pathlib import Path
from typing import Final

from hepafed.client.dicom.encoding.elements import Elements
from hepafed.client.dicom.encoding.file_bytes import inflated, opened
from hepafed.client.dicom.encoding.frames import slices_of
from hepafed.client.dicom.encoding.header import DEFLATED, ENCODINGS, Header
from hepafed.client.dicom.encoding.image import Place
from hepafed.client.dicom.encoding.kinds import judge_class
from hepafed.client.dicom.encoding.reasons import BrokenFileError, SetAsideError
from hepafed.client.dicom.encoding.walker import (
    UNDEFINED,
    BrokenError,
    Encoding,
    ShortError,
    Walker,
    looks_explicit,
)

NO_DICOM: Final = "not a DICOM file"
SMALLEST: Final = 256
"""Bytes; no image's attributes need less."""
SIZES: Final = (1 << 16, 1 << 20, 1 << 24, 1 << 27)
"""How much of a file is read for its header: a little, and more only where it goes on."""


def read_headers(path: Path, name: str, member: str = "") -> list[Header]:
    """Read the slices that a file describes, without its pixels.

    `name` is the file's path relative to the folder the person named; `member` its name inside
    a zip archive at `path`.

    Raises
    ------
    SetAsideError
        A file of no use here: not DICOM, not MR, no image.
    BrokenFileError
        A broken or unsafe file. No message names a value of the file.
    """
    with opened(path, member) as (stream, size):
        data = b""
        for limit in SIZES:
            data += stream.read(limit - len(data))
            whole = len(data) < limit
            try:
                meta, start = _meta(data, whole)
                if kind := meta.text(0x00020002):
                    judge_class(kind)  # before more is read: raw data may be gigabytes
                elements, syntax, size = _data_set(data, start, whole, size, meta)
            except ShortError:
                continue
            except BrokenError as e:
                if not _has_preamble(data):
                    raise SetAsideError(NO_DICOM) from None
                raise BrokenFileError("the header does not follow DICOM's encoding") from e
            if not _has_preamble(data) and 0x00080016 not in elements.found:
                raise SetAsideError(NO_DICOM)
            return slices_of(Place(path, member, name, size, syntax), meta, elements)
    raise BrokenFileError("the header is too large")


def _has_preamble(data: bytes) -> bool:
    return data[128:132] == b"DICM"


def _meta(data: bytes, whole: bool) -> tuple[Elements, int]:
    """Read the file meta group; return it and where the data set begins.

    Old archives export bare data sets, without preamble or without any file header (PS3.10 7.1).
    They begin with the file meta group or with one of the first attributes of group 8.
    """
    if _has_preamble(data):
        return Walker(data, whole).meta(132)
    group, element = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
    if group == 0x0002 and element <= 0x0002:
        return Walker(data, whole).meta(0)
    if group == 0x0008 and element <= 0x0018 and len(data) > SMALLEST:
        return Elements(), 0
    raise SetAsideError(NO_DICOM)


def _data_set(
    data: bytes, start: int, whole: bool, size: int, meta: Elements
) -> tuple[Elements, str, int]:
    """Read the data set; return it, the transfer syntax and the size."""
    syntax = meta.text(0x00020010)
    if syntax == DEFLATED:
        if not whole:
            raise ShortError
        data, complete = inflated(data, start)
        size = len(data)
        if not complete:
            raise BrokenError
    explicit = looks_explicit(data, start)
    encoding = ENCODINGS.get(syntax, Encoding())
    if not encoding.big:
        # The bytes themselves decide: some archives store implicit data as explicit, or no syntax
        encoding = Encoding(implicit=not explicit)
    if not syntax:
        syntax = "1.2.840.10008.1.2.1" if explicit else "1.2.840.10008.1.2"
    elements = Walker(data, whole).data_set(start, encoding)
    if elements.pixel_length == UNDEFINED and syntax in ENCODINGS:
        raise BrokenError
    return elements, syntax, size
