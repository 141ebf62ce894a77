"""The contrast of a lesion to the ring of tissue round it, from its crop."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from hepafed.client.cohort.crops.cropping import MARGIN, SMALLEST_MM
from hepafed.client.cohort.records import SIDE
from numpy.typing import NDArray

Planes = NDArray[np.float16]
"""A lesion's crop in one sequence: [slices, 160, 160]."""

Indices = NDArray[np.intp]

INSIDE = (0.45, 0.85)
"""Part of the lesion compared with the ring, in radii of its box: its edge is left out."""
RING = (1.15, 1.55)
"""The ring, in radii of the lesion's box."""
SECTORS = 8
"""Directions in which lesion and ring are compared; most of them count."""
FAINTEST = 0.02
"""Least spread of a ring, in spreads of the body: a picture without noise has none."""
MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def zones(size: Sequence[float]) -> NDArray[np.float32]:
    """Return each crop pixel's distance from the centre in radii of the lesion's box [160, 160].

    `size` are the box's millimetres along columns and rows.
    """
    side = max(MARGIN * max(size[:2]), SMALLEST_MM)
    from_middle = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE * side - side / 2
    across, down = from_middle / (size[0] / 2), from_middle / (size[1] / 2)
    return np.hypot(down[:, None], across[None, :]).astype(np.float32)


def contrast(planes: Planes, size: Sequence[float]) -> float | None:
    """Return lesion minus ring in standard deviations of the ring.

    The median over eight directions: a vessel or another organ in one of them does not make a
    lesion of nothing, nor hide one. None: the box is too thin.
    """
    values = planes.reshape(len(planes), -1).astype(np.float32)
    steps, apart = [], []
    for within, around in _sectors(*size[:2]):
        if not within.size or not around.size:
            return None
        near = values[:, around]
        level = _median(near)
        steps.append(_median(values[:, within]) - level)
        apart.append(np.abs(near - level).ravel())
    noise = MAD * _median(np.concatenate(apart))
    return round(float(np.median(steps)) / max(noise, FAINTEST), 2)


def _median(values: NDArray[np.float32]) -> float:
    """Return the median of finite values; numpy's own takes longer to begin than to find it."""
    middle = values.size // 2
    first = middle - 1 + values.size % 2
    parted = np.partition(values, (first, middle), axis=None)
    return float(parted[first] + parted[middle]) / 2


@lru_cache(maxsize=16)
def _sectors(width: float, height: float) -> list[tuple[Indices, Indices]]:
    """Return the pixels of lesion and ring in each direction, counted along the rows."""
    radius = zones((width, height)).ravel()
    middle = np.arange(SIDE) - (SIDE - 1) / 2
    turn = np.arctan2(middle[:, None], middle[None, :]).ravel() / (2 * np.pi) + 0.5
    sector = np.minimum((turn * SECTORS).astype(np.int64), SECTORS - 1)
    inside = (radius >= INSIDE[0]) & (radius < INSIDE[1])
    ring = (radius >= RING[0]) & (radius < RING[1])
    directions = [sector == s for s in range(SECTORS)]
    return [(np.flatnonzero(inside & d), np.flatnonzero(ring & d)) for d in directions]


def adc_with_dwi(planes: Mapping[str, Planes], size: Sequence[float]) -> float | None:
    """Return the correlation of ADC with DWI over lesion and ring; None without both."""
    if not {"adc", "dwi"} <= planes.keys():
        return None
    near = zones(size) < RING[1]
    adc, dwi = (planes[s][:, near].astype(np.float64).ravel() for s in ("adc", "dwi"))
    if np.ptp(adc) == 0 or np.ptp(dwi) == 0:
        return None
    return round(float(np.corrcoef(adc, dwi)[0, 1]), 3)
