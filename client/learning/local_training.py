"""What a strategy changes in the local training of a round: one class a rule, chosen by the plan.

Trainer and optimiser stay as they are; a rule is asked before the round, between each backward
pass and its step, after the step, and for what it keeps when the round came to its end.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from hepafed.client.learning.network import Network
from hepafed.client.strategy_state import FOLDER, StrategyState
from hepafed.common.contract import Plan
from hepafed.common.errors import RefusedError
from hepafed.common.network import (
    Flat,
    from_bf16,
    is_statistic,
    norm_names,
    statistics_of,
    to_bf16,
)
from torch import Tensor, nn

SCAFFOLD, OWN = "scaffold", "own"


@dataclass(frozen=True)
class ControlVariate:
    """SCAFFOLD's c as it came with a round, and which state of this site it is made of."""

    values: Flat
    """float32 [layout.size]; that of BatchNorm's statistics does not count."""
    counted: int = 0
    """The round up to which this site's control variate is in it; 0: it is not."""


class LocalTraining:
    """The rules of `fedavg`, `fednova` and all strategies of the coordinator alone: none."""

    def begin(self, network: Network, run: str, round: int) -> None:
        """Take note of the network with the weights that came in, or change it."""

    def before_step(self) -> None:
        """Change the gradients of a backward pass before the optimiser's step."""

    def after_step(self, rate: float) -> None:
        """Take note of a step at a learning rate."""

    def finish(self, update: Flat) -> None:
        """Keep what the next round needs, once the round's update is made."""


class Proximal(LocalTraining):
    """FedProx: μ/2·‖w - wᵗ‖² is added to the loss (Li et al., MLSys 2020).

    The statistics of BatchNorm have no gradient, and so no such term.
    """

    def __init__(self, mu: float) -> None:
        self._mu = mu
        self._anchors: list[tuple[nn.Parameter, Tensor]] = []

    def begin(self, network: Network, run: str, round: int) -> None:
        """Keep the weights that came in."""
        self._anchors = [(p, p.detach().clone()) for p in network.module.parameters()]

    def before_step(self) -> None:
        """Add μ·(w - wᵗ) to the gradients."""
        for p, anchor in self._anchors:
            if p.grad is not None:
                p.grad.add_(p.detach() - anchor, alpha=self._mu)


class LocalNorm(LocalTraining):
    """FedBN: BatchNorm goes on from the site's own round before (Li et al., ICLR 2021).

    `silobn`: only its statistics do (Andreux et al., DCL at MICCAI 2020). What is sent is the
    difference to the weights that came in, BatchNorm too: its mean over the sites is in the model.
    """

    def __init__(self, strategy: str, kept: StrategyState) -> None:
        self._strategy, self._kept = strategy, kept
        self._at: tuple[Network, str, int, int] | None = None

    def begin(self, network: Network, run: str, round: int) -> None:
        """Put the site's own BatchNorm in the place of what came in, if it has one of this run."""
        after = self._kept.newest(run, round, self._strategy)
        self._at = network, run, round, after
        found = self._kept.read(run, after, self._strategy) or {}
        state = network.module.state_dict()
        with torch.no_grad():
            for name, values in found.items():
                state[name].copy_(torch.from_numpy(values))

    def finish(self, update: Flat) -> None:
        """Keep the site's BatchNorm."""
        if self._at is None:
            return
        network, run, round, after = self._at
        state = network.module.state_dict()
        names = norm_names(network.layout)
        own = [n for n in names if self._strategy == "fedbn" or is_statistic(n)]
        tensors = {n: state[n].detach().float().cpu().numpy().copy() for n in own}
        if tensors:
            self._kept.keep(run, round, self._strategy, tensors, after)


class Controlled(LocalTraining):
    """SCAFFOLD with option II: each gradient g becomes g - cᵢ + c (Karimireddy et al., ICML 2020).

    Then cᵢ becomes cᵢ - c + (x - yᵢ) / Σηₖ; see `server/training/strategies/control.py`.
    """

    def __init__(self, control: ControlVariate, kept: StrategyState) -> None:
        self._control, self._kept = control, kept
        self._at: tuple[Network, str, int] | None = None
        self._own = np.zeros(0, np.float32)
        """The site's control variate cᵢ, as long as the weights."""
        self._corrections: list[tuple[nn.Parameter, Tensor]] = []
        self._rates = 0.0

    def begin(self, network: Network, run: str, round: int) -> None:
        """Make c - cᵢ for each parameter.

        Raises
        ------
        RefusedError
            The control variate that is in c is no longer here.
        ConfigError, DataError
            It is damaged.
        """
        counted, layout = self._control.counted, network.layout
        self._own = np.zeros(layout.size, np.float32)
        if counted:
            found = self._kept.read(run, counted, SCAFFOLD)
            if found is None or found[OWN].shape != self._own.shape:
                raise RefusedError(
                    f"this site's control variate of round {counted} is not here, and the "
                    "federation's is made of it",
                    f"restore the folder {FOLDER} of the site's home; without it this site takes "
                    "part in new runs only",
                )
            self._own = found[OWN]
        self._at, parameters = (network, run, round), dict(network.module.named_parameters())
        start = 0
        for name, shape in zip(layout.names, layout.shapes, strict=True):
            here = slice(start, start + prod(shape))
            if name in parameters:
                correction = self._control.values[here] - self._own[here]
                tensor = torch.from_numpy(correction.reshape(shape)).to(parameters[name].device)
                self._corrections.append((parameters[name], tensor))
            start = here.stop

    def before_step(self) -> None:
        """Add c - cᵢ to the gradients."""
        for p, correction in self._corrections:
            if p.grad is not None:
                p.grad.add_(correction)

    def after_step(self, rate: float) -> None:
        """Add up the learning rates."""
        self._rates += rate

    def finish(self, update: Flat) -> None:
        """Keep the new control variate, made of the update as the coordinator gets it."""
        if self._at is None or not self._rates:
            return
        network, run, round = self._at
        sent = from_bf16(to_bf16(update), network.layout)
        own = self._own - self._control.values - sent / np.float32(self._rates)
        for low, high in statistics_of(network.layout):
            own[low:high] = 0.0
        self._kept.keep(run, round, SCAFFOLD, {OWN: own}, self._control.counted)


def local_training_for(
    plan: Plan, kept: StrategyState, control: ControlVariate | None
) -> LocalTraining:
    """Return the rules of a plan's strategy for one round."""
    strategy = plan.rounds.strategy
    if not plan.training.epochs:
        return LocalTraining()
    if strategy == "fedprox" and plan.rounds.mu:
        return Proximal(plan.rounds.mu)
    if strategy in ("fedbn", "silobn"):
        return LocalNorm(strategy, kept)
    if strategy == SCAFFOLD:
        if control is None:
            raise RefusedError("the plan says scaffold, and the request has no control variate")
        return Controlled(control, kept)
    return LocalTraining()
