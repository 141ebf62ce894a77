"""The mean of the updates as the gradient of an optimiser at the coordinator.

FedAvgM: Hsu, Qi and Brown, "Measuring the effects of non-identical data distribution for federated
visual classification", 2019. FedAdam and FedYogi: Reddi et al., "Adaptive federated optimization",
ICLR 2021, algorithm 2, with v₋₁ = τ² and without a correction of the bias.

BatchNorm's statistics are averaged as they are: a step beyond the mean could make a variance
negative.
"""

from collections.abc import Iterable

import numpy as np
from hepafed.common.contract import RoundsPlan, server_rate
from hepafed.common.network import Flat, Layout, parts_within, statistics_of
from hepafed.server.training.strategies.past import Past
from hepafed.server.training.weighted_mean import WeightedMean


class MomentumMean(WeightedMean):
    """FedAvgM: v = β·v + Δ, and the weights move by η·v."""

    def __init__(self, layout: Layout, rounds: RoundsPlan, past: Past) -> None:
        super().__init__(layout.size)
        self._statistics = statistics_of(layout)
        self._past, self._size = past, layout.size
        self._rate = np.float32(server_rate(rounds))
        self._momentum = np.float32(rounds.server_momentum)

    def onto(self, weights: Iterable[Flat]) -> Flat:
        """Return the weights after the step; `vectors` are then those of the next round."""
        self.vectors = {"momentum": self._kept("momentum", 0.0)}
        return super().onto(weights)

    def step(self, mean: Flat, start: int) -> None:
        """Put the optimiser's step in the place of a piece of the mean, but for the statistics."""
        parts = [
            (here, mean[here].copy()) for here in parts_within(self._statistics, start, mean.size)
        ]
        self._move(mean, slice(start, start + mean.size))
        for here, values in parts:
            mean[here] = values

    def _kept(self, name: str, first: float) -> Flat:
        found = self._past.vector(name)
        return np.full(self._size, first, np.float32) if found is None else found

    def _move(self, mean: Flat, here: slice) -> None:
        momentum = self.vectors["momentum"][here]
        momentum *= self._momentum
        momentum += mean
        np.multiply(momentum, self._rate, out=mean)


class AdaptiveMean(MomentumMean):
    """FedAdam or FedYogi: m = β₁·m + (1-β₁)·Δ, and the weights move by η·m / (√v + τ).

    FedAdam: v = β₂·v + (1-β₂)·Δ²; FedYogi: v = v - (1-β₂)·Δ²·sign(v - Δ²), which is above 0 too.
    """

    def __init__(self, layout: Layout, rounds: RoundsPlan, past: Past) -> None:
        super().__init__(layout, rounds, past)
        self._decay = np.float32(rounds.server_decay)
        self._epsilon = np.float32(rounds.server_epsilon)
        self._is_yogi = rounds.strategy == "fedyogi"

    def onto(self, weights: Iterable[Flat]) -> Flat:
        """Return the weights after the step; `vectors` are then those of the next round."""
        self._squares = self._kept("squares", float(self._epsilon) ** 2)
        made = super().onto(weights)
        self.vectors["squares"] = self._squares
        return made

    def _move(self, mean: Flat, here: slice) -> None:
        one = np.float32(1.0)
        momentum, squares = self.vectors["momentum"][here], self._squares[here]
        momentum *= self._momentum
        momentum += (one - self._momentum) * mean
        square = mean * mean
        if self._is_yogi:
            squares -= (one - self._decay) * square * np.sign(squares - square)
        else:
            squares *= self._decay
            squares += (one - self._decay) * square
        np.sqrt(squares, out=mean)
        mean += self._epsilon
        np.divide(momentum, mean, out=mean)
        mean *= self._rate
