"""What HepaFed reads of a DICOM file's header: numbers and codes, in one small record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from hepafed.common.errors import DicomError
from pydicom.dataset import Dataset

GE_B_VALUE = (0x0043, 0x1039)
PRIVATE_B_VALUES = ((0x0019, 0x100C), GE_B_VALUE, (0x2001, 0x1003))


@dataclass(frozen=True)
class Header:
    """One file's header. Identities stay in memory and are never printed or stored."""

    path: Path
    sop_class: str
    instance: str
    modality: str
    manufacturer: str
    image_type: tuple[str, ...]
    patient_id: str
    study: str
    series: str
    description: str
    echo_time: float | None
    repetition_time: float | None
    inversion_time: float | None
    b_value: float | None
    temporal: float | None
    acquired: str
    contrast: bool
    number: int
    position: tuple[float, ...] | None
    """ImagePositionPatient, mm (DICOM PS3.3 C.7.6.2.1.1)."""
    orientation: tuple[float, ...] | None
    """ImageOrientationPatient: row direction, column direction."""
    spacing: tuple[float, ...] | None
    """PixelSpacing: between rows, between columns, mm."""
    rows: int
    columns: int
    samples: int
    frames: int
    has_pixels: bool
    burned_in: bool
    field_strength: float | None


def read_header(path: Path) -> Header:
    """Read a file's header without its pixels.

    Raises
    ------
    DicomError
        The file is not DICOM or is broken; the reason names no value of it.
    """
    try:
        ds = pydicom.dcmread(path, stop_before_pixels=True)
    except pydicom.errors.InvalidDicomError as e:
        raise DicomError("not a DICOM file") from e
    except Exception as e:  # a broken file can fail in any way inside the parser
        raise DicomError(f"the header cannot be read ({type(e).__name__})") from e
    try:
        return _header(path, ds)
    except Exception as e:  # values are decoded on access: any of them may be broken
        raise DicomError(f"a value of the header cannot be read ({type(e).__name__})") from e


def _header(path: Path, ds: Dataset) -> Header:
    return Header(
        path=path,
        sop_class=_text(ds, "SOPClassUID"),
        instance=_text(ds, "SOPInstanceUID"),
        modality=_text(ds, "Modality"),
        manufacturer=_text(ds, "Manufacturer"),
        image_type=tuple(str(x) for x in _many(ds.get("ImageType"))),
        patient_id=_text(ds, "PatientID"),
        study=_text(ds, "StudyInstanceUID"),
        series=_text(ds, "SeriesInstanceUID"),
        description=f"{_text(ds, 'SeriesDescription')} {_text(ds, 'ProtocolName')}".lower().replace(
            "_", " "
        ),
        echo_time=_number(ds, "EchoTime"),
        repetition_time=_number(ds, "RepetitionTime"),
        inversion_time=_number(ds, "InversionTime"),
        b_value=_b_value(ds),
        temporal=_number(ds, "TemporalPositionIdentifier"),
        acquired=_text(ds, "AcquisitionTime"),
        contrast=bool(_text(ds, "ContrastBolusAgent")),
        number=int(_number(ds, "InstanceNumber") or 0),
        position=_numbers(ds, "ImagePositionPatient", 3),
        orientation=_numbers(ds, "ImageOrientationPatient", 6),
        spacing=_numbers(ds, "PixelSpacing", 2),
        rows=int(ds.get("Rows") or 0),
        columns=int(ds.get("Columns") or 0),
        samples=int(ds.get("SamplesPerPixel") or 1),
        frames=int(_number(ds, "NumberOfFrames") or 1),
        has_pixels=bool(ds.get("Rows")) and bool(ds.get("BitsAllocated")),
        burned_in=_text(ds, "BurnedInAnnotation").upper() == "YES",
        field_strength=_number(ds, "MagneticFieldStrength"),
    )


def _text(ds: Dataset, keyword: str) -> str:
    value = ds.get(keyword)
    return "" if value is None else str(value).strip()


def _many(value: object) -> Sequence[object]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (value,)
    return value


def _number(ds: Dataset, keyword: str) -> float | None:
    values = _many(ds.get(keyword))
    return _finite(values[0]) if values else None


def _finite(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _numbers(ds: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    found = [_finite(v) for v in _many(ds.get(keyword))]
    kept = [v for v in found if v is not None]
    return tuple(kept) if len(found) == len(kept) == count else None


def _b_value(ds: Dataset) -> float | None:
    """Read the b-value: the standard's attribute, or the vendor's private one.

    DICOM PS3.3 C.8.13.5.9; Siemens (0019,100C), GE (0043,1039), Philips (2001,1003).
    """
    standard = _number(ds, "DiffusionBValue")
    if standard is not None:
        return standard
    for tag in PRIVATE_B_VALUES:
        if tag not in ds:
            continue
        value: object = ds[tag].value
        if isinstance(value, bytes):
            value = value.split(b"\\")[0].decode("ascii", "ignore")
        values = _many(value)
        number = _finite(values[0]) if values else None
        if number is not None:
            # GE hides the b-value behind a large offset in its "slop" integer
            return number % 100_000 if tag == GE_B_VALUE else number
    return None
