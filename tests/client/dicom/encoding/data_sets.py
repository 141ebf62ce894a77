"""Builds the elements of a data set by keyword, as the walker would have found them."""

from collections.abc import Sequence
from pathlib import Path

from hepafed.client.dicom.encoding.elements import Elements, Raw
from hepafed.client.dicom.encoding.frames import slices_of
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.image import Place
from pydicom.datadict import tag_for_keyword

MR, ENHANCED, LEGACY = (f"1.2.840.10008.5.1.4.1.1.4{end}" for end in ("", ".1", ".4"))
EXPLICIT = "1.2.840.10008.1.2.1"
PIXELS = 0x7FE00010
Value = str | float | Sequence[object]


def elements(**values: object) -> Elements:
    """Give elements by keyword: items for dicts, else text of one or several values."""
    made = Elements()
    for keyword, value in values.items():
        tag = tag_for_keyword(keyword)
        assert tag is not None, keyword
        if isinstance(value, (Elements, dict)):
            made.items[tag] = [value if isinstance(value, Elements) else elements(**value)]
        else:
            several = value if isinstance(value, (list, tuple)) else [value]
            made.found[tag] = Raw("LO", "\\".join(map(str, several)).encode())
    return made


MR_IMAGE = {
    "SOPClassUID": MR, "SOPInstanceUID": "1.1", "Modality": "MR", "Rows": 4, "Columns": 6,
    "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
}  # fmt: skip
"""An image of 48 bytes."""


def image(length: int = 1 << 40, offset: int = 0, **values: object) -> Elements:
    """Give an image's elements with some changed; None takes one away."""
    made = elements(**{k: v for k, v in (MR_IMAGE | values).items() if v is not None})
    made.pixel_tag, made.pixel_offset, made.pixel_length = PIXELS, offset, length
    return made


def place(syntax: str = EXPLICIT, size: int = 1 << 40) -> Place:
    return Place(Path("/nowhere/x"), "", "x", size, syntax)


def slices(top: Elements, where: Place | None = None) -> list[Header]:
    """Give the headers of a file with these elements."""
    return slices_of(where or place(), Elements(), top)


def one(**values: object) -> Header:
    """Give the header of a classic image with some elements changed."""
    (header,) = slices(image(**values))  # type: ignore[arg-type]
    return header
