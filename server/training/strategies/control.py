"""SCAFFOLD's control variates at the coordinator: Karimireddy et al., ICML 2020, option II.

A site corrects each of its steps by c - cᵢ, and then has cᵢ' = cᵢ - c + (x - yᵢ) / Σηₖ, with the
sum over the learning rates of its steps (K·η where the rate is constant). So the change of cᵢ
follows from the update yᵢ - x, the steps and the c that was sent: it is computed on both sides and
sent by none. Both take the update as it was on the wire.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from hepafed.common.network import Flat, Layout, from_bf16, pieces, statistics_of, to_bf16
from hepafed.server.training.pace import WHOLE, LocalWork
from hepafed.server.training.strategies.past import Past
from hepafed.server.training.updates import read_update
from hepafed.server.training.weighted_mean import WeightedMean

CONTROL = "control"
"""Name of the vector Σcᵢ over the sites that have given an update; c is its mean."""


class ControlledMean(WeightedMean):
    """The mean of the updates, and the sum of the sites' control variates after it.

    c is the mean over all sites that have given an update in any round, whether in this one or not.
    """

    def __init__(self, layout: Layout, rate: float, past: Past) -> None:
        """`rate`: the peak learning rate at the sites, in which their steps are counted."""
        super().__init__(layout.size)
        self._layout, self._rate, self._past = layout, rate, past
        self._moved = np.zeros(layout.size, np.float32)
        """Σ Δᵢ / Σηₖ over the updates of the round."""
        self._count = 0

    def fold(self, path: Path, examples: int, work: LocalWork = WHOLE) -> None:
        """Add a checked update, and what it says of its site's gradients."""
        super().fold(path, examples, work)
        scale, start = np.float32(1.0 / (work.steps * self._rate)), 0
        for part in read_update(path, self._moved.size):
            part *= scale
            self._moved[start : start + part.size] += part
            start += part.size
        self._count += 1

    def onto(self, weights: Iterable[Flat]) -> Flat:
        """Return the weights after the round; `vectors` then has the new sum."""
        made = super().onto(weights)
        total = self._past.vector(CONTROL)
        if total is None:
            total = np.zeros(made.size, np.float32)
        start = 0
        for sent in control_parts(self._past):
            sent_here = from_bf16(sent, Layout(("c",), ((len(sent) // 2,),)))
            total[start : start + sent_here.size] -= np.float32(self._count) * sent_here
            start += sent_here.size
        total -= self._moved
        for low, high in statistics_of(self._layout):
            total[low:high] = 0.0
        self._moved = np.empty(0, np.float32)
        self.vectors = {CONTROL: total}
        return made


def control_parts(past: Past) -> Iterator[memoryview]:
    """Yield c as sites get it (bf16), piece by piece; nothing before the first round, where c = 0.

    The bytes are those of the layout of the weights; c of BatchNorm's statistics is 0.
    """
    total = past.vector(CONTROL)
    if total is None:
        return
    for part in pieces(total):
        yield to_bf16(part / np.float32(past.sites))
