"""Builds numbered DICOM files for tests: the same series as classic files and as one enhanced."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.read import read_headers
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
)

ROOT = "2.25.7700"
CONVERTED = {
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "RepetitionTime": ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "TemporalPositionIdentifier": ("FrameContentSequence", "TemporalPositionIndex"),
}
"""Classic attribute → functional group and attribute of the enhanced file."""


@dataclass(frozen=True)
class Stack:
    """One stack of a series: voxels [slices, rows, columns], where they lie, its attributes."""

    voxels: np.ndarray[Any, Any]
    affine: np.ndarray[Any, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    private: tuple[tuple[int, str, int, str, Any], ...] = ()
    """(group, creator, low byte, representation, value)."""
    number: int = 1
    """Series number, and its identifier."""
    study: int = 1
    patient: str = "P1"
    first: int = 1
    """Number of its first instance."""

    def with_attributes(self, **changed: object) -> "Stack":
        """Give the stack with some attributes changed."""
        return replace(self, attributes=self.attributes | changed)


T2 = {"ScanningSequence": "SE", "EchoTime": 90.0, "RepetitionTime": 4000.0}
T1 = {
    "ScanningSequence": "GR",
    "EchoTime": 1.3,
    "RepetitionTime": 4.0,
    "FlipAngle": 10.0,
    "MRAcquisitionType": "3D",
}
DWI = {"ScanningSequence": ["SE", "EP"], "EchoTime": 60.0, "RepetitionTime": 6000.0}


def axial(slices: int = 4, rows: int = 6, columns: int = 5, gap: float = 3.0) -> Stack:
    """Give an axial T2 stack whose voxels are all different."""
    voxels = np.arange(slices * rows * columns, dtype=np.uint16).reshape(slices, rows, columns)
    affine = np.diag([1.5, 1.25, gap, 1.0])
    affine[:3, 3] = (-100.0, -80.0, 20.0)
    return Stack(voxels, affine, dict(T2))


def classic(stack: Stack) -> list[Dataset]:
    """Give one data set a slice, numbered in slice order."""
    made = []
    for k, plane in enumerate(stack.voxels):
        ds = _common(stack, MRImageStorage, f"{stack.first + k}")
        ds.InstanceNumber = stack.first + k
        _pixels(ds, plane)
        _place(ds, ds, ds, stack, k)
        for keyword, value in stack.attributes.items():
            setattr(ds, keyword, value)
        for group, creator, low, vr, value in stack.private:
            ds.private_block(group, creator, create=True).add_new(low, vr, value)
        made.append(ds)
    return made


def enhanced(stacks: Sequence[Stack]) -> Dataset:
    """Give one multi-frame data set that holds every slice of the stacks."""
    first = stacks[0]
    ds = _common(first, EnhancedMRImageStorage, "1")
    ds.NumberOfFrames = sum(len(s.voxels) for s in stacks)
    _pixels(ds, np.concatenate([s.voxels for s in stacks]))
    ds.Rows, ds.Columns = first.voxels.shape[1:]
    ds.SharedFunctionalGroupsSequence = Items([Dataset()])
    frames = []
    for stack in stacks:
        for k in range(len(stack.voxels)):
            frame, position, orientation, measures = (Dataset() for _ in range(4))
            _place(position, orientation, measures, stack, k)
            frame.PlanePositionSequence = Items([position])
            frame.PlaneOrientationSequence = Items([orientation])
            frame.PixelMeasuresSequence = Items([measures])
            _functional(frame, ds, stack)
            frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    return ds


def _functional(frame: Dataset, ds: Dataset, stack: Stack) -> None:
    groups: dict[str, Dataset] = {}
    for keyword, value in stack.attributes.items():
        if keyword == "ScanningSequence":
            words = {value} if isinstance(value, str) else set(value)
            ds.EchoPulseSequence = "SPIN" if "SE" in words else "GRADIENT"
            ds.EchoPlanarPulseSequence = "YES" if "EP" in words else "NO"
        elif keyword == "DiffusionBValue":
            groups.setdefault("MRDiffusionSequence", Dataset()).DiffusionBValue = value
        elif keyword == "DiffusionGradientOrientation":
            inner = Dataset()
            inner.DiffusionGradientOrientation = value
            diffusion = groups.setdefault("MRDiffusionSequence", Dataset())
            diffusion.DiffusionGradientDirectionSequence = Items([inner])
            diffusion.DiffusionDirectionality = "DIRECTIONAL"
        elif keyword in ("RescaleSlope", "RescaleIntercept"):
            setattr(
                groups.setdefault("PixelValueTransformationSequence", Dataset()), keyword, value
            )
        elif keyword in CONVERTED:
            sequence, name = CONVERTED[keyword]
            setattr(groups.setdefault(sequence, Dataset()), name, value)
        else:
            setattr(ds, keyword, value)
    for name, group in groups.items():
        setattr(frame, name, Items([group]))


def _common(stack: Stack, sop_class: UID, end: str) -> Dataset:
    ds, meta = Dataset(), FileMetaDataset()
    ds.SOPClassUID = meta.MediaStorageSOPClassUID = sop_class
    ds.SOPInstanceUID = f"{ROOT}.{stack.study}.{stack.number}.{end}"
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.StudyInstanceUID = f"{ROOT}.{stack.study}"
    ds.SeriesInstanceUID = f"{ROOT}.{stack.study}.{stack.number}"
    ds.SeriesNumber = stack.number
    ds.PatientID, ds.PatientName, ds.Modality = stack.patient, "Builder^Test", "MR"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta = meta
    return ds


def _pixels(ds: Dataset, voxels: np.ndarray[Any, Any]) -> None:
    bits = voxels.dtype.itemsize * 8
    ds.Rows, ds.Columns = voxels.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = bits
    ds.HighBit = bits - 1
    ds.PixelRepresentation = int(voxels.dtype.kind == "i")
    ds.PixelData = voxels.astype(voxels.dtype.newbyteorder("<")).tobytes()
    ds["PixelData"].VR = "OW"


def _place(
    position: Dataset, orientation: Dataset, measures: Dataset, stack: Stack, k: int
) -> None:
    column, row, step, origin = (stack.affine[:3, i] for i in range(4))
    across, down = np.linalg.norm(column), np.linalg.norm(row)
    position.ImagePositionPatient = _texts(origin + k * step)
    orientation.ImageOrientationPatient = _texts([*(column / across), *(row / down)])
    measures.PixelSpacing = _texts([down, across])


def _texts(values: Iterable[float]) -> list[str]:
    """Write decimal strings of at most 16 characters (DICOM PS3.5 6.2)."""
    return [f"{v:.10g}"[:16] if len(f"{v:.10g}") <= 16 else f"{v:.8f}"[:16] for v in values]


def encoded(ds: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """Write a data set as a DICOM file in one of the native transfer syntaxes."""
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian and ds.BitsAllocated == 16:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    out = io.BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


NATIVE = (
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)  # fmt: skip


def save(folder: Path, data_sets: Sequence[Dataset], syntax: UID = ExplicitVRLittleEndian) -> None:
    """Write files `SERIES-INSTANCE.dcm`."""
    folder.mkdir(parents=True, exist_ok=True)
    for ds in data_sets:
        number, end = ds.SOPInstanceUID.split(".")[-2:]
        (folder / f"{number}-{int(end):04d}.dcm").write_bytes(encoded(ds, syntax))


def headers(folder: Path) -> list[Header]:
    """Read the headers of every file of a folder."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return [h for p in paths for h in read_headers(p, p.relative_to(folder).as_posix())]
