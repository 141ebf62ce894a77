"""From a file's elements to the headers of its slices: classic files and enhanced frames."""

import re
from datetime import date

from hepafed.client.dicom.encoding import vendors
from hepafed.client.dicom.encoding.elements import NOTHING, Elements, every
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.image import ImageFile, Place, plain_words
from hepafed.client.dicom.encoding.kinds import judge_kind
from hepafed.client.dicom.encoding.reasons import BrokenFileError

FRAME_GROUPS = (
    0x00189226, 0x00189114, 0x00189112, 0x00189115, 0x00209111, 0x00209113, 0x00209116,
    0x00289110, 0x00289145, 0x00189117, 0x00189341,
)  # fmt: skip
"""Functional groups that are read (DICOM PS3.3 C.7.6.16)."""


def slices_of(place: Place, meta: Elements, top: Elements) -> list[Header]:
    """Make the headers of a file's slices.

    Raises
    ------
    SetAsideError
        The file is no MR image that is of use here.
    BrokenFileError
        Its image is missing, truncated, absurd or without geometry.
    """
    judge_kind(meta, top)
    file = ImageFile(place, top)
    if file.enhanced:
        return _frames(file)
    if file.frames != 1:
        raise BrokenFileError("several frames in a file of a single-frame kind")
    return [_header(file, NOTHING, NOTHING, 0)]


def _frames(file: ImageFile) -> list[Header]:
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
        """Return the first of the attributes that is there and is a number."""
        for tag in tags:
            for level in self.levels:
                if (value := level.number(tag)) is not None:
                    return value
        return None

    def numbers(self, tag: int, count: int) -> tuple[float, ...] | None:
        """Return an attribute of exactly `count` numbers."""
        for level in self.levels:
            if (values := level.numbers(tag)) is not None:
                return values if len(values) == count else None
        return None

    def texts(self, *tags: int) -> tuple[str, ...]:
        """Return the values of the first of the attributes that is there."""
        for tag in tags:
            for level in self.levels:
                if values := level.texts(tag):
                    return values
        return ()

    def text(self, *tags: int) -> str:
        """Return the first value."""
        values = self.texts(*tags)
        return values[0] if values else ""


def _header(file: ImageFile, shared: Elements, frame: Elements, k: int) -> Header:
    """Describe the slice at place `k` of a file by its own groups, the shared ones and the file."""
    top, values = file.top, _Values(file.top, shared, frame)
    groups = Elements(items={**shared.items, **frame.items}) if file.enhanced else None
    slope, intercept = _rescale(file, values)
    return Header(
        **file.shared,
        frame=k,
        image_type=values.texts(0x00089007, 0x00080008),
        component=_component(values),
        weighting=values.text(0x00089209),
        pulse=plain_words(values.text(0x00180024, 0x00189005)),
        scanning=_scanning(values),
        echo_time=values.number(0x00189082, 0x00180081),
        repetition_time=values.number(0x00180080),
        inversion_time=values.number(0x00180082, 0x00189079),
        flip_angle=values.number(0x00181314),
        echo_train=values.number(0x00180091),
        b_value=vendors.b_value_of(top, groups, file.private),
        direction=vendors.direction_of(top, groups, file.private),
        isotropic=vendors.isotropic(top, groups, file.private),
        temporal=values.number(0x00209128, 0x00200100),
        acquired=_acquired(values),
        trigger=values.number(0x00181060),
        contrast=bool(top.text(0x00180010)) or _contrast(top, values),
        injected=_injected(top),
        number=k if file.enhanced else int(top.number(0x00200013) or 0),
        position=values.numbers(0x00200032, 3),
        orientation=values.numbers(0x00200037, 6),
        spacing=values.numbers(0x00280030, 2),
        slope=slope,
        intercept=intercept,
    )


def _rescale(file: ImageFile, values: _Values) -> tuple[float, float]:
    """Return the factor and the offset that make a stored value one that is bright when high.

    Of MONOCHROME1, whose lowest stored value is white, the stored values are turned round first
    (DICOM PS3.3 C.7.6.3.1.2).
    """
    slope = values.number(0x00281053) or 1.0
    intercept = values.number(0x00281052) or 0.0
    if file.inverted:
        return -slope, intercept + slope * file.turned
    return slope, intercept


def _component(values: _Values) -> str:
    """Return the image's component: magnitude, phase, real or imaginary."""
    if word := values.text(0x00089208):
        return word
    short = {"P": "PHASE", "R": "REAL", "I": "IMAGINARY", "M": "MAGNITUDE"}
    kinds = values.texts(0x00089007, 0x00080008)[2:]
    if any(k == "PHASE MAP" or k.startswith("PHASE") for k in kinds):
        return "PHASE"
    return next((short[k] for k in kinds if k in short), "")


def _scanning(values: _Values) -> tuple[str, ...]:
    """Return Scanning Sequence; an enhanced file says the same in three other attributes."""
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
    """Return whether contrast was given: per frame where it is stated, else for the file."""
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
