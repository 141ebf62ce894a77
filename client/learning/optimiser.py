"""The optimiser, and its moments from round to round."""

from copy import deepcopy
from typing import Any

import torch
from hepafed.common.contract import TrainingPlan
from torch import nn


class WarmOptimiser:
    """A network's optimiser, whose moments go on over consecutive rounds of a run."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._optimiser: torch.optim.Optimizer | None = None
        self._last: tuple[str, int] | None = None
        """Run and round of the last training that came to its end."""
        self._begun: tuple[tuple[str, int], dict[str, Any]] | None = None
        """Run and round of the newest training, and the optimiser's state at its start."""

    def begin(
        self, plan: TrainingPlan, run: str, round: int, *, empty: bool = False
    ) -> torch.optim.Optimizer:
        """Return the optimiser with the moments of the round before, else a new one.

        With `empty` it is always a new one.

        A round that is asked for again (its answer was lost, or a quorum was missed) starts from
        the moments it started from before.
        """
        begun = self._begun if self._begun and self._begun[0] == (run, round) else None
        optimiser = self._optimiser
        if optimiser is None or empty or not (begun or self._last == (run, round - 1)):
            optimiser = self._optimiser = _make(plan, self._module)
        if begun:
            optimiser.load_state_dict(begun[1])
        self._begun = None  # let go of the older copy before the next one is made
        self._begun = (run, round), deepcopy(optimiser.state_dict())
        return optimiser

    def finish(self, run: str, round: int) -> None:
        """Take note that a round came to its end, so that the next one goes on from it."""
        self._last = (run, round)

    def discard(self) -> None:
        """Let the moments go: they are not finite any more."""
        self._optimiser = None


def _make(plan: TrainingPlan, module: nn.Module) -> torch.optim.Optimizer:
    if plan.optimiser == "sgd":
        return torch.optim.SGD(
            module.parameters(), plan.rate, plan.momentum, weight_decay=plan.weight_decay
        )
    return torch.optim.AdamW(module.parameters(), plan.rate, weight_decay=plan.weight_decay)
