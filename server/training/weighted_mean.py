"""Streaming FedAvg: each update is folded into one accumulator, in the order of the sites' names.

Server memory is O(model) whatever the number of sites (McMahan et al. 2017, the weighted mean of
eq. 1, over updates rather than weights). Folding in a fixed order makes the sum, hence a resumed
run, the same bit for bit.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from hepafed.common.network import Flat
from hepafed.server.training.pace import WHOLE, LocalWork
from hepafed.server.training.updates import add_weights, read_update
from numpy.typing import NDArray


class WeightedMean:
    """Σ nᵢ·Δᵢ / Σ nᵢ over updates of `size` numbers, one at a time."""

    chosen: int | None = None
    keeps_files = False

    def __init__(self, size: int) -> None:
        self._sum: NDArray[np.float32] = np.zeros(size, np.float32)
        self.examples = 0
        self.vectors: dict[str, Flat] = {}

    def fold(self, path: Path, examples: int, work: LocalWork = WHOLE) -> None:
        """Add a checked update weighted by its number of examples; its steps do not count."""
        start = 0
        for part in read_update(path, self._sum.size):
            part *= np.float32(examples)
            self._sum[start : start + part.size] += part
            start += part.size
        self.examples += examples

    def step(self, mean: Flat, start: int) -> None:
        """Make of a piece of the mean, that begins at `start`, what is added to the weights.

        The mean itself is; a strategy that does otherwise changes it in place.
        """

    def onto(self, weights: Iterable[Flat]) -> Flat:
        """Add the mean to `weights`, which come piece by piece, in order; return the sum.

        The sum takes the accumulator's own memory: nothing can be folded afterwards.

        Raises
        ------
        ValueError
            Nothing was folded, or the pieces are not `size` numbers.
        """
        if self.examples == 0:
            raise ValueError("no update was folded")
        made, self._sum = self._sum, np.empty(0, np.float32)
        scale = np.float32(1.0 / self.examples)

        def scaled(here: Flat, start: int) -> None:
            here *= scale
            self.step(here, start)

        return add_weights(made, weights, scaled)
