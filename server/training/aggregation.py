"""Streaming FedAvg: each update is folded into one accumulator, in the order of the sites' names.

Server memory is O(model) whatever the number of sites (McMahan et al. 2017, the weighted mean of
eq. 1, over updates rather than weights). Folding in a fixed order makes the sum, hence a resumed
run, the same bit for bit.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from hepafed.common.errors import PayloadError
from numpy.typing import NDArray

_CHUNK = 1 << 18


def _parts(path: Path, size: int) -> Iterator[NDArray[np.float32]]:
    """Read a bf16 file of `size` numbers piece by piece; mapped into memory it would count twice.

    Raises
    ------
    PayloadError
        Wrong length.
    """
    found = path.stat().st_size
    if found != 2 * size:
        raise PayloadError(f"an update has {2 * size} bytes, this one {found}")
    with path.open("rb") as f:
        for start in range(0, size, _CHUNK):
            yield _widen(np.fromfile(f, "<u2", min(_CHUNK, size - start)))


def _widen(part: NDArray[np.uint16]) -> NDArray[np.float32]:
    wide = part.astype(np.uint32)
    wide <<= np.uint32(16)
    return wide.view(np.float32)


def check_update(path: Path, size: int, largest_norm: float) -> float:
    """Check a bf16 update of `size` numbers; returns its L2 norm.

    Raises
    ------
    PayloadError
        Wrong length, NaN or infinity, or a norm above `largest_norm`.
    """
    total = 0.0
    for part in _parts(path, size):
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
        start = 0
        for part in _parts(path, self._sum.size):
            part *= np.float32(examples)
            self._sum[start : start + part.size] += part
            start += part.size
        self.examples += examples

    def onto(self, weights: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Add the mean to `weights`, which come piece by piece, in order; returns the sum.

        The sum takes the accumulator's own memory: nothing can be folded afterwards. ValueError
        when nothing was folded, or the pieces are not `size` numbers.
        """
        if self.examples == 0:
            raise ValueError("no update was folded")
        made, self._sum = self._sum, np.empty(0, np.float32)
        scale = np.float32(1.0 / self.examples)
        start = 0
        for part in weights:
            here = made[start : start + part.size]
            here *= scale
            here += part
            start += part.size
        if start != made.size:
            raise ValueError(f"{start} weights, not {made.size}")
        return made
