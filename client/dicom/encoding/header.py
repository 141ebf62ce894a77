"""What HepaFed reads of a DICOM file's header: one small record for each slice it holds."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from hepafed.client.dicom.encoding.walker import Encoding

DEFLATED: Final = "1.2.840.10008.1.2.1.99"
ENCODINGS: Final = {
    "1.2.840.10008.1.2": Encoding(implicit=True),
    "1.2.840.10008.1.2.1": Encoding(),
    "1.2.840.10008.1.2.2": Encoding(big=True),
    DEFLATED: Encoding(),
}
"""Transfer syntaxes with native pixels; every other one is encapsulated (PS3.5 A.4)."""
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))


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
    series_number: float | None
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
    temporal_count: float | None
    """NumberOfTemporalPositions: how many the series holds when it is whole."""
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
        """Return the path of the file on disk."""
        return Path(self.path)

    @property
    def native(self) -> bool:
        """Return whether the pixels lie in the file as they are, without compression."""
        return self.transfer_syntax in ENCODINGS

    def to_json(self) -> str:
        """Return the header as one line of JSON, each value under its field's name."""
        return _COMPACT.encode(vars(self))

    @classmethod
    def from_json(cls, line: str) -> "Header":
        """Return the header that `to_json` wrote.

        Raises
        ------
        ValueError
            The line has other fields than this release's headers.
        """
        values: dict[str, Any] = json.loads(line)
        if values.keys() != _NAMES:
            raise ValueError("a header of another release")
        for name in _LISTS:
            if values[name] is not None:
                values[name] = tuple(values[name])
        made = cls.__new__(cls)
        vars(made).update(values)  # a frozen class sets its fields one by one, which takes longer
        return made


_NAMES: Final = frozenset(f.name for f in fields(Header))
_LISTS: Final = tuple(f.name for f in fields(Header) if str(f.type).startswith("tuple["))
"""Fields that JSON gives as lists."""
