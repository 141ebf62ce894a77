"""Masks in RT Structure Sets (PS3.3 C.8.8.5, C.8.8.6): contours rasterised on their slices."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from hepafed.client.dicom.encoding import opened
from hepafed.client.lesions.masks.mask import Mask, MaskError, mask_of
from hepafed.common.errors import HepaFedError
from numpy.typing import NDArray
from pydicom.dataset import Dataset

MOST_POINTS = 2_000_000
"""Most contour points of one structure."""
ROUNDED = 6
"""Decimals of a pixel: what lies on a pixel's centre must not be beside it by rounding."""
OFF_PLANE = 0.5
"""Slices by which a contour may lie off the slice on which it is drawn."""


@dataclass(frozen=True)
class Grid:
    """The volume on which contours are drawn."""

    shape: tuple[int, int, int]
    """Slices, rows, columns."""
    affine: NDArray[np.float64]
    """[column, row, slice, 1] → LPS mm."""
    instances: tuple[str, ...]
    """SOPInstanceUID of each slice, in order."""


@dataclass(frozen=True)
class Structure:
    """One structure (ROI) and its closed planar contours."""

    contours: tuple[tuple[str, NDArray[np.float64]], ...]
    """(SOPInstanceUID of the image or "", points [n, 3] in LPS mm)."""
    frame: str
    """FrameOfReferenceUID."""
    images: frozenset[str]
    """SOPInstanceUIDs that the contours refer to."""
    series: frozenset[str]
    """SeriesInstanceUIDs that the object refers to."""


def read_structure(path: Path, value: int | None, name: str, member: str = "") -> Structure:
    """Return one structure: by its number, else by its name (the lesion's id), else the only one.

    Raises
    ------
    MaskError
        The object is broken or too large; the structure is not clear or has no closed contour.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings may quote values
        try:
            with opened(path, member) as (stream, _):
                return _read(pydicom.dcmread(stream), value, name)
        except HepaFedError:
            raise
        except Exception as e:  # a broken object can fail in any way inside the reader
            raise MaskError(f"the structure set cannot be read ({type(e).__name__})") from e


def _read(ds: Dataset, value: int | None, name: str) -> Structure:
    rois = {int(r.ROINumber): r for r in ds.get("StructureSetROISequence") or ()}
    number = _number(rois, value, name)
    contours: list[tuple[str, NDArray[np.float64]]] = []
    total = 0
    for roi in ds.get("ROIContourSequence") or ():
        if int(roi.ReferencedROINumber) != number:
            continue
        for contour in roi.get("ContourSequence") or ():
            if str(contour.ContourGeometricType) not in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"):
                continue
            points = np.asarray(contour.ContourData, np.float64).reshape(-1, 3)
            total += len(points)
            if total > MOST_POINTS:
                raise MaskError("the structure is too large")
            if not np.isfinite(points).all():
                raise MaskError("a contour of the structure is no polygon")
            if len(points) < 3:  # what a voxel mask leaves on its last slice holds no area
                continue
            images = contour.get("ContourImageSequence") or ()
            contours.append((str(images[0].ReferencedSOPInstanceUID) if images else "", points))
    if not contours:
        raise MaskError("the structure has no closed contour")
    frame = str(rois[number].get("ReferencedFrameOfReferenceUID", ""))
    series = _series(ds)
    return Structure(tuple(contours), frame, frozenset(i for i, _ in contours if i), series)


def _series(ds: Dataset) -> frozenset[str]:
    return frozenset(
        str(s.SeriesInstanceUID)
        for f in ds.get("ReferencedFrameOfReferenceSequence") or ()
        for t in f.get("RTReferencedStudySequence") or ()
        for s in t.get("RTReferencedSeriesSequence") or ()
    )


def _number(rois: dict[int, Dataset], value: int | None, name: str) -> int:
    if value is not None:
        if value not in rois:
            raise MaskError("the structure set has no structure of this mask_value")
        return value
    names = {n: str(r.get("ROIName", "")).strip().casefold() for n, r in rois.items()}
    named = [n for n, text in names.items() if text == name.casefold()]
    if len(named) == 1:
        return named[0]
    if len(rois) != 1:
        raise MaskError("the structure set has several structures; state one as mask_value")
    return next(iter(rois))


def rasterise(structure: Structure, grid: Grid) -> Mask:
    """Return the contours filled on their slices; a voxel is inside when its centre is.

    A centre on the contour counts as inside: programs draw contours through pixel centres.

    Contours of one slice are combined by exclusive or, so an inner contour is a hole.

    Raises
    ------
    MaskError
        A contour refers to an image that is not in the volume, lies off its slice, or nothing
        is inside.
    """
    inverse = np.linalg.inv(grid.affine)
    place = {uid: k for k, uid in enumerate(grid.instances)}
    inside = np.zeros(grid.shape, bool)
    for image, points in structure.contours:
        at = points @ inverse[:3, :3].T + inverse[:3, 3]
        if image and image not in place:
            raise MaskError("a contour refers to an image that is missing")
        k = place[image] if image else round(float(at[:, 2].mean()))
        if not 0 <= k < grid.shape[0] or np.abs(at[:, 2] - k).max() > OFF_PLANE:
            raise MaskError("a contour does not lie on its slice")
        inside[k] ^= _filled(inside[k].shape, np.round(at[:, :2], ROUNDED))
    return mask_of(
        inside.transpose(2, 1, 0),
        grid.affine,
        frame=structure.frame,
        images=structure.images,
        series=structure.series,
    )


def _filled(shape: tuple[int, ...], polygon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the pixels [rows, columns] whose centre lies in a polygon (x, y) or on its edge."""
    plane = np.zeros(shape, bool)
    rows, columns = shape
    x, y = polygon[:, 0], polygon[:, 1]
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    at = np.arange(columns, dtype=np.float64)
    for row in range(max(0, int(np.ceil(y.min()))), min(rows - 1, int(np.floor(y.max()))) + 1):
        for crosses in ((y <= row) != (y2 <= row), (y < row) != (y2 < row)):
            ya, yb = y[crosses], y2[crosses]
            cuts = np.sort(x[crosses] + (row - ya) / (yb - ya) * (x2[crosses] - x[crosses]))
            for side in ("left", "right"):
                plane[row] |= np.searchsorted(cuts, at, side=side) % 2 == 1
    return plane
