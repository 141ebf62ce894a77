"""A lesion's crop: the same square of the patient from every sequence, normalised.

All sampling is in patient coordinates (LPS, mm), so sequences of other spacing or obliquity
meet at the same tissue.
"""

from collections.abc import Mapping

import numpy as np
from hepafed.client.cohort import SIDE
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

MARGIN = 1.6
"""Side of the square over the longer side of the lesion's box."""
SMALLEST_MM = 30.0
"""Smallest side of the square."""
SLICES = (0.3, 0.5, 0.7)
"""Where in the box's height slices are taken."""

Volume = tuple[NDArray[np.float32], NDArray[np.float64]]
"""Voxels [slices, rows, columns] and the affine [column, row, slice, 1] → mm."""


def normalise(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Clip to the 0.5–99.5 percentiles and z-score, both inside the body mask.

    The mask is what is brighter than a tenth of the 99th percentile.
    """
    body = voxels[voxels > 0.1 * np.percentile(voxels, 99)]
    if body.size < 100:
        body = voxels.ravel()
    low, high = np.percentile(body, (0.5, 99.5))
    clipped = np.clip(voxels, low, high)
    inside = np.clip(body, low, high)
    spread = float(inside.std()) or 1.0
    made: NDArray[np.float32] = ((clipped - float(inside.mean())) / spread).astype(np.float32)
    return made


def crop(
    reference: NDArray[np.float64], box: tuple[float, ...], volumes: Mapping[str, Volume]
) -> NDArray[np.float16]:
    """Sample a lesion from each sequence: float16 [sequences, slices, 160, 160].

    `reference` is the affine of the grid in which `box` (first and last voxel as x, y, z) is
    given; `volumes` are normalised already. Outside a volume its nearest voxel counts.
    """
    low, high = np.array(box[:3]), np.array(box[3:])
    column, row = reference[:3, 0], reference[:3, 1]
    lengths = np.linalg.norm(column), np.linalg.norm(row)
    extent = max((high[0] - low[0] + 1) * lengths[0], (high[1] - low[1] + 1) * lengths[1])
    side = max(MARGIN * extent, SMALLEST_MM)
    offsets = (np.arange(SIDE) + 0.5) / SIDE * side - side / 2
    across = np.multiply.outer(offsets, column / lengths[0])
    down = np.multiply.outer(offsets, row / lengths[1])
    middle = (low + high) / 2
    heights = dict.fromkeys(round(low[2] + s * (high[2] - low[2])) for s in SLICES)
    planes = []
    for height in heights:
        centre = (reference @ np.array([middle[0], middle[1], height, 1.0]))[:3]
        planes.append(centre + down[:, None, :] + across[None, :, :])
    points = np.stack(planes)
    return np.stack([_sample(v, points) for v in volumes.values()]).astype(np.float16)


def _sample(volume: Volume, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Interpolate a volume linearly at points in mm [slices, rows, columns, 3]."""
    voxels, affine = volume
    inverse = np.linalg.inv(affine)
    at = points @ inverse[:3, :3].T + inverse[:3, 3]
    places = at[..., ::-1].reshape(-1, 3).T
    sampled = map_coordinates(voxels, places, order=1, mode="nearest", prefilter=False)
    made: NDArray[np.float32] = sampled.reshape(points.shape[:-1])
    return made
