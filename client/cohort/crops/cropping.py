"""A lesion's crop: the same square of the patient from every sequence, normalised.

All sampling is in patient coordinates (LPS, mm), so sequences of other spacing or obliquity
meet at the same tissue.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from hepafed.client.cohort.records import SIDE
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

MARGIN = 1.6
"""Side of the square over the longer side of the lesion's box."""
SMALLEST_MM = 30.0
"""Smallest side of the square."""
SLICES = (0.3, 0.5, 0.7)
"""Where in the box's height slices are taken."""
PERCENTILES = (0.5, 99.5)
BODY = 0.1
"""Share of the 99th percentile above which a voxel is body."""
FEWEST_BODY = 100
"""Voxels; with fewer the whole volume counts as body."""
NORMALISATION = (
    f"v2: clipped to the {PERCENTILES[0]} and {PERCENTILES[1]} percentiles of the body (above "
    f"{BODY} of the 99th percentile), then z-scored in it; by volume"
)
"""Recorded once in the store; crops made otherwise are not mixed with it."""


@dataclass(frozen=True)
class Scale:
    """The normalisation of a volume's values: clipped, then z-scored."""

    low: float
    """Values below are clipped."""
    high: float
    """Values above are clipped."""
    mean: float
    """Mean inside the body mask after clipping."""
    spread: float
    """Standard deviation inside the body mask after clipping."""

    def applied(self, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return voxels clipped and z-scored, in their own shape."""
        made = np.clip(voxels, np.float32(self.low), np.float32(self.high))
        made -= np.float32(self.mean)
        made /= np.float32(self.spread)
        return made


@dataclass(frozen=True)
class LoadedVolume:
    """A volume of one sequence in memory, and how its values are normalised."""

    voxels: NDArray[np.float32]
    """[slices, rows, columns], as acquired."""
    affine: NDArray[np.float64]
    """[column, row, slice, 1] → LPS mm."""
    scale: Scale


def measure(voxels: NDArray[np.float32]) -> Scale:
    """Find a volume's scale: percentile clip, then mean and spread, all inside the body mask."""
    top = np.percentile(voxels, 99)
    body = voxels[voxels > BODY * top]
    if body.size < FEWEST_BODY:
        body = voxels.ravel()
    low, high = np.percentile(body, PERCENTILES)
    inside = np.clip(body, low, high)
    mean = float(inside.mean(dtype=np.float64))
    spread = float(inside.std(dtype=np.float64)) or 1.0
    return Scale(float(low), float(high), mean, spread)


def crop(
    reference: NDArray[np.float64], box: tuple[float, ...], volumes: Mapping[str, LoadedVolume]
) -> NDArray[np.float16]:
    """Sample a lesion from each sequence: float16 [sequences, slices, 160, 160].

    `reference` is the affine of the grid in which `box` (first and last voxel as x, y, z) is
    given. Outside a volume its nearest voxel counts.
    """
    square = _square(reference, box)
    return np.stack([_sample(v, square) for v in volumes.values()])


def box_in_crop(size: tuple[float, ...]) -> tuple[float, float]:
    """Return the width and the height of a lesion's box as shares of its crop's side.

    `size` is the box's extent along columns, rows and slices, mm. The box lies in the middle of
    the crop, at the same place in every sequence.
    """
    side = _side(max(size[:2]))
    return size[0] / side, size[1] / side


def _side(extent: float) -> float:
    return max(MARGIN * extent, SMALLEST_MM)


@dataclass(frozen=True)
class _Square:
    """Where a crop's pixels lie: the sum of a centre, a step down and a step across, mm."""

    centres: NDArray[np.float64]
    """[slices, 3]."""
    down: NDArray[np.float64]
    """[160, 3]."""
    across: NDArray[np.float64]
    """[160, 3]."""


def _square(reference: NDArray[np.float64], box: tuple[float, ...]) -> _Square:
    low, high = np.array(box[:3]), np.array(box[3:])
    column, row = reference[:3, 0], reference[:3, 1]
    lengths = np.linalg.norm(column), np.linalg.norm(row)
    extent = max((high[0] - low[0] + 1) * lengths[0], (high[1] - low[1] + 1) * lengths[1])
    side = _side(extent)
    offsets = (np.arange(SIDE) + 0.5) / SIDE * side - side / 2
    middle = (low + high) / 2
    heights = dict.fromkeys(round(low[2] + s * (high[2] - low[2])) for s in SLICES)
    centres = [(reference @ np.array([middle[0], middle[1], h, 1.0]))[:3] for h in heights]
    return _Square(
        np.stack(centres),
        np.multiply.outer(offsets, row / lengths[1]),
        np.multiply.outer(offsets, column / lengths[0]),
    )


def _sample(volume: LoadedVolume, square: _Square) -> NDArray[np.float16]:
    """Interpolate a normalised volume linearly at a square's pixels [slices, rows, columns].

    Only the block of voxels around them is normalised. Outside the nearest voxel counts.
    """
    inverse = np.linalg.inv(volume.affine)[::-1][1:]  # slice, row, column
    centres = square.centres @ inverse[:, :3].T + inverse[:, 3]
    down, across = square.down @ inverse[:, :3].T, square.across @ inverse[:, :3].T
    lowest = centres.min(axis=0) + down.min(axis=0) + across.min(axis=0)
    highest = centres.max(axis=0) + down.max(axis=0) + across.max(axis=0)
    last = np.array(volume.voxels.shape) - 1
    first = np.clip(np.floor(lowest), 0, last).astype(int)
    end = np.clip(np.ceil(highest), 0, last).astype(int) + 1
    block = volume.scale.applied(
        volume.voxels[first[0] : end[0], first[1] : end[1], first[2] : end[2]]
    )
    places = np.empty((3, len(centres), SIDE, SIDE))
    for axis in range(3):
        plane = np.add.outer(down[:, axis], across[:, axis])
        np.add.outer(centres[:, axis] - first[axis], plane, out=places[axis])
    sampled = map_coordinates(block, places, order=1, mode="nearest", prefilter=False)
    made: NDArray[np.float16] = sampled.astype(np.float16)
    return made
