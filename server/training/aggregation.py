"""How a round's updates become new weights: one class a strategy, chosen by the plan."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from hepafed.common.contract import Plan
from hepafed.common.network import Flat, Layout
from hepafed.server.training.pace import WHOLE, LocalWork, NormalisedMean
from hepafed.server.training.weighted_mean import WeightedMean


class Aggregation(Protocol):
    """The updates of one round, taken in one by one."""

    def fold(self, path: Path, examples: int, work: LocalWork = WHOLE) -> None:
        """Take in a checked update (a bf16 file) of a site that trained on so many examples.

        `work`: the steps behind it, where the strategy counts them.

        Updates come in the order of the sites' names; the file may be deleted afterwards.
        """

    def onto(self, weights: Iterable[Flat]) -> Flat:
        """Return the new weights from the round's old ones, which come piece by piece, in order.

        It is called once, after every `fold`.
        """


AGGREGATIONS: Mapping[str, Callable[[Layout], Aggregation]] = {
    "fedavg": lambda layout: WeightedMean(layout.size),
    "fednova": NormalisedMean,
}
"""By the plan's word (`rounds.strategy`, one of the contract's `STRATEGIES`).

Each is called with the layout of the weights.
"""


def aggregation_for(plan: Plan, layout: Layout) -> Aggregation:
    """Return an empty aggregation of the plan's strategy for updates of a layout."""
    return AGGREGATIONS[plan.rounds.strategy](layout)
