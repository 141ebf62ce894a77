"""Write one phantom series as classic MR Image Storage files, in a vendor's manner."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hepafed.deploy.demo.anatomy import Floats, Grid
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

IMPLEMENTATION = UID("2.25.292371861720419276154380174925611830457")


def uid(*words: object) -> str:
    """Derive a UID from words: the same words give the same UID (2.25, DICOM PS3.5 B.2)."""
    digest = hashlib.sha256("\x1f".join(map(str, words)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big') | 1 << 120}"


@dataclass(frozen=True)
class Vendor:
    """What a manufacturer's files look like."""

    manufacturer: str
    model: str
    image_type: tuple[str, ...]
    signed: bool
    """Pixels stored as int16 instead of uint16."""
    slope: float
    """Rescale slope; 0: the files have none."""
    top_down: bool
    """Instance numbers run from head to foot."""
    file_name: str
    """Pattern of a file's name with the instance number."""
    descriptions: dict[str, str]
    """Series description by image name (`t2`, `dwi`, `dwi-low`, `dwi-high`, `t1-pre`, …)."""


VENDORS = {
    "siemens": Vendor(
        "SIEMENS", "MAGNETOM Phantom", ("ORIGINAL", "PRIMARY", "M", "ND"), False, 0.0, False,
        "IM{:05d}.dcm",
        {
            "t2": "t2_tse_fs_tra_p2_trig", "dwi": "ep2d_diff_b50_800_tra",
            "dwi-low": "ep2d_diff_b50_tra", "dwi-high": "ep2d_diff_b800_tra",
            "t1-pre": "t1_vibe_fs_tra_bh_pre", "arterial": "t1_vibe_fs_tra_bh_art",
            "portal": "t1_vibe_fs_tra_bh_pv", "delayed": "t1_vibe_fs_tra_bh_delay_3min",
        },
    ),
    "ge": Vendor(
        "GE MEDICAL SYSTEMS", "SIGNA Phantom", ("ORIGINAL", "PRIMARY", "OTHER"), True, 0.0, True,
        "i{:06d}.MRDCM",
        {
            "t2": "Ax T2 FRFSE FS RTr", "dwi": "Ax DWI b50 800 RTr",
            "dwi-low": "Ax DWI b50 RTr", "dwi-high": "Ax DWI b800 RTr",
            "t1-pre": "Ax LAVA Pre", "arterial": "Ax LAVA +C Arterial",
            "portal": "Ax LAVA +C Portal", "delayed": "Ax LAVA +C Delayed",
        },
    ),
    "philips": Vendor(
        "Philips Medical Systems", "Ingenia Phantom", ("ORIGINAL", "PRIMARY", "M_SE", "M", "SE"),
        False, 1.75, False, "IM_{:04d}",
        {
            "t2": "T2W_TSE_SPAIR_RT", "dwi": "DWI_2b_RT", "dwi-low": "DWI_b50_RT",
            "dwi-high": "DWI_b800_RT", "t1-pre": "e-THRIVE_BH_pre",
            "arterial": "e-THRIVE_BH_art", "portal": "e-THRIVE_BH_port",
            "delayed": "e-THRIVE_BH_late",
        },
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Study:
    """What all series of one examination share."""

    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    date: str
    """YYYYMMDD."""
    start: int
    """Seconds after midnight."""
    study_uid: str
    frame_uid: str
    offset: NDArray[np.float64]
    """Body centre in the scanner's coordinates, mm [3]."""
    tesla: float


@dataclass(frozen=True)
class Series:
    """One series: its number, timing, contrast settings and images."""

    name: str
    """Key of the vendor's descriptions."""
    number: int
    seconds: int
    """Acquisition after the study's start."""
    echo_time: float
    repetition_time: float
    flip_angle: float
    scanning: str
    """Scanning Sequence: `SE`, `EP` or `GR` (DICOM PS3.3 C.8.3.1)."""
    kind: str
    """MR Acquisition Type: `2D` or `3D`."""
    thickness: float
    grid: Grid
    images: tuple[tuple[float | None, Floats], ...]
    """(b-value or None, signal in stored-value units) one after the other."""
    phase: int = 0
    """Temporal position 1…4 of a dynamic series; 0: none."""
    contrast: bool = False
    extra: dict[str, object] = field(default_factory=dict)
    """Further attributes by keyword."""


def write_series(folder: Path, vendor: Vendor, study: Study, series: Series) -> str:
    """Write every slice under `folder` and return the SeriesInstanceUID."""
    folder.mkdir(parents=True, exist_ok=True)
    series_uid = uid(study.study_uid, series.number)
    data = _series_attributes(vendor, study, series, series_uid)
    slices = series.grid.shape[0]
    number = 0
    for b_value, image in series.images:
        _set_b_value(data, vendor, b_value)
        stored = np.clip(np.rint(image / (vendor.slope or 1.0)), 0, 4095).astype("<u2")
        order = range(slices - 1, -1, -1) if vendor.top_down else range(slices)
        for k in order:
            number += 1
            _set_slice(data, study, series, number, k)
            data.PixelData = stored[k].tobytes()
            data.SmallestImagePixelValue = int(stored[k].min())
            data.LargestImagePixelValue = int(stored[k].max())
            target = folder / vendor.file_name.format(number)
            dcmwrite(target, data, enforce_file_format=True)
    return series_uid


def _time(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}{whole // 60 % 60:02d}{whole % 60:02d}"


def _series_attributes(vendor: Vendor, study: Study, series: Series, series_uid: str) -> Dataset:
    data = Dataset()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = "HEPAFED_PHANTOM"
    data.file_meta = meta
    slices, rows, columns = series.grid.shape
    between, row_mm, column_mm = series.grid.spacing
    when = _time(study.start + series.seconds)
    values: dict[str, object] = {
        "SOPClassUID": MRImageStorage,
        "ImageType": list(vendor.image_type),
        "Modality": "MR",
        "StudyDate": study.date,
        "SeriesDate": study.date,
        "AcquisitionDate": study.date,
        "ContentDate": study.date,
        "StudyTime": _time(study.start),
        "SeriesTime": when,
        "AcquisitionTime": when,
        "ContentTime": when,
        "AccessionNumber": f"A{study.patient_id[-13:]}",
        "Manufacturer": vendor.manufacturer,
        "ManufacturerModelName": vendor.model,
        "InstitutionName": "Phantom Hospital",
        "ReferringPhysicianName": "",
        "StudyDescription": "MR Liver",
        "SeriesDescription": vendor.descriptions[series.name],
        "ProtocolName": vendor.descriptions[series.name],
        "PatientName": study.patient_name,
        "PatientID": study.patient_id,
        "PatientBirthDate": study.birth_date,
        "PatientSex": study.sex,
        "BodyPartExamined": "ABDOMEN",
        "PatientPosition": "HFS",
        "ScanningSequence": series.scanning,
        "SequenceVariant": "SK",
        "ScanOptions": "FS",
        "MRAcquisitionType": series.kind,
        "MagneticFieldStrength": study.tesla,
        "SliceThickness": round(series.thickness, 3),
        "SpacingBetweenSlices": round(between, 4),
        "RepetitionTime": series.repetition_time,
        "EchoTime": series.echo_time,
        "FlipAngle": series.flip_angle,
        "EchoNumbers": 1,
        "NumberOfAverages": 1,
        "EchoTrainLength": 1 if series.scanning == "GR" else 24,
        "StudyID": "1",
        "StudyInstanceUID": study.study_uid,
        "SeriesInstanceUID": series_uid,
        "FrameOfReferenceUID": study.frame_uid,
        "SeriesNumber": series.number,
        "AcquisitionNumber": max(series.phase, 1),
        "PositionReferenceIndicator": "",
        "ImageOrientationPatient": [round(float(v), 8) for v in series.grid.axes[:2].ravel()],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "PixelSpacing": [round(row_mm, 5), round(column_mm, 5)],
        "BitsAllocated": 16,
        "BitsStored": 16 if vendor.signed else 12,
        "HighBit": 15 if vendor.signed else 11,
        "PixelRepresentation": int(vendor.signed),
        "ImagesInAcquisition": slices * len(series.images),
    }
    if series.phase:
        values |= {"TemporalPositionIdentifier": series.phase, "NumberOfTemporalPositions": 4}
    if series.contrast:
        values |= {"ContrastBolusAgent": "Gadobutrol", "ContrastBolusRoute": "IV"}
    if vendor.slope:
        values |= {"RescaleSlope": vendor.slope, "RescaleIntercept": 0, "RescaleType": "normalized"}
    # int16 or uint16 (US or SS) follows PixelRepresentation, so that one comes first.
    data.PixelRepresentation = int(vendor.signed)
    for keyword, value in (values | series.extra).items():
        setattr(data, keyword, value)
    if vendor.slope:
        private = data.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
        private.add_new(0x0E, "FL", 0.0125)
    return data


def _set_b_value(data: Dataset, vendor: Vendor, b_value: float | None) -> None:
    """State the b-value as the standard does and as the vendor does in private."""
    if b_value is None:
        return
    data.DiffusionBValue = float(b_value)
    if vendor.manufacturer == "SIEMENS":
        block = data.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "IS", int(b_value))
    elif vendor.signed:
        block = data.private_block(0x0043, "GEMS_PARM_01", create=True)
        # GE adds a billion to mark the b-value of a multi-b series.
        block.add_new(0x39, "IS", [1_000_000_000 + int(b_value), 8, 0, 0])
    else:
        block = data.private_block(0x2001, "Philips Imaging DD 001", create=True)
        block.add_new(0x03, "FL", float(b_value))


def _set_slice(data: Dataset, study: Study, series: Series, number: int, k: int) -> None:
    grid = series.grid
    place = grid.origin + study.offset + k * grid.spacing[0] * grid.axes[2]
    data.InstanceNumber = number
    data.ImagePositionPatient = [round(float(v), 5) for v in place]
    data.SliceLocation = round(float(place @ grid.axes[2]), 4)
    data.SOPInstanceUID = uid(data.SeriesInstanceUID, number)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
