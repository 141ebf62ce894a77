"""Examinations with a bright ball at a known place, as DICOM, and masks drawn on them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hepafed.client.dicom.volumes.volume import Volume
from hepafed.client.ingest.inspect import examinations_of, scanned
from hepafed.deploy.demo.anatomy import Grid
from hepafed.deploy.demo.dicom_writer import VENDORS, Series, Study, uid, write_series
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

OFFSET = np.array([12.0, -9.0, 40.0])
CENTRE = (20.0, -11.0, 6.0)
RADIUS = 17.0
SEQUENCES = {  # description key, echo, repetition, b-values, phase
    "t2": ("t2", 90.0, 3000.0, (None,), 0),
    "dwi": ("dwi", 60.0, 4000.0, (50, 800), 0),
    "t1-pre": ("t1-pre", 2.0, 5.0, (None,), 1),
    "portal": ("portal", 2.0, 5.0, (None,), 3),
}
TILTS = {"t2": (8.0, -11.0, 5.0), "dwi": (2.0, 3.0, 0.0), "t1-pre": (0, 0, 0), "portal": (0, 0, 0)}


@dataclass(frozen=True)
class Examination:
    folder: Path
    patient: str
    volumes: list[Volume]
    balls: list[tuple[tuple[float, float, float], float]] = field(default_factory=list)

    def volume(self, sequence: str) -> Volume:
        return next(v for v in self.volumes if v.sequence == sequence)

    def points(self, sequence: str) -> NDArray[np.float64]:
        """[slices, rows, columns, 3]: voxel centres, LPS mm."""
        v = self.volume(sequence)
        shape = (len(v.headers), v.headers[0].rows, v.headers[0].columns)
        index = np.moveaxis(np.indices(shape)[::-1], 0, -1)
        return index @ v.affine[:3, :3].T + v.affine[:3, 3]

    def inside(self, sequence: str, ball: int = 0) -> NDArray[np.bool_]:
        """[slices, rows, columns]: the ball on a sequence's grid."""
        centre, radius = self.balls[ball]
        distance = np.linalg.norm(self.points(sequence) - np.array(centre) - OFFSET, axis=-1)
        return distance <= radius

    def box(self, sequence: str, ball: int = 0) -> list[int]:
        index = np.argwhere(self.inside(sequence, ball))[:, ::-1]
        return [*index.min(axis=0).tolist(), *index.max(axis=0).tolist()]


def volumes_in(folder: Path) -> list[Volume]:
    """Read every volume of a folder as an ingest does."""
    with scanned(folder) as index:
        return [v for e in examinations_of(index, folder) for v in e.volumes]


@pytest.fixture
def examination(tmp_path: Path) -> Callable[..., Examination]:
    """Write an examination (several under one folder if called again) and read the folder."""

    def make(
        patient: str = "P1",
        study: str = "S1",
        sequences: tuple[str, ...] = ("t2", "dwi"),
        balls: tuple[tuple[tuple[float, float, float], float], ...] = ((CENTRE, RADIUS),),
        first: int = 1,
    ) -> Examination:
        folder = tmp_path / "export"
        about = Study(
            patient,
            "Doe^Jane",
            "19500101",
            "F",
            "20240102",
            36000,
            uid(study),
            uid(study, "f"),
            OFFSET,
            3.0,
        )
        for number, name in enumerate(sequences, first):
            key, echo, repetition, b_values, phase = SEQUENCES[name]
            grid = Grid.centred((12, 64, 56), (6.0, 4.0, 4.0), TILTS[name], (0.0, 0.0, 0.0))
            points = np.moveaxis(grid.points(), 0, -1)
            image = 100.0 * (np.linalg.norm(points / [100, 80, 90], axis=-1) <= 1)
            for centre, radius in balls:
                image[np.linalg.norm(points - np.array(centre), axis=-1) <= radius] = 800.0
            images = tuple((b, image.astype(np.float32)) for b in b_values)
            made = Series(
                key,
                number,
                60 * number,
                echo,
                repetition,
                90.0 if echo > 5 else 10.0,
                "SE" if name == "t2" else "EP" if name == "dwi" else "GR",
                "2D",
                6.0,
                grid,
                images,
                phase,
                contrast=phase > 1,
            )
            write_series(folder / patient / study / name, VENDORS["siemens"], about, made)
        return Examination(folder, patient, volumes_in(folder), list(balls))

    return make


def sources(volume: Volume) -> list[Dataset]:
    return [pydicom.dcmread(h.path) for h in volume.headers]


@pytest.fixture
def write_seg() -> Callable[..., Path]:
    """Write a DICOM SEG of masks [slices, rows, columns] drawn on a volume, by highdicom."""

    def write(path: Path, volume: Volume, masks: dict[str, NDArray[np.bool_]]) -> Path:
        described = [
            hd.seg.SegmentDescription(
                number,
                label,
                codes.SCT.MorphologicallyAbnormalStructure,
                codes.SCT.Tumor,
                hd.seg.SegmentAlgorithmTypeValues.MANUAL,
            )
            for number, label in enumerate(masks, 1)
        ]
        seg = hd.seg.Segmentation(
            sources(volume),
            np.stack(list(masks.values()), axis=-1).astype(np.uint8),
            hd.seg.SegmentationTypeValues.BINARY,
            described,
            hd.UID(),
            90,
            hd.UID(),
            1,
            "Maker",
            "Model",
            "1",
            "serial",
        )
        seg.save_as(path)
        return path

    return write


@pytest.fixture
def write_rtstruct() -> Callable[..., Path]:
    """Write an RTSTRUCT: per structure, (slice, contour points in mm [n, 3]) on a volume."""

    def write(
        path: Path,
        volume: Volume,
        rois: dict[str, list[tuple[int, NDArray[np.float64]]]],
        image: str = "",
    ) -> Path:
        first = sources(volume)[0]
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid("rt", str(path))
        ds.PatientID, ds.StudyInstanceUID = first.PatientID, first.StudyInstanceUID
        ds.SeriesInstanceUID, ds.Modality = uid("rt-series"), "RTSTRUCT"
        ds.StructureSetROISequence, ds.ROIContourSequence = [], []
        for number, (name, contours) in enumerate(rois.items(), 1):
            roi, drawn = Dataset(), Dataset()
            roi.ROINumber, roi.ROIName = number, name
            roi.ReferencedFrameOfReferenceUID = first.FrameOfReferenceUID
            drawn.ReferencedROINumber, drawn.ContourSequence = number, []
            for k, points in contours:
                contour, reference = Dataset(), Dataset()
                reference.ReferencedSOPClassUID = first.SOPClassUID
                reference.ReferencedSOPInstanceUID = image or volume.headers[k].instance
                contour.ContourImageSequence = [reference]
                contour.ContourGeometricType = "CLOSED_PLANAR"
                contour.NumberOfContourPoints = len(points)
                contour.ContourData = [f"{v:.6f}"[:16] for v in points.ravel()]
                drawn.ContourSequence.append(contour)
            ds.StructureSetROISequence.append(roi)
            ds.ROIContourSequence.append(drawn)
        pydicom.dcmwrite(path, ds, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def write_table() -> Callable[..., Path]:
    """Write a labels table of rows (column → value)."""

    def write(path: Path, *rows: dict[str, object]) -> Path:
        columns = list(dict.fromkeys(c for r in rows for c in r))
        lines = [",".join(columns)]
        lines += [",".join(str(r.get(c, "")) for c in columns) for r in rows]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
