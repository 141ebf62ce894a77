"""FedNova: updates of unequal numbers of steps, each divided by its steps before the mean.

Wang et al. 2020 (NeurIPS): x + τ·Σ pᵢ·Δᵢ/τᵢ, with τ = Σ pᵢ·τᵢ. The plain mean of such updates is
drawn to the sites that took more steps. Where all took as many, both are the same bit for bit.

The statistics of BatchNorm are no sum over steps: they are averaged as they are. An extrapolated
variance could be negative.
"""

from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from hepafed.common.network import Flat, Layout, statistics_of
from hepafed.server.training.pace.local_work import WHOLE, LocalWork
from hepafed.server.training.updates import add_weights, read_update
from numpy.typing import NDArray


class NormalisedMean:
    """Σ pᵢ·τᵢ times Σ pᵢ·Δᵢ/τᵢ over updates, one at a time, in one vector of `layout.size`."""

    def __init__(self, layout: Layout) -> None:
        self._sum: NDArray[np.float32] = np.zeros(layout.size, np.float32)
        self._ranges = statistics_of(layout)
        self._first = 0.0
        """Steps of the first update; those of the others are divided by them."""
        self._steps = 0.0
        """Σ nᵢ·τᵢ over the first update's steps."""
        self.examples = 0

    def fold(self, path: Path, examples: int, work: LocalWork = WHOLE) -> None:
        """Add a checked update weighted by its number of examples over its steps."""
        self._first = self._first or work.steps
        share = np.float32(examples * (self._first / work.steps))
        start = 0
        for part in read_update(path, self._sum.size):
            self._scale(part, start, share, np.float32(examples))
            self._sum[start : start + part.size] += part
            start += part.size
        self.examples += examples
        self._steps += examples * (work.counted / self._first)

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
        plain = np.float32(1.0 / self.examples)
        scale = np.float32(self._steps / self.examples / self.examples)
        return add_weights(
            made, weights, lambda here, start: self._scale(here, start, scale, plain)
        )

    def _scale(self, part: Flat, start: int, by: np.float32, plain: np.float32) -> None:
        """Multiply a piece of the vector that begins at `start`, its statistics by `plain`."""
        kept = []
        first = bisect_right(self._ranges, start, key=lambda r: r[1])
        for low, high in self._ranges[first:]:
            if low >= start + part.size:
                break
            here = slice(max(low - start, 0), high - start)
            kept.append((here, part[here] * plain))
        part *= by
        for here, values in kept:
            part[here] = values
