"""Streaming FedAvg: each update is folded into one accumulator, in the order of the sites' names.

Server memory is O(model) whatever the number of sites (McMahan et al. 2017, the weighted mean of
eq. 1, over updates rather than weights). Folding in a fixed order makes the sum, hence a resumed
run, the same bit for bit.
"""

from pathlib import Path

import numpy as np
from hepafed.common.errors import PayloadError
from numpy.typing import NDArray

_CHUNK = 1 << 20


def _chunks(path: Path, size: int) -> "NDArray[np.uint16]":
    if path.stat().st_size != 2 * size:
        raise PayloadError(f"an update has {2 * size} bytes, this one {path.stat().st_size}")
    return np.memmap(path, dtype="<u2", mode="r")


def _widen(part: NDArray[np.uint16]) -> NDArray[np.float32]:
    return (part.astype(np.uint32) << 16).view(np.float32)


def check_update(path: Path, size: int, largest_norm: float) -> float:
    """Check a bf16 update of `size` numbers; returns its L2 norm.

    Raises
    ------
    PayloadError
        Wrong length, NaN or infinity, or a norm above `largest_norm`.
    """
    raw, total = _chunks(path, size), 0.0
    for start in range(0, size, _CHUNK):
        part = _widen(raw[start : start + _CHUNK])
        square = float(np.dot(part, part))
        if not np.isfinite(square) and not np.isfinite(part).all():
            raise PayloadError("the update holds NaN or infinity")
        total += square
    norm = float(np.sqrt(total))
    if not norm <= largest_norm:
        raise PayloadError(f"the update's norm {norm:.3g} is above the plan's {largest_norm:.3g}")
    return norm


class WeightedMean:
    """Σ nᵢ·Δᵢ / Σ nᵢ over updates of `size` numbers, one at a time."""

    def __init__(self, size: int) -> None:
        self._sum: NDArray[np.float32] = np.zeros(size, np.float32)
        self.examples = 0

    def fold(self, path: Path, examples: int) -> None:
        """Add a checked update weighted by its number of examples."""
        raw = _chunks(path, self._sum.size)
        for start in range(0, self._sum.size, _CHUNK):
            part = _widen(raw[start : start + _CHUNK])
            part *= np.float32(examples)
            self._sum[start : start + _CHUNK] += part
        self.examples += examples

    def add_to(self, weights: NDArray[np.float32]) -> None:
        """Apply the mean to `weights` in place; ValueError when nothing was folded."""
        if self.examples == 0:
            raise ValueError("no update was folded")
        scale = np.float32(1.0 / self.examples)
        for start in range(0, weights.size, _CHUNK):
            weights[start : start + _CHUNK] += self._sum[start : start + _CHUNK] * scale
