"""From a file's elements to the headers of its slices: classic files and enhanced frames."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property

from hepafed.client.dicom.encoding import vendors
from hepafed.client.dicom.encoding.elements import NOTHING, UNDEFINED, Elements, Raw, every
from hepafed.client.dicom.encoding.header import (
    ENCODINGS,
    ENHANCED_MR,
    LEGACY_MR,
    MR,
    Header,
    Place,
)
from hepafed.client.dicom.encoding.reasons import BrokenFileError, SetAsideError

MOST_VOXELS = 1 << 27
"""Voxels of one file: half a gigabyte as float32."""
MOST_FRAMES = 1 << 14
OBJECTS: Mapping[str, str] = {
    "1.2.840.10008.1.3.10": "a directory of files (DICOMDIR)",
    "1.2.840.10008.5.1.4.1.1.7": "a secondary capture",
    "1.2.840.10008.5.1.4.1.1.4.2": "spectroscopy",
    "1.2.840.10008.5.1.4.1.1.4.3": "a colour MR image",
    "1.2.840.10008.5.1.4.1.1.11": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation: a label, not an image",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
    "1.2.840.10008.5.1.4.1.1.88": "a structured report",
    "1.2.840.10008.5.1.4.1.1.481.3": "a structure set: a label, not an image",
    "1.2.840.10008.5.1.4.1.1.104": "an encapsulated document",
}
"""SOP class, or the root of a family of them → what it is (DICOM PS3.4 B.5)."""
COMPRESSED = frozenset(
    f"1.2.840.10008.1.2.{end}"
    for end in ("5", "4.50", "4.51", "4.57", "4.70", "4.80", "4.81", "4.90", "4.91", "4.201",
                "4.202", "4.203")
)  # fmt: skip
"""JPEG, JPEG-LS, JPEG 2000, high-throughput JPEG 2000 and RLE: what the decoders read."""
LOSSY = frozenset(f"1.2.840.10008.1.2.4.{end}" for end in ("50", "51", "81", "91", "203"))
"""Those that may lose something."""
NATIVE_BITS = (8, 16, 32)
FRAME_GROUPS = (
    0x00189226, 0x00189114, 0x00189112, 0x00189115, 0x00209111, 0x00209113, 0x00209116,
    0x00289110, 0x00289145, 0x00189117, 0x00189341,
)  # fmt: skip
"""Functional groups that are read (DICOM PS3.3 C.7.6.16)."""
SEPARATORS = re.compile(r"[_\W]+")


def slices_of(place: Place, meta: Elements, top: Elements) -> list[Header]:
    """Make the headers of a file's slices.

    Raises
    ------
    SetAsideError
        The file is no MR image that is of use here.
    BrokenFileError
        Its image is missing, truncated, absurd or without geometry.
    """
    _judge_kind(meta, top)
    file = _File(place, top)
    if file.enhanced:
        return _frames(file)
    if file.frames != 1:
        raise BrokenFileError("several frames in a file of a single-frame kind")
    return [_header(file, NOTHING, NOTHING, 0)]


def judge_class(sop_class: str) -> None:
    """Set aside every kind of object that is no MR image.

    Raises
    ------
    SetAsideError
        It is none; the reason says what it is, where we know.
    """
    if sop_class in (MR, ENHANCED_MR, LEGACY_MR):
        return
    family = sop_class
    while family and family not in OBJECTS:
        family = family.rpartition(".")[0]
    raise SetAsideError(f"not an MR image: {OBJECTS.get(family, 'another kind of object')}")


def _judge_kind(meta: Elements, top: Elements) -> None:
    """Set aside what is no MR image; refuse what is not to be looked at."""
    sop_class = top.text(0x00080016) or meta.text(0x00020002)
    if not sop_class and top.text(0x00080060) == "MR" and top.pixel_tag:
        raise BrokenFileError("the kind of object (SOP class) is missing")
    judge_class(sop_class)
    if top.text(0x00080060) != "MR":
        raise SetAsideError("not an MR image: the modality is not MR")
    if top.text(0x00280301) == "YES":
        raise BrokenFileError("text is burned into the pixels (BurnedInAnnotation)")
    if not top.pixel_tag:
        raise BrokenFileError("an MR image without pixels")


class _File:
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
        """The vendor's elements by our names for them."""
        return self.top.vendor()

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


def _frames(file: _File) -> list[Header]:
    frames = file.top.items.get(0x52009230, [])
    if len(frames) != file.frames:
        raise BrokenFileError("an enhanced image without functional groups for every frame")
    shared = file.top.within(0x52009229)
    return [_header(file, shared, frame, k) for k, frame in enumerate(frames)]


class _Values:
    """Looks an attribute up in a frame's groups, then the shared ones, then the file."""

    def __init__(self, top: Elements, shared: Elements, frame: Elements) -> None:
        self.levels = [
            *every(frame, FRAME_GROUPS),
            *every(shared, FRAME_GROUPS),
            top,
        ]

    def number(self, *tags: int) -> float | None:
        """Give the first of the attributes that is there and is a number."""
        for tag in tags:
            for level in self.levels:
                if (value := level.number(tag)) is not None:
                    return value
        return None

    def numbers(self, tag: int, count: int) -> tuple[float, ...] | None:
        """Give an attribute of exactly `count` numbers."""
        for level in self.levels:
            if (values := level.numbers(tag)) is not None:
                return values if len(values) == count else None
        return None

    def texts(self, *tags: int) -> tuple[str, ...]:
        """Give the values of the first of the attributes that is there."""
        for tag in tags:
            for level in self.levels:
                if values := level.texts(tag):
                    return values
        return ()

    def text(self, *tags: int) -> str:
        """Give the first value."""
        values = self.texts(*tags)
        return values[0] if values else ""


