"""What HepaFed reads of a DICOM file's header: one small record for each slice it holds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hepafed.client.dicom.encoding.elements import (
    UNDEFINED,
    BrokenError,
    Elements,
    Encoding,
    ShortError,
    Walker,
    looks_explicit,
)
from hepafed.client.dicom.encoding.file_bytes import inflated, opened
from hepafed.client.dicom.encoding.reasons import BrokenFileError, SetAsideError

SIZES: Final = (1 << 16, 1 << 20, 1 << 24, 1 << 27)
"""How much of a file is read for its header: a little, and more only where it goes on."""
MR, ENHANCED_MR, LEGACY_MR = (
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.4.4",
)
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
ENCODINGS: Final = {
    "1.2.840.10008.1.2": Encoding(implicit=True),
    "1.2.840.10008.1.2.1": Encoding(),
    "1.2.840.10008.1.2.2": Encoding(big=True),
    DEFLATED: Encoding(),
}
"""Transfer syntaxes with native pixels; every other one is encapsulated (PS3.5 A.4)."""


@dataclass(frozen=True)
class Header:
    """One slice: a classic file, or one frame of an enhanced one.

    Plain values only, so that it pickles and serialises. The identities (`patient_id`, `study`,
    `series`, `instance`) and the free texts stay in memory or in the site's own index; nothing
    of them is printed or leaves.
    """

    path: str
    """The file on disk; never shown."""
    member: str
    """Its name inside a zip archive; empty for a plain file."""
    name: str
    """Relative to the folder the person named, POSIX; the only path that is ever shown."""
    frame: int
    """From 0; a classic file has the one."""
    frames: int
    sop_class: str
    instance: str
    patient_id: str
    study: str
    series: str
    manufacturer: str
    image_type: tuple[str, ...]
    component: str
    """MAGNITUDE, PHASE, REAL, IMAGINARY or empty (DICOM PS3.3 C.8.13.3.1)."""
    weighting: str
    """AcquisitionContrast of an enhanced file: T1, T2, DIFFUSION … or empty."""
    description: str
    """SeriesDescription, or ProtocolName where there is none; lower case, words apart by spaces."""
    pulse: str
    """SequenceName or PulseSequenceName, lower case."""
    scanning: tuple[str, ...]
    """Scanning Sequence: SE, IR, GR, EP, RM."""
    variant: tuple[str, ...]
    options: tuple[str, ...]
    volumetric: bool
    """MRAcquisitionType is 3D."""
    echo_time: float | None
    """ms"""
    repetition_time: float | None
    """ms"""
    inversion_time: float | None
    """ms"""
    flip_angle: float | None
    echo_train: float | None
    field_strength: float | None
    """T"""
    b_value: float | None
    """s/mm²"""
    direction: tuple[float, ...] | None
    """Diffusion gradient, to tell directions apart; None when not stated."""
    isotropic: bool
    """A trace-weighted image: no single direction."""
    temporal: float | None
    """TemporalPositionIdentifier or the frame's TemporalPositionIndex."""
    acquired: float | None
    """When it was acquired, s on one clock."""
    trigger: float | None
    """TriggerTime, ms."""
    contrast: bool
    injected: float | None
    """ContrastBolusStartTime, s on the same clock."""
    acquisition: float | None
    """AcquisitionNumber."""
    number: int
    """InstanceNumber, or the frame's place in the file."""
    position: tuple[float, ...] | None
    """ImagePositionPatient, mm (DICOM PS3.3 C.7.6.2.1.1)."""
    orientation: tuple[float, ...] | None
    """ImageOrientationPatient: row direction, column direction."""
    spacing: tuple[float, ...] | None
    """PixelSpacing: between rows, between columns, mm."""
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    transfer_syntax: str
    big: bool
    pixel_offset: int
    """Where the pixels begin (in the inflated data set, where it is deflated)."""
    slope: float
    intercept: float
    scale_slope: float | None
    """Philips (2005,100E)."""
    lossy: bool

    @property
    def file(self) -> Path:
        """The file on disk."""
        return Path(self.path)

    @property
    def native(self) -> bool:
        """Pixels lie in the file as they are, without compression."""
        return self.transfer_syntax in ENCODINGS

    def to_json(self) -> str:
        """Write the header as one line of JSON."""
        return json.dumps(list(vars(self).values()), separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> "Header":
        """Read what `to_json` wrote."""
        values: list[Any] = [tuple(v) if isinstance(v, list) else v for v in json.loads(line)]
        return cls(*values)


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
    # The header's record stands here, and who makes it there imports it
    from hepafed.client.dicom.encoding.frames import judge_class, slices_of

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
                raise BrokenFileError("the header does not follow DICOM's encoding") from e
            return slices_of(Place(path, member, name, size, syntax), meta, elements)
    raise BrokenFileError("the header is too large")


@dataclass(frozen=True)
class Place:
    """Where a header was read and how its data set is written."""

    path: Path
    member: str
    name: str
    size: int
    """Bytes of the file, or of its inflated data set."""
    syntax: str


def _meta(data: bytes, whole: bool) -> tuple[Elements, int]:
    """Read the file meta group; gives it and where the data set begins."""
    if data[128:132] != b"DICM":
        raise SetAsideError("not a DICOM file")
    return Walker(data, whole).meta(132)


def _data_set(
    data: bytes, start: int, whole: bool, size: int, meta: Elements
) -> tuple[Elements, str, int]:
    """Read the data set; gives it, the transfer syntax and the size."""
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
