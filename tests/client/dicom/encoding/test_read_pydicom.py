"""Each value that we read of a real file is the one that pydicom reads of it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hepafed.client.dicom.encoding import Header, read_headers
from hepafed.client.dicom.encoding.image import plain_words
from hepafed.common.errors import DicomError
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

DATA = Path(__file__).parents[5] / "shared" / "data"
SEQUENCES = (
    "MRImageFrameTypeSequence", "MREchoSequence", "MRTimingAndRelatedParametersSequence",
    "MRModifierSequence", "FrameContentSequence", "PlanePositionSequence",
    "PlaneOrientationSequence", "PixelMeasuresSequence", "PixelValueTransformationSequence",
    "MRDiffusionSequence",
)  # fmt: skip
FILES = (
    sorted(p for part in ("dicom", "cases") for p in (DATA / part).rglob("*") if p.is_file())
    if DATA.is_dir()
    else []
)


def levels(ds: Dataset, frame: int, enhanced: bool) -> list[Dataset]:
    """Give where an attribute may stand, the frame's own groups first."""
    found: list[Dataset] = []
    if enhanced:
        groups = [ds.PerFrameFunctionalGroupsSequence[frame]]
        groups += list(ds.get("SharedFunctionalGroupsSequence", []))[:1]
        found = [g[s][0] for g in groups for s in SEQUENCES if g.get(s)]
    return [*found, ds]


def first(places: list[Dataset], *keywords: str) -> Any:  # noqa: ANN401
    """Give the first of the attributes that is there and not empty."""
    for keyword in keywords:
        for place in places:
            value = place.get(keyword)
            if value not in (None, "") and not isinstance(value, Sequence):
                return value
    return None


def number(value: Any) -> float | None:  # noqa: ANN401
    if value is None:
        return None
    return float(value[0] if isinstance(value, pydicom.multival.MultiValue | list) else value)


def numbers(value: Any) -> tuple[float, ...] | None:  # noqa: ANN401
    return None if value is None else tuple(float(v) for v in value)


def texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    if value is None:
        return ()
    several = isinstance(value, pydicom.multival.MultiValue | list)
    return tuple(str(v).strip() for v in value) if several else (str(value).strip(),)


def text(value: Any) -> str:  # noqa: ANN401
    return "" if value is None else str(value).strip()


Look = Callable[[list[Dataset]], Any]
READ: dict[str, Look] = {
    "sop_class": lambda p: text(first(p[-1:], "SOPClassUID")),
    "instance": lambda p: text(first(p[-1:], "SOPInstanceUID")),
    "study": lambda p: text(first(p[-1:], "StudyInstanceUID")),
    "series": lambda p: text(first(p[-1:], "SeriesInstanceUID")),
    "series_number": lambda p: number(first(p[-1:], "SeriesNumber")),
    "manufacturer": lambda p: text(first(p[-1:], "Manufacturer")).upper(),
    "image_type": lambda p: texts(first(p, "FrameType", "ImageType")),
    "echo_time": lambda p: number(first(p, "EffectiveEchoTime", "EchoTime")),
    "repetition_time": lambda p: number(first(p, "RepetitionTime")),
    "flip_angle": lambda p: number(first(p, "FlipAngle")),
    "field_strength": lambda p: number(first(p[-1:], "MagneticFieldStrength")),
    "temporal": lambda p: number(first(p, "TemporalPositionIndex", "TemporalPositionIdentifier")),
    "temporal_count": lambda p: number(first(p[-1:], "NumberOfTemporalPositions")),
    "trigger": lambda p: number(first(p, "TriggerTime")),
    "acquisition": lambda p: number(first(p[-1:], "AcquisitionNumber")),
    "position": lambda p: numbers(first(p, "ImagePositionPatient")),
    "orientation": lambda p: numbers(first(p, "ImageOrientationPatient")),
    "spacing": lambda p: numbers(first(p, "PixelSpacing")),
    "rows": lambda p: int(p[-1].Rows),
    "columns": lambda p: int(p[-1].Columns),
    "bits_allocated": lambda p: int(p[-1].BitsAllocated),
    "bits_stored": lambda p: int(p[-1].BitsStored),
    "high_bit": lambda p: int(p[-1].HighBit),
    "signed": lambda p: p[-1].PixelRepresentation == 1,
}
"""Field of a header → how pydicom reads it."""


def theirs(path: Path) -> Dataset | None:
    """Read a file with pydicom; None where it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(path, stop_before_pixels=True, force=True)
        except Exception:  # a broken file may fail anywhere in it
            return None


def differences(header: Header, ds: Dataset) -> dict[str, tuple[object, object]]:
    """Give each field of which both readers say something else."""
    enhanced = "PerFrameFunctionalGroupsSequence" in ds
    places = levels(ds, header.frame, enhanced)
    found: dict[str, tuple[object, object]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for field, look in READ.items():
            mine, other = getattr(header, field), look(places)
            if mine != other and not (isinstance(mine, float) and mine == pytest.approx(other)):
                found[field] = (mine, other)
    described = text(first(places[-1:], "SeriesDescription"))
    if described.isascii() and described and header.description != plain_words(described):
        found["description"] = (header.description, described)
    return found


@pytest.mark.skipif(not FILES, reason="the third-party files (../shared) are absent")
def test_every_value_of_a_real_file_is_the_one_that_pydicom_reads() -> None:
    compared, wrong = 0, {}
    for path in FILES:
        try:
            headers = read_headers(path, path.name)
        except DicomError:
            continue
        ds = theirs(path)
        if ds is None:
            continue
        compared += 1
        for header in (headers[0], headers[-1]):
            if found := differences(header, ds):
                wrong[f"{path.relative_to(DATA)} {header.frame}"] = found
    assert wrong == {}
    assert compared > 300
