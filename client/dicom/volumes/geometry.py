"""Geometry of a stack of slices from ImagePositionPatient and ImageOrientationPatient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hepafed.client.dicom.encoding import Header
from hepafed.common.errors import DicomError
from numpy.typing import NDArray

SPACING_TOLERANCE = 0.02
"""Share of the spacing by which a slice may lie off its place in an even stack."""
ROUNDED_TO = 0.1
"""mm to which positions may have been rounded; none lies farther off than that."""
SAME_PLACE = 1e-2
"""mm along the normal within which two slices lie at one place."""
ORIENTATION_TOLERANCE = 2e-3
"""Difference of a direction cosine within which two slices are parallel (about 0.1°)."""
SPACING_OF_PIXELS = 1e-3
"""Share by which the pixel spacing may differ within a stack."""
FARTHEST = 1e5
"""mm from the isocentre; no scanner is larger than a hundred metres."""


@dataclass(frozen=True)
class Stack:
    """Slices in order along their normal, and where they lie."""

    headers: tuple[Header, ...]
    affine: NDArray[np.float64]
    """4×4: voxel [column, row, slice, 1] → patient LPS, mm."""
    spacing: tuple[float, float, float]
    """Between slices, rows, columns, mm."""


def normal_of(orientation: Sequence[float]) -> NDArray[np.float64]:
    """Return the slice normal, row direction × column direction.

    Raises
    ------
    DicomError
        The directions are not two perpendicular unit vectors (DICOM PS3.3 C.7.6.2.1.1).
    """
    if max(map(abs, orientation)) > 1.01:
        raise DicomError("the image orientation is not two perpendicular directions")
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < 0.99 or max(lengths) > 1.01 or abs(row @ column) > 0.01:
        raise DicomError("the image orientation is not two perpendicular directions")
    return np.asarray(np.cross(row, column))


def check(headers: Sequence[Header]) -> None:
    """Check that slices can be one stack: complete geometry, one matrix, one direction.

    Raises
    ------
    DicomError
        Something is missing, impossible, or differs among them.
    """
    first = headers[0]
    for h in headers:
        if h.orientation is None or h.position is None or h.spacing is None:
            raise DicomError("position, orientation or pixel spacing is missing")
        if not all(1e-3 < s < 1e3 for s in h.spacing):
            raise DicomError("the pixel spacing is impossible")
        if max(map(abs, h.position)) > FARTHEST:
            raise DicomError("a slice lies impossibly far away")
        if (h.rows, h.columns) != (first.rows, first.columns):
            raise DicomError("the image matrix differs within one series")
        if _apart(h.spacing, first.spacing) > SPACING_OF_PIXELS * min(h.spacing):
            raise DicomError("the pixel spacing differs within one series")
        if _apart(h.orientation, first.orientation) > ORIENTATION_TOLERANCE:
            raise DicomError("slices of several directions in one series")


def _apart(these: Sequence[float], those: Sequence[float] | None) -> float:
    """Return the largest difference; plain Python, because there are six numbers a slice."""
    if these == those:
        return 0.0
    return max(abs(a - b) for a, b in zip(these, those or (), strict=True))


def places_of(headers: Sequence[Header]) -> list[float]:
    """Return where each slice lies along the common normal, mm; `check` has passed."""
    x, y, z = normal_of(headers[0].orientation or ()).tolist()
    positions = (h.position or (0.0, 0.0, 0.0) for h in headers)
    return [x * p[0] + y * p[1] + z * p[2] for p in positions]


def stack(headers: Sequence[Header]) -> Stack:
    """Order slices along their normal.

    Raises
    ------
    DicomError
        What `check` raises; or two slices at one place, a slice missing, irregular spacing, or
        a sheared stack.
    """
    check(headers)
    places = places_of(headers)
    ordered = [headers[i] for i in np.argsort(places, kind="stable")]
    first = ordered[0]
    orientation, spacing = first.orientation, first.spacing
    if orientation is None or spacing is None:  # `check` has seen to it
        raise DicomError("position, orientation or pixel spacing is missing")
    between, step = _step(sorted(places), ordered, normal_of(orientation))
    affine = np.eye(4)
    affine[:3, 0] = np.array(orientation[:3]) * spacing[1]
    affine[:3, 1] = np.array(orientation[3:]) * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = first.position
    return Stack(tuple(ordered), affine, (between, spacing[0], spacing[1]))


def _step(
    places: list[float], ordered: list[Header], normal: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the mean gap along the normal and the mean step from slice to slice."""
    if len(places) == 1:
        return 0.0, normal
    gaps = np.diff(places)
    middle = float(np.median(gaps))
    if gaps.min() < SAME_PLACE:
        raise DicomError("two slices lie at the same place")
    if gaps.max() > middle * 1.5:
        raise DicomError("a slice is missing")
    even = np.linspace(places[0], places[-1], len(places))
    if np.abs(even - places).max() > max(SPACING_TOLERANCE * middle, ROUNDED_TO):
        raise DicomError("the slices are not evenly spaced")
    positions = np.array([h.position for h in ordered])
    step = (positions[-1] - positions[0]) / (len(places) - 1)
    straight = positions[0] + np.arange(len(places))[:, None] * step
    sideways = positions - straight
    if np.linalg.norm(step - normal * (step @ normal)) > 0.02 * middle + 1e-2:
        raise DicomError("the stack is sheared: slices do not follow their normal")
    if np.linalg.norm(sideways, axis=1).max() > SPACING_TOLERANCE * middle + ROUNDED_TO:
        raise DicomError("slices are shifted sideways against each other")
    return float(np.linalg.norm(step)), step
