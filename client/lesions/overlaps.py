"""Which lesions of one examination share tissue: a labelling mistake that would leak or double."""

from collections.abc import Iterator, Sequence

import numpy as np
from hepafed.client.lesions.masks import Mask
from numpy.typing import NDArray

SHARED = 0.25
"""Share of the smaller lesion inside the other from which two lesions overlap."""
MOST_TESTED = 4000
"""Points of a lesion that are tested."""

Body = tuple[NDArray[np.float64], tuple[float, ...], Mask | None]
"""Affine of the grid, box in it, and the mask where there is one."""


def overlapping(bodies: Sequence[Body]) -> Iterator[tuple[int, int]]:
    """Yield every pair of lesions that overlap, by their places in `bodies`.

    Boxes count as the ellipsoids in them: boxes of neighbouring round lesions meet at their
    corners without any shared tissue. Masks count as they are.
    """
    points = [_points(b) for b in bodies]
    for b in range(len(bodies)):
        for a in range(b):
            if max(_share(points[a], bodies[b]), _share(points[b], bodies[a])) > SHARED:
                yield a, b


def _ellipsoid(body: Body) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    box = np.array(body[1])
    return (box[:3] + box[3:]) / 2, (box[3:] - box[:3] + 1) / 2


def _points(body: Body) -> NDArray[np.float64]:
    """Return points inside a lesion, evenly spread, in mm [n, 3]."""
    affine, _, mask = body
    if mask is not None:
        return mask.points[:: max(1, len(mask.points) // MOST_TESTED)]
    middle, half = _ellipsoid(body)
    line = np.linspace(-1, 1, 15)
    grid = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = grid[(grid**2).sum(axis=1) <= 1]
    made: NDArray[np.float64] = (middle + inside * half) @ affine[:3, :3].T + affine[:3, 3]
    return made


def _share(points: NDArray[np.float64], body: Body) -> float:
    """Return the share of `points` (mm) inside a lesion."""
    affine, _, mask = body
    if mask is None:
        inverse = np.linalg.inv(affine)
        middle, half = _ellipsoid(body)
        at = (points @ inverse[:3, :3].T + inverse[:3, 3] - middle) / half
        return float(((at**2).sum(axis=1) <= 1).mean())
    inverse = np.linalg.inv(mask.steps.T)
    origin = mask.points[0]
    own = np.rint((mask.points - origin) @ inverse.T).astype(np.int64)
    other = np.rint((points - origin) @ inverse.T).astype(np.int64)
    low, span = own.min(axis=0), np.ptp(own, axis=0) + 1
    fits = ((other >= low) & (other < low + span)).all(axis=1)
    weights = np.array([span[1] * span[2], span[2], 1])
    return float(np.isin((other[fits] - low) @ weights, (own - low) @ weights).sum() / len(other))
