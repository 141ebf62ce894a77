"""How a round's updates become new weights: one class a strategy, chosen by the plan."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from hepafed.common.contract import Plan
from hepafed.common.network import Flat, Layout
from hepafed.server.training.pace import WHOLE, LocalWork, NormalisedMean
from hepafed.server.training.strategies import (
    AdaptiveMean,
    BlockwiseRule,
    ControlledMean,
    Krum,
    MomentumMean,
    Past,
    median,
    trimmed_mean,
)
from hepafed.server.training.weighted_mean import WeightedMean


class Aggregation(Protocol):
    """The updates of one round, taken in one by one; what a strategy keeps goes with them."""

    keeps_files: bool
    """Whether the files of the updates are needed until `onto`, which then deletes them."""
    chosen: int | None
    """Which update alone became the weights, by its turn in `fold` from 0 on; None: all count."""
    vectors: dict[str, Flat]
    """After `onto`: what the next round needs of this one, by name, each as long as the weights."""

    def fold(self, path: Path, examples: int, work: LocalWork = WHOLE, /) -> None:
        """Take in a checked update (a bf16 file) of a site that weighs as so many examples.

        `work`: the steps behind it, where the strategy counts them.

        Updates come in the order of the sites' names; the file may be deleted afterwards, unless
        the strategy keeps it.
        """

    def onto(self, weights: Iterable[Flat]) -> Flat:
        """Return the new weights from the round's old ones, which come piece by piece, in order.

        It is called once, after every `fold`.
        """


Make = Callable[[Plan, Layout, Past], Aggregation]
AGGREGATIONS: Mapping[str, Make] = {
    "fedavg": lambda _plan, layout, _past: WeightedMean(layout.size),
    "fednova": lambda _plan, layout, _past: NormalisedMean(layout),
    "fedprox": lambda _plan, layout, _past: WeightedMean(layout.size),
    "fedavgm": lambda plan, layout, past: MomentumMean(layout, plan.rounds, past),
    "fedadam": lambda plan, layout, past: AdaptiveMean(layout, plan.rounds, past),
    "fedyogi": lambda plan, layout, past: AdaptiveMean(layout, plan.rounds, past),
    "fedbn": lambda _plan, layout, _past: WeightedMean(layout.size),
    "silobn": lambda _plan, layout, _past: WeightedMean(layout.size),
    "scaffold": lambda plan, layout, past: ControlledMean(layout, plan.training.rate, past),
    "median": lambda _plan, layout, _past: BlockwiseRule(layout.size, median),
    "trimmed-mean": lambda plan, layout, _past: BlockwiseRule(
        layout.size, trimmed_mean(plan.rounds.faulty)
    ),
    "krum": lambda plan, layout, _past: Krum(layout.size, plan.rounds.faulty),
}
"""By the plan's word (`rounds.strategy`, one of the contract's `STRATEGIES`).

Each is called with the plan, the layout of the weights and what the rounds before left.
"""


def aggregation_for(plan: Plan, layout: Layout, past: Past | None = None) -> Aggregation:
    """Return an empty aggregation of the plan's strategy for updates of a layout.

    In a rehearsal nothing was learned, and so no strategy has anything to do.
    """
    strategy = plan.rounds.strategy if plan.training.epochs else "fedavg"
    return AGGREGATIONS[strategy](plan, layout, past or Past())
