"""What every slice of a phantom series states, in a manufacturer's dialect; no file is written."""

from collections.abc import Iterator
from dataclasses import dataclass

from hepafed.deploy.demo.dialects import Dialect, Private, Settings, Stated, Weighting, family_of
from hepafed.deploy.demo.series import Series, Study, series_uid, uid

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
PLAIN = "ISO_IR 192"
"""Specific Character Set of files without Chinese text."""
NO_SETTINGS = Settings(
    scanning="", variant="", options="", kind="", echo_time=0, repetition_time=0, flip_angle=0,
    train=0,
)  # fmt: skip
NO_ANSWER = Stated()


@dataclass(frozen=True)
class SliceRecord:
    """One slice before it is a file."""

    attributes: dict[str, object]
    """By DICOM keyword; a text may hold several values apart by backslashes."""
    private: tuple[Private, ...]
    image: int
    """Which image of the series."""
    place: int
    """Which slice of the grid."""
    number: int
    """InstanceNumber."""


def slices_of(dialect: Dialect, study: Study, series: Series) -> Iterator[SliceRecord]:
    """Yield the slices of a series in the order of their instance numbers."""
    shared = _of_series(dialect, study, series)
    images = [_of_image(dialect, study, series, n) for n in range(len(series.images))]
    places = list(range(series.grid.shape[0]))
    if dialect.top_down:
        places.reverse()
    order = [(n, k) for n in range(len(images)) for k in places]
    if dialect.interleaved:
        order.sort(key=lambda pair: pair[1])
    for number, (n, k) in enumerate(order, 1):
        stated = images[n]
        placed = _of_place(dialect, study, series, n, k)
        about = {"InstanceNumber": number, "SOPInstanceUID": uid(series_uid(study, series), number)}
        yield SliceRecord(
            {**shared, **stated.attributes, **placed, **about, **series.extra},
            (*dialect.private, *stated.private),
            n,
            k,
            number,
        )


def _time(seconds: float, *, fraction: bool = False) -> str:
    whole = int(seconds)
    text = f"{whole // 3600:02d}{whole // 60 % 60:02d}{whole % 60:02d}"
    return f"{text}.{round((seconds - whole) * 1e6):06d}" if fraction else text


def _of_study(dialect: Dialect, study: Study) -> dict[str, object]:
    return {
        "SpecificCharacterSet": dialect.character_set if study.chinese else PLAIN,
        "SOPClassUID": MR_IMAGE,
        "Modality": "MR",
        "StudyDate": study.date,
        "SeriesDate": study.date,
        "AcquisitionDate": study.date,
        "ContentDate": study.date,
        "StudyTime": _time(study.start),
        "AccessionNumber": f"A{study.patient_id[-13:]}",
        "Manufacturer": dialect.manufacturer,
        "ManufacturerModelName": dialect.model,
        "InstitutionName": "Phantom Hospital",
        "ReferringPhysicianName": "",
        "StudyDescription": "MR Liver",
        "PatientName": study.patient_name,
        "PatientID": study.patient_id,
        "PatientBirthDate": study.birth_date,
        "PatientSex": study.sex,
        "BodyPartExamined": "ABDOMEN",
        "PatientPosition": "HFS",
        "MagneticFieldStrength": study.tesla,
        "StudyID": "1",
        "StudyInstanceUID": study.study_uid,
        "FrameOfReferenceUID": study.frame_uid,
        "PositionReferenceIndicator": "",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16 if dialect.signed else 12,
        "HighBit": 15 if dialect.signed else 11,
        "PixelRepresentation": int(dialect.signed),
    }


def _of_series(dialect: Dialect, study: Study, series: Series) -> dict[str, object]:
    slices, rows, columns = series.grid.shape
    between, row_mm, column_mm = series.grid.spacing
    settings = dialect.settings.get(family_of(series.name), NO_SETTINGS)
    factor, offset = dialect.numbering
    values: dict[str, object] = _of_study(dialect, study) | {
        "SeriesTime": _time(study.start + series.seconds),
        "ProtocolName": dialect.description(series.name, "", chinese=study.chinese),
        "ScanningSequence": series.scanning,
        "SequenceVariant": settings.variant,
        "ScanOptions": settings.options,
        "MRAcquisitionType": series.kind,
        "SliceThickness": round(series.thickness, 3),
        "SpacingBetweenSlices": round(between, 4),
        "RepetitionTime": series.repetition_time,
        "FlipAngle": series.flip_angle,
        "EchoNumbers": 1,
        "NumberOfAverages": 1,
        "EchoTrainLength": settings.train,
        "SeriesInstanceUID": series_uid(study, series),
        "SeriesNumber": series.number * factor + offset,
        "ImageOrientationPatient": [round(float(v), 8) for v in series.grid.axes[:2].ravel()],
        "Rows": rows,
        "Columns": columns,
        "PixelSpacing": [round(row_mm, 5), round(column_mm, 5)],
        "ImagesInAcquisition": slices * len(series.images),
    }
    if settings.pulse:
        values["SequenceName"] = settings.pulse
    if series.contrast:
        values |= {"ContrastBolusAgent": dialect.agent, "ContrastBolusRoute": "IV"}
    if dialect.slope:
        values |= {
            "RescaleSlope": dialect.slope,
            "RescaleIntercept": 0,
            "RescaleType": "normalized",
        }
    return values | dict(dialect.always)


def _of_image(dialect: Dialect, study: Study, series: Series, n: int) -> Stated:
    """Return what all slices of the `n`-th image state."""
    b_value, mark = series.images[n][0], series.mark(n)
    weighting = None
    if b_value is not None:
        weighting = Weighting(float(b_value), mark.direction, mark.number)
    phase = mark.phase or series.phase
    values: dict[str, object] = {
        "ImageType": dialect.image_type(series.name, mark.part, weighting),
        "SeriesDescription": dialect.description(series.name, mark.part, chinese=study.chinese),
        "EchoTime": series.echo_time if mark.echo_time is None else mark.echo_time,
        "AcquisitionNumber": max(phase, 1),
    }
    if phase:
        positions = len(series.images) if mark.phase else 4
        values |= {"TemporalPositionIdentifier": phase, "NumberOfTemporalPositions": positions}
    if mark.trigger is not None:
        values["TriggerTime"] = mark.trigger
    stated = NO_ANSWER if weighting is None else dialect.diffusion(weighting)
    return Stated(values | dict(stated.attributes), stated.private)


def _of_place(dialect: Dialect, study: Study, series: Series, n: int, k: int) -> dict[str, object]:
    """Return what the slice at place `k` of the `n`-th image states of its own."""
    grid = series.grid
    place = grid.origin + study.offset + k * grid.spacing[0] * grid.axes[2]
    own = dialect.slice_times and series.kind == "2D"
    seconds = study.start + series.seconds + series.mark(n).seconds
    if own:
        seconds += series.repetition_time / 1000 * k / grid.shape[0]
    when = _time(seconds, fraction=own)
    return {
        "AcquisitionTime": when,
        "ContentTime": when,
        "ImagePositionPatient": [round(float(v), 5) for v in place],
        "SliceLocation": round(float(place @ grid.axes[2]), 4),
    }