def _header(file: _File, shared: Elements, frame: Elements, k: int) -> Header:
    top, place, values = file.top, file.place, _Values(file.top, shared, frame)
    groups = Elements(items={**shared.items, **frame.items}) if file.enhanced else None
    words = " ".join(top.texts(0x0008103E) or top.texts(0x00181030))
    slope = values.number(0x00281053)
    return Header(
        path=str(place.path),
        member=place.member,
        name=place.name,
        frame=k,
        frames=file.frames,
        sop_class=top.text(0x00080016),
        instance=top.text(0x00080018),
        patient_id=top.text(0x00100020),
        study=top.text(0x0020000D),
        series=top.text(0x0020000E),
        manufacturer=top.text(0x00080070).upper(),
        image_type=values.texts(0x00089007, 0x00080008),
        component=_component(values),
        weighting=values.text(0x00089209),
        description=SEPARATORS.sub(" ", words.lower()).strip(),
        pulse=SEPARATORS.sub(" ", values.text(0x00180024, 0x00189005).lower()).strip(),
        scanning=_scanning(values),
        variant=top.texts(0x00180021),
        options=top.texts(0x00180022),
        volumetric=top.text(0x00180023) == "3D",
        echo_time=values.number(0x00189082, 0x00180081),
        repetition_time=values.number(0x00180080),
        inversion_time=values.number(0x00180082, 0x00189079),
        flip_angle=values.number(0x00181314),
        echo_train=values.number(0x00180091),
        field_strength=top.number(0x00180087),
        b_value=vendors.b_value_of(top, groups, file.private),
        direction=vendors.direction_of(top, groups, file.private),
        isotropic=vendors.isotropic(top, groups, file.private),
        temporal=values.number(0x00209128, 0x00200100),
        acquired=_acquired(values),
        trigger=values.number(0x00181060),
        contrast=bool(top.text(0x00180010)) or _contrast(top, values),
        injected=_injected(top),
        acquisition=top.number(0x00200012),
        number=k if file.enhanced else int(top.number(0x00200013) or 0),
        position=values.numbers(0x00200032, 3),
        orientation=values.numbers(0x00200037, 6),
        spacing=values.numbers(0x00280030, 2),
        rows=file.rows,
        columns=file.columns,
        bits_allocated=file.bits,
        bits_stored=file.stored,
        high_bit=file.high,
        signed=top.number(0x00280103) == 1,
        transfer_syntax=place.syntax,
        big=place.syntax == "1.2.840.10008.1.2.2",
        pixel_offset=top.pixel_offset,
        slope=1.0 if slope is None or slope == 0 else slope,
        intercept=values.number(0x00281052) or 0.0,
        scale_slope=vendors.scale_slope_of(file.private),
        lossy=top.text(0x00282110) == "01" or place.syntax in LOSSY,
    )


def _component(values: _Values) -> str:
    """Say whether the image is magnitude, phase, real or imaginary."""
    if word := values.text(0x00089208):
        return word
    short = {"P": "PHASE", "R": "REAL", "I": "IMAGINARY", "M": "MAGNITUDE"}
    kinds = values.texts(0x00089007, 0x00080008)[2:]
    if any(k == "PHASE MAP" or k.startswith("PHASE") for k in kinds):
        return "PHASE"
    return next((short[k] for k in kinds if k in short), "")


def _scanning(values: _Values) -> tuple[str, ...]:
    """Give Scanning Sequence; an enhanced file says the same in three other attributes."""
    if words := values.texts(0x00180020):
        return words
    made = []
    echo = values.text(0x00189008)
    made += ["SE"] if echo in ("SPIN", "BOTH") else []
    made += ["GR"] if echo in ("GRADIENT", "BOTH") else []
    made += ["IR"] if values.text(0x00189009) == "YES" else []
    made += ["EP"] if values.text(0x00189018) == "YES" else []
    return tuple(made)


def _contrast(top: Elements, values: _Values) -> bool:
    """Tell whether contrast was given: per frame where it is stated, else for the file."""
    if word := values.text(0x00189342):
        return word == "YES"
    return bool(top.items.get(0x00180012))


def _acquired(values: _Values) -> float | None:
    for tag in (0x00189074, 0x0008002A):
        if (moment := _moment(values.text(tag)[:8], values.text(tag)[8:])) is not None:
            return moment
    day = values.text(0x00080022) or values.text(0x00080023)
    return _moment(day, values.text(0x00080032) or values.text(0x00080033))


def _injected(top: Elements) -> float | None:
    return _moment(top.text(0x00080022) or top.text(0x00080023), top.text(0x00181042))


def _moment(day: str, time: str) -> float | None:
    """Turn DA and TM (DICOM PS3.5 6.2) into seconds; only differences mean anything."""
    digits = re.match(r"(\d{2})(\d{2})?(\d{2})?(\.\d{1,6})?", time)
    if digits is None:
        return None
    hours, minutes, seconds, part = (float(g or 0) for g in digits.groups())
    try:
        start = date(int(day[:4]), int(day[4:6]), int(day[6:8])).toordinal() if day else 0
    except ValueError:
        start = 0
    return start * 86400.0 + hours * 3600 + minutes * 60 + seconds + part
