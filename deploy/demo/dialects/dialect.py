"""What a dialect is: a manufacturer's names, settings and private attributes, as data.

The facts are those of public headers and of public bug reports. Where none was found, a value is
made up in the manner of the others; the modules say so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Private = tuple[int, str, int, str, object]
"""Group, private creator, low byte of the element, value representation, value."""

FAMILIES = {
    "t2": "t2", "t2-coronal": "haste",
    "dwi": "dwi", "dwi-low": "dwi", "dwi-high": "dwi", "adc": "dwi",
    "t1-pre": "t1", "arterial": "t1", "portal": "t1", "delayed": "t1", "hepatobiliary": "t1",
    "dynamic": "t1", "subtraction": "t1", "dixon": "t1",
    "dual": "dual", "localizer": "localizer",
}  # fmt: skip
"""Name of a series → the settings that it is acquired with."""


def family_of(name: str) -> str:
    """Return the settings' name of a series: `t1` of `arterial`."""
    return FAMILIES[name]


@dataclass(frozen=True)
class Weighting:
    """The diffusion weighting of one image."""

    b: float
    """s/mm²"""
    direction: tuple[float, float, float] | None = None
    """Unit vector of the gradient; None of a trace image and at b = 0."""
    number: int = 0
    """Of the direction, from 1."""


@dataclass(frozen=True)
class Stated:
    """What a file says of something."""

    attributes: Mapping[str, object] = field(default_factory=dict)
    """By DICOM keyword."""
    private: tuple[Private, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one kind of series is acquired."""

    scanning: str
    """Scanning Sequence (DICOM PS3.3 C.8.3.1), several values apart by a backslash."""
    variant: str
    options: str
    """Scan Options; empty: the files have none."""
    kind: str
    """MR Acquisition Type: `2D` or `3D`."""
    echo_time: float
    """ms; of several echoes the first."""
    repetition_time: float
    """ms"""
    flip_angle: float
    train: int
    """Echo train length."""
    pulse: str = ""
    """Sequence Name; empty: the files have none."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What a manufacturer's files look like."""

    manufacturer: str
    model: str
    character_set: str
    """Specific Character Set of files with Chinese text."""
    signed: bool = False
    """Pixels stored as int16 instead of uint16."""
    slope: float = 0.0
    """Rescale slope; 0: the files have none."""
    top_down: bool = False
    """Instance numbers run from head to foot."""
    interleaved: bool = False
    """Instance numbers run through all images of a place before the next place."""
    slice_times: bool = False
    """Slices of a 2D series have acquisition times of their own."""
    numbering: tuple[int, int] = (1, 0)
    """Factor and offset from the order of the series to their numbers."""
    file_name: str
    """Pattern of a file's name with the instance number."""
    agent: str
    """What is written as Contrast Bolus Agent."""
    settings: Mapping[str, Settings]
    """By family: `t2`, `haste`, `dwi`, `t1`, `dual`, `localizer`."""
    english: Mapping[str, str]
    """Series description by the name of the series."""
    chinese: Mapping[str, str]
    parts: Mapping[str, str]
    """What is added to the description of each part of a Dixon; `{}` is the description."""
    image_types: Mapping[str, str]
    """Image Type by family or part, the values apart by backslashes."""
    always: Mapping[str, object] = field(default_factory=dict)
    """Attributes of every file."""
    diffusion: Callable[[Weighting], Stated]
    """What the files say of a weighting."""
    private: tuple[Private, ...] = ()
    """Private elements of every file."""

    def image_type(self, name: str, part: str, weighting: Weighting | None) -> str:
        """Return the Image Type of one image of a series."""
        kind = part or ("adc" if name == "adc" else family_of(name))
        if name == "subtraction":
            kind = name
        if weighting is not None and weighting.direction is not None:
            kind = "direction"
        elif weighting is not None and not weighting.b:
            kind = "b-zero"
        return self.image_types[kind]

    def description(self, name: str, part: str, *, chinese: bool) -> str:
        """Return the Series Description of one part of a series."""
        words = (self.chinese if chinese else self.english)[name]
        return self.parts[part].format(words) if part else words
