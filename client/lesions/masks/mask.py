"""A mask of a lesion: its voxels as points in the patient, whatever file it came from."""

from dataclasses import dataclass, field

import numpy as np
from hepafed.common.errors import DataError
from numpy.typing import NDArray

LARGEST_GRID = 1 << 29
"""Voxels of a mask file; a larger one is refused before it is read."""
MOST_POINTS = 20_000_000
"""Most voxels inside a mask."""


class MaskError(DataError):
    """A mask cannot be used; the message holds nothing of the file but the kind of problem."""


@dataclass(frozen=True)
class Mask:
    """Voxel centres inside a lesion, and what images the mask was drawn on."""

    points: NDArray[np.float64]
    """[n, 3]: LPS, mm."""
    steps: NDArray[np.float64]
    """[3, 3]: one voxel's step along each axis of the mask's own grid, mm, in rows."""
    frame: str = ""
    """FrameOfReferenceUID; empty where the format has none (NIfTI)."""
    images: frozenset[str] = field(default=frozenset())
    """SOPInstanceUIDs that the mask refers to."""
    series: frozenset[str] = field(default=frozenset())
    """SeriesInstanceUIDs that the mask refers to."""
    identity: bool = False
    """Whether its affine is NIfTI's identity: what programs write that forgot the images' own."""


def mask_of(inside: NDArray[np.bool_], affine: NDArray[np.float64], **about: object) -> Mask:
    """Return the mask of a grid; `affine` takes its index [i, j, k, 1] to LPS in mm.

    Raises
    ------
    MaskError
        Nothing is inside, or far too much.
    """
    count = int(np.count_nonzero(inside))
    if count == 0:
        raise MaskError("the mask is empty")
    if count > MOST_POINTS:
        raise MaskError("the mask is too large")
    index = np.argwhere(inside)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    return Mask(points, affine[:3, :3].T.copy(), **about)  # type: ignore[arg-type]


def box_in(mask: Mask, reference: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the mask's box in another grid: first and last voxel as x, y, z (may be fractions).

    On the mask's own grid this is exactly the first and last index inside. Between grids the
    extent of the mask's voxels counts, not only their centres.
    """
    inverse = np.linalg.inv(reference)
    at = mask.points @ inverse[:3, :3].T + inverse[:3, 3]
    half = np.abs(mask.steps @ inverse[:3, :3].T).sum(axis=0) / 2
    low, high = at.min(axis=0) - half + 0.5, at.max(axis=0) + half - 0.5
    middle = (low + high) / 2
    low, high = np.minimum(low, middle), np.maximum(high, middle)
    return tuple(float(round(v, 6)) for v in (*low, *high))
