"""Geometry of a stack of slices from ImagePositionPatient and ImageOrientationPatient."""

from collections.abc import Sequence

import numpy as np
from hepafed.client.dicom.header import Header
from hepafed.common.errors import DicomError
from numpy.typing import NDArray

SPACING_TOLERANCE = 0.02
"""Share of the spacing by which one gap may differ from the median."""


def normal_of(orientation: Sequence[float]) -> NDArray[np.float64]:
    """Give the slice normal, row direction × column direction.

    Raises
    ------
    DicomError
        The directions are not two perpendicular unit vectors (DICOM PS3.3 C.7.6.2.1.1).
    """
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < 0.99 or max(lengths) > 1.01 or abs(row @ column) > 0.01:
        raise DicomError("the image orientation is not two perpendicular directions")
    return np.asarray(np.cross(row, column))


def stack(headers: Sequence[Header]) -> tuple[list[Header], NDArray[np.float64], tuple[float, ...]]:
    """Order slices along their normal; gives them, the affine and the spacing.

    The affine takes voxel [column, row, slice, 1] to patient LPS in mm; spacing is between
    slices, rows, columns.

    Raises
    ------
    DicomError
        Two slices at one place, a slice missing, irregular spacing, or a sheared stack.
    """
    first = headers[0]
    if first.orientation is None or first.position is None or first.spacing is None:
        raise DicomError("position, orientation or pixel spacing is missing")
    if min(first.spacing) <= 0:
        raise DicomError("the pixel spacing is not positive")
    normal = normal_of(first.orientation)
    places = [float(np.dot(normal, h.position or (0, 0, 0))) for h in headers]
    order = np.argsort(places, kind="stable")
    ordered = [headers[i] for i in order]
    between, step = _step([places[i] for i in order], ordered, normal)
    row, column = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    affine = np.eye(4)
    affine[:3, 0] = row * first.spacing[1]
    affine[:3, 1] = column * first.spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = ordered[0].position
    return ordered, affine, (between, first.spacing[0], first.spacing[1])


def _step(
    places: list[float], ordered: list[Header], normal: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    if len(places) == 1:
        return 0.0, normal
    gaps = np.diff(places)
    middle = float(np.median(gaps))
    if middle < 1e-3 or gaps.min() < 1e-3:
        raise DicomError("two slices lie at the same place")
    if gaps.max() > middle * 1.5:
        raise DicomError("a slice is missing")
    if np.abs(gaps - middle).max() > max(SPACING_TOLERANCE * middle, 1e-2):
        raise DicomError("the slices are not evenly spaced")
    step = (np.array(ordered[-1].position) - np.array(ordered[0].position)) / (len(places) - 1)
    if np.linalg.norm(step - normal * (step @ normal)) > 0.02 * middle + 1e-2:
        raise DicomError("the stack is sheared: slices do not follow their normal")
    return float(np.linalg.norm(step)), step
