"""What the slices of one file share, judged before any of them is described."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hepafed.client.dicom.encoding import vendors
from hepafed.client.dicom.encoding.elements import Elements, Raw
from hepafed.client.dicom.encoding.header import ENCODINGS
from hepafed.client.dicom.encoding.kinds import ENHANCED_MR, LEGACY_MR
from hepafed.client.dicom.encoding.reasons import BrokenFileError, SetAsideError
from hepafed.client.dicom.encoding.walker import UNDEFINED

MOST_VOXELS = 1 << 27
"""Voxels of one file: half a gigabyte as float32."""
MOST_FRAMES = 1 << 14
COMPRESSED = frozenset(
    f"1.2.840.10008.1.2.{end}"
    for end in ("5", "4.50", "4.51", "4.57", "4.70", "4.80", "4.81", "4.90", "4.91", "4.201",
                "4.202", "4.203")
)  # fmt: skip
"""JPEG, JPEG-LS, JPEG 2000, high-throughput JPEG 2000 and RLE: what the decoders read."""
LOSSY = frozenset(f"1.2.840.10008.1.2.4.{end}" for end in ("50", "51", "81", "91", "203"))
"""Transfer syntaxes that may compress with loss."""
NATIVE_BITS = (8, 16, 32)
SEPARATORS = re.compile(r"[_\W]+")


@dataclass(frozen=True)
class Place:
    """Where a header was read and how its data set is written."""

    path: Path
    member: str
    name: str
    size: int
    """Bytes of the file, or of its inflated data set."""
    syntax: str


class ImageFile:
    """What the slices of one file share."""

    def __init__(self, place: Place, top: Elements) -> None:
        self.place, self.top = place, top
        self.enhanced = top.text(0x00080016) in (ENHANCED_MR, LEGACY_MR) or 0x52009230 in top.items
        self.rows, self.columns = self._whole(0x00280010), self._whole(0x00280011)
        self.frames = self._whole(0x00280008, 1)
        self.bits = self._whole(0x00280100)
        self.stored = self._whole(0x00280101, self.bits)
        self.high = self._whole(0x00280102, self.stored - 1)
        self.samples = self._whole(0x00280002, 1)
        self._judge_pixels()

    @cached_property
    def private(self) -> dict[str, Raw]:
        """Return the vendor's elements by our names for them."""
        return self.top.vendor()

    @cached_property
    def shared(self) -> dict[str, Any]:
        """Return the fields of `Header` that are the same for every slice of the file."""
        top, place = self.top, self.place
        return {
            "path": str(place.path),
            "member": place.member,
            "name": place.name,
            "frames": self.frames,
            "sop_class": top.text(0x00080016),
            "instance": top.text(0x00080018),
            "patient_id": top.text(0x00100020),
            "study": top.text(0x0020000D),
            "series": top.text(0x0020000E),
            "series_number": top.number(0x00200011),
            "temporal_count": top.number(0x00200105),
            "manufacturer": top.text(0x00080070).upper(),
            "description": plain_words(" ".join(top.texts(0x0008103E) or top.texts(0x00181030))),
            "variant": top.texts(0x00180021),
            "options": top.texts(0x00180022),
            "volumetric": top.text(0x00180023) == "3D",
            "field_strength": top.number(0x00180087),
            "acquisition": top.number(0x00200012),
            "rows": self.rows,
            "columns": self.columns,
            "bits_allocated": self.bits,
            "bits_stored": self.stored,
            "high_bit": self.high,
            "signed": top.number(0x00280103) == 1,
            "transfer_syntax": place.syntax,
            "big": place.syntax == "1.2.840.10008.1.2.2",
            "pixel_offset": top.pixel_offset,
            "scale_slope": self._scale_slope(),
            "lossy": top.text(0x00282110) == "01" or place.syntax in LOSSY,
        }

    @property
    def inverted(self) -> bool:
        """Whether the lowest stored value is white."""
        return self.top.text(0x00280004) == "MONOCHROME1"

    @property
    def turned(self) -> int:
        """The sum of the lowest and the highest value that can be stored."""
        return -1 if self.top.number(0x00280103) == 1 else (1 << self.stored) - 1

    def _scale_slope(self) -> float | None:
        found = vendors.scale_slope_of(self.private)
        return -found if found is not None and self.inverted else found

    def _whole(self, tag: int, default: int = 0) -> int:
        values = self.top.numbers(tag) if tag in self.top.found else (float(default),)
        if not values or len(values) != 1 or not 0 <= values[0] < 1 << 31 or values[0] % 1:
            raise BrokenFileError("a size of the image is not one whole number")
        return int(values[0])

    def _judge_pixels(self) -> None:
        self._judge_size()
        if self.samples != 1 or not self.top.text(0x00280004).startswith("MONOCHROME"):
            raise SetAsideError("a colour image")
        if self.top.pixel_tag != 0x7FE00010:
            raise SetAsideError("a map of floating-point pixels")
        if "MOSAIC" in self.top.texts(0x00080008) or vendors.grid(self.private):
            raise SetAsideError("a mosaic: a sheet of tiles, not a slice")
        if not 1 <= self.stored <= self.bits or self.high != self.stored - 1:
            raise BrokenFileError("the bits of a pixel make no sense")
        if self.bits not in NATIVE_BITS:
            raise BrokenFileError("a pixel does not fill one, two or four bytes")

    def _judge_size(self) -> None:
        top, place = self.top, self.place
        if not self.rows or not self.columns or not self.frames:
            raise BrokenFileError("the image has no rows, columns or frames")
        if self.rows * self.columns * self.frames > MOST_VOXELS or self.frames > MOST_FRAMES:
            raise BrokenFileError("the image is too large")
        if top.pixel_length == UNDEFINED:
            if place.syntax not in COMPRESSED:
                raise BrokenFileError("a transfer syntax that cannot be decoded")
            return
        if place.syntax not in ENCODINGS:
            raise BrokenFileError("compressed pixels that are not encapsulated")
        needed = self.rows * self.columns * self.frames * self.samples * self.bits // 8
        if min(top.pixel_length, place.size - top.pixel_offset) < needed:
            raise BrokenFileError("the pixel data is shorter than the image")


def plain_words(text: str) -> str:
    """Return a text in lower case, its words apart by single spaces."""
    return SEPARATORS.sub(" ", text.lower()).strip()
