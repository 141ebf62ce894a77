"""Local training: one site's part of a round, with network, images and optimiser kept warm."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from hepafed.client.cohort import Acquisition, Cohort
from hepafed.client.learning.images import Images, SplitCache, draw_batches, must_hold_two
from hepafed.client.learning.layers import make_ready
from hepafed.client.learning.local_training import ControlVariate, local_training_for
from hepafed.client.learning.network import Network, build_network
from hepafed.client.learning.optimiser import SHARE, WarmOptimiser
from hepafed.client.learning.passes import Passes, batches_from
from hepafed.client.learning.steps import Memory, Steps
from hepafed.client.moments import Moments
from hepafed.client.strategy_state import StrategyState
from hepafed.common.contract import MOST_ROUND_STEPS, Plan, planned_steps, rate_at
from hepafed.common.errors import RefusedError, RunError
from hepafed.common.network import Flat, all_finite, difference
from torch import Tensor


@dataclass(frozen=True)
class Trained:
    """The result of a round of local training."""

    update: Flat
    """Weights after minus weights before, `layout.size` float32."""
    examples: int
    """Images the site trained on (the weight of its update)."""
    loss: float | None
    """Mean training loss of the round; None when the plan asks for no pass over the data."""
    seconds: float
    steps: int
    """Steps that were taken."""
    planned: int
    """Steps that the plan asked for; more than `steps` where its budget ended before."""
    settle: Callable[[], None] = lambda: None
    """Waits until what the next round begins with is kept (`WarmOptimiser.settle`)."""


class Trainer:
    """A site's network, images and optimiser, warm from round to round."""

    def __init__(
        self,
        home: Path,
        site_seed: int,
        device: str = "auto",
        clock: Callable[[], float] = time.monotonic,
        most_steps: int = MOST_ROUND_STEPS,
    ) -> None:
        """`clock` gives the seconds by which a round and its budget are measured."""
        self._clock, self._most_steps = clock, most_steps
        self._home = home
        self._site_seed = site_seed
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device)
        self._splits = SplitCache(home)
        self._warm: tuple[Network, WarmOptimiser] | None = None
        self._passes = Passes()
        self._kept = StrategyState(home)
        self._memory = Memory()

    def network(self, plan: Plan) -> Network:
        """Return the plan's network, built once."""
        return self._made_for(plan)[0]

    def images(self, plan: Plan, split: str) -> Images:
        """Return a split's images; EmptySplitError when none has the protocol's sequences."""
        return self._splits.images(plan, split)

    def steps(self, plan: Plan) -> list[int]:
        """Return how many images each step of an epoch of the training split holds."""
        labels = self.images(plan, "train").labels
        drawn = draw_batches(labels, plan.training, torch.Generator().manual_seed(0))
        return [len(chosen) for chosen in drawn]

    def acquisitions(self) -> list[Acquisition]:
        """Return how the sequences of the site's examinations were acquired."""
        return Cohort.open(self._home).acquisitions()

    def train(
        self,
        plan: Plan,
        weights: Flat,
        run: str,
        round: int,
        fewest_steps: int = 1,
        control: ControlVariate | None = None,
    ) -> Trained:
        """Train one round from `weights` and return the difference.

        The same plan, site, round, weights, cohort and moments of the optimiser give the same
        update bit for bit on CPU. The moments outlive this process (`client/moments.py`): they are
        written beside what is done with the update, and `Trained.settle` waits for them.
        With a budget, the step at which the round before ended and the number of steps decide as
        well; at least `fewest_steps` are taken, however long they take. `control` comes with a
        round of `scaffold`.

        Raises
        ------
        EmptySplitError
            No lesion to train on has the protocol's sequences.
        RefusedError
            The plan counts steps, and asks for more of them than can be; or the strategy's state
            is not here (`Controlled.begin`).
        RunError
            The loss is no longer finite.
        ConfigError, DataError
            The optimiser's moments of the round before, or what the strategy kept, are damaged.
        """
        started = self._clock()
        network, warm = self._made_for(plan)
        module = network.loaded(weights)
        images = self.images(plan, "train")
        local = local_training_for(plan, self._kept, control)
        local.begin(network, run, round)
        optimiser = warm.begin(plan.training, run, round, empty=_begins_empty(plan))
        generator = self._seeded(plan, round)
        planned, batches = self._batches(plan, images, run, round, generator)
        make_ready(module, plan, round)
        losses: list[Tensor] = []
        if planned:
            must_hold_two(self.steps(plan), plan.model)
            steps = Steps(
                plan,
                module,
                network.forward,
                optimiser,
                images,
                generator,
                self._memory,
                local,
            )
        for step, chosen in enumerate(batches):
            if step >= fewest_steps and self._is_spent(plan, started):
                break
            _set_rate(optimiser, plan, round - 1 + step / planned)
            losses.append(steps.take(chosen))
            if plan.training.budget:
                losses[-1].item()  # a GPU's steps count when they are done
        update = difference(module, network.layout, weights)
        known = torch.stack(losses).double().cpu() if losses else torch.zeros(0)
        if not bool(known.isfinite().all()) or not all_finite(update):
            warm.discard()
            raise RunError("the training loss is no longer finite", "lower training.rate")
        warm.finish(plan.training, run, round, empty=_begins_empty(plan))
        local.finish(update)
        self._passes.finish(run, round, len(losses))
        mean = float(known.mean()) if losses else None
        seconds = self._clock() - started
        examples = len(images.labels)
        return Trained(update, examples, mean, seconds, len(losses), planned, warm.settle)

    def _is_spent(self, plan: Plan, started: float) -> bool:
        """Tell whether the plan's budget is over for a round that began at `started`."""
        budget = plan.training.budget
        return budget > 0 and self._clock() - started >= budget

    def _batches(
        self, plan: Plan, images: Images, run: str, round: int, generator: torch.Generator
    ) -> tuple[int, Iterable[Tensor]]:
        """Return how many steps a round has, and its batches.

        Where steps are counted, each epoch of the run has an order of its own, and the round goes
        on in it where the round before stopped.
        """
        training = plan.training
        if plan.rounds.strategy != "fednova":
            epochs = range(training.epochs)
            drawn = [b for _ in epochs for b in draw_batches(images.labels, training, generator)]
            return len(drawn), drawn
        planned = planned_steps(training, len(images.labels))
        if planned > self._most_steps:
            raise RefusedError(
                f"a round of the plan takes more than {self._most_steps:,} steps at this site: "
                "state fewer training.epochs, or a larger training.batch"
            )
        first = self._passes.begin(run, round, planned)
        seeded = partial(self._of_epoch, plan)
        return planned, islice(batches_from(first, images.labels, training, seeded), planned)

    def _made_for(self, plan: Plan) -> tuple[Network, WarmOptimiser]:
        if self._warm is None or not self._warm[0].serves(plan):
            if self._warm is not None:
                self._warm[1].settle()
            self._warm = None  # let go of the older ones before the next are made
            network = build_network(plan, self.device)
            self._memory = Memory()
            self._warm = network, WarmOptimiser(network.module, Moments(self._home))
        return self._warm

    def _of_epoch(self, plan: Plan, epoch: int) -> torch.Generator:
        """Return the random numbers that draw the batches of one epoch of a run."""
        seed = (plan.seed * 1_000_003 + self._site_seed * 8191) * 10_007 + epoch
        return torch.Generator().manual_seed(seed % 2**63)

    def _seeded(self, plan: Plan, round: int) -> torch.Generator:
        """Return the round's random numbers, and seed the layers' own (dropout) from them."""
        seed = plan.seed * 1_000_003 + self._site_seed * 8191 + round
        generator = torch.Generator().manual_seed(seed % 2**63)
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        return generator


def _begins_empty(plan: Plan) -> bool:
    """Tell whether each round begins without the momentum of the one before.

    Only from an empty buffer can the steps of a momentum be counted (Wang et al. 2020).
    """
    return plan.rounds.strategy == "fednova" and plan.training.optimiser == "sgd"


def _set_rate(optimiser: torch.optim.Optimizer, plan: Plan, rounds: float) -> None:
    """Set the learning rate after so many rounds, in whole and part, of a plan."""
    rate = rate_at(plan.training, rounds / plan.rounds.count)
    for group in optimiser.param_groups:
        group["lr"] = rate * group[SHARE]
