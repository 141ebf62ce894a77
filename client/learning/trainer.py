"""Local training: one site's part of a round, with network, images and optimiser kept warm."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from hepafed.client.cohort import Acquisition, Cohort
from hepafed.client.learning.augmentation import augment
from hepafed.client.learning.images import Images, SplitCache, draw_batches, must_hold_two
from hepafed.client.learning.network import Network, build_network, freeze_norm
from hepafed.client.learning.optimiser import WarmOptimiser, rate_at
from hepafed.common.contract import Plan
from hepafed.common.errors import RunError
from hepafed.common.network import Flat, all_finite, difference
from torch import Tensor, nn
from torch.nn import functional


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


class Trainer:
    """A site's network, images and optimiser, warm from round to round."""

    def __init__(self, home: Path, site_seed: int, device: str = "auto") -> None:
        self._home = home
        self._site_seed = site_seed
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device)
        self._splits = SplitCache(home)
        self._warm: tuple[Network, WarmOptimiser] | None = None

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

    def train(self, plan: Plan, weights: Flat, run: str, round: int) -> Trained:
        """Train one round from `weights` and return the difference.

        The same plan, site, round, weights and cohort give the same update bit for bit on CPU.

        Raises
        ------
        EmptySplitError
            No lesion to train on has the protocol's sequences.
        RunError
            The loss is no longer finite.
        """
        started = time.monotonic()
        network, warm = self._made_for(plan)
        module = network.loaded(weights)
        images = self.images(plan, "train")
        optimiser = warm.begin(plan.training, run, round)
        generator = self._seeded(plan, round)
        module.train()
        if plan.model.freeze_norm:
            freeze_norm(module)
        losses: list[float] = []
        epochs = range(plan.training.epochs)
        batches = [b for _ in epochs for b in draw_batches(images.labels, plan.training, generator)]
        must_hold_two([len(chosen) for chosen in batches], plan.model)
        for step, chosen in enumerate(batches):
            progress = (round - 1 + step / len(batches)) / plan.rounds.count
            for group in optimiser.param_groups:
                group["lr"] = rate_at(plan.training, progress)
            pixels = images.pixels(chosen, self.device)
            if plan.training.augment:
                pixels = augment(pixels, generator)
            labels = images.labels[chosen].to(self.device)
            losses.append(_step(module, optimiser, pixels, labels, plan.training.label_smoothing))
        warm.finish(run, round)
        update = difference(module, network.layout, weights)
        if not all(math.isfinite(x) for x in losses) or not all_finite(update):
            warm.discard()
            raise RunError("the training loss is no longer finite", "lower training.rate")
        mean = sum(losses) / len(losses) if losses else None
        return Trained(update, len(images.labels), mean, time.monotonic() - started)

    def _made_for(self, plan: Plan) -> tuple[Network, WarmOptimiser]:
        if self._warm is None or not self._warm[0].serves(plan):
            self._warm = None  # let go of the older ones before the next are made
            network = build_network(plan, self.device)
            self._warm = network, WarmOptimiser(network.module)
        return self._warm

    def _seeded(self, plan: Plan, round: int) -> torch.Generator:
        """Return the round's random numbers, and seed the layers' own (dropout) from them."""
        seed = plan.seed * 1_000_003 + self._site_seed * 8191 + round
        generator = torch.Generator().manual_seed(seed % 2**63)
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        return generator


def _step(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    pixels: Tensor,
    labels: Tensor,
    label_smoothing: float,
) -> float:
    """Take one step of the optimiser and return the batch's loss."""
    device = pixels.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        loss = functional.cross_entropy(module(pixels), labels, label_smoothing=label_smoothing)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())
