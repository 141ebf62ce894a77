"""The optimiser, and its moments from round to round."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

import torch
from hepafed.client.learning.layers import last_layer
from hepafed.client.moments import HINT, Moments
from hepafed.common.contract import TrainingPlan
from hepafed.common.errors import DataError
from hepafed.common.network import Flat
from torch import nn

SHARE = "share"
"""Key of a group of parameters: its learning rate as a share of the plan's."""
FUSED = ("cuda", "cpu")
"""Devices for which PyTorch has fused kernels."""


class WarmOptimiser:
    """A network's optimiser, whose moments go on over consecutive rounds of a run.

    They are in memory, and in `kept` for a process that goes on after this one has ended, and for
    a round that is asked for again.
    """

    def __init__(self, module: nn.Module, kept: Moments) -> None:
        self._module, self._kept = module, kept
        self._optimiser: torch.optim.Optimizer | None = None
        self._last: tuple[str, int] | None = None
        """Run and round of the last training that came to its end; what is in memory is its end."""
        self._writing: Future[None] | None = None
        """The writing of the moments of the last round, beside what is done with its update."""

    def begin(
        self, plan: TrainingPlan, run: str, round: int, *, empty: bool = False
    ) -> torch.optim.Optimizer:
        """Return the optimiser with the moments of the round before, else a new one.

        With `empty` it is always a new one.

        A round that is asked for again (its answer was lost, or a quorum was missed) starts from
        the moments it started from before.

        Raises
        ------
        ConfigError, DataError
            The moments of the round before were kept, and are damaged.
        """
        self.settle()
        goes_on = self._last == (run, round - 1) and not empty
        self._last = None
        if self._optimiser is None or not goes_on:
            self._optimiser = None  # let go of the older one before the next one is made
            made = _make(plan, self._module)
            found = None if empty else self._kept.read(run, round - 1, plan.optimiser)
            if found is not None:
                _restore(made, found)
            self._optimiser = made
        return self._optimiser

    def finish(self, plan: TrainingPlan, run: str, round: int, *, empty: bool = False) -> None:
        """Take note that a round came to its end, so that the next one goes on from it.

        Its moments are written from now on, beside whatever the caller does next; `settle` waits
        for them. With `empty`, where no round goes on from another, nothing is kept.
        """
        self._last = (run, round)
        optimiser = self._optimiser
        if empty or optimiser is None:
            return

        def keep() -> None:
            self._kept.keep(run, round, plan.optimiser, _tensors(optimiser))

        thread = ThreadPoolExecutor(1)
        self._writing = thread.submit(copy_context().run, keep)  # a full disk is waited for there
        thread.shutdown(wait=False)

    def settle(self) -> None:
        """Wait until the moments of the last round are kept.

        A site answers for a round only afterwards: then a site that is killed has either not
        answered, and is asked again, or has what the next round begins with.

        Raises
        ------
        ConfigError
            The list of what is kept is damaged.
        OSError
            They cannot be written. The round has to be made again.
        """
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            writing.result()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Let the moments go: they are not finite any more, or not those of the last answer."""
        self._optimiser, self._last = None, None


def _tensors(optimiser: torch.optim.Optimizer) -> dict[str, Flat]:
    """Return the state of an optimiser, float32 by `PARAMETER.KEY`."""
    return {
        f"{number}.{key}": value.detach().float().cpu().numpy()
        for number, values in optimiser.state_dict()["state"].items()
        for key, value in values.items()
        if value is not None
    }


def _restore(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Flat]) -> None:
    """Give an optimiser the state that `_tensors` returned; DataError where it does not fit."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        number, _, key = name.partition(".")
        if value.shape not in ((), tuple(parameters[int(number)].shape)):
            raise DataError("the moments that are kept are of another network", HINT)
        state.setdefault(int(number), {})[key] = torch.from_numpy(value)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def _make(plan: TrainingPlan, module: nn.Module) -> torch.optim.Optimizer:
    """Make the plan's optimiser; its kernels do all of a step at once (`fused`) where they can."""
    parameters = [*module.parameters()]
    head = [*last_layer(module).parameters()]
    if plan.backbone_rate == 1:
        groups = [{"params": parameters, SHARE: 1.0}]
    else:
        own = {id(p) for p in head}
        backbone = [p for p in parameters if id(p) not in own]
        groups = [{"params": backbone, SHARE: plan.backbone_rate}, {"params": head, SHARE: 1.0}]
    fused = parameters[0].device.type in FUSED
    if plan.optimiser == "sgd":
        return torch.optim.SGD(
            groups, plan.rate, plan.momentum, weight_decay=plan.weight_decay, fused=fused
        )
    return torch.optim.AdamW(groups, plan.rate, weight_decay=plan.weight_decay, fused=fused)
