"""Local training: one site's part of a round, with model, data and optimiser kept warm."""

import math
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hepafed.client.cohort import Acquisition, Cohort, Selection, stamp_of
from hepafed.client.learning.augmentation import augment
from hepafed.common.contract import Plan, TrainingPlan
from hepafed.common.errors import EmptySplitError, RunError
from hepafed.common.network import Layout, all_finite, build, difference, for_sites, load
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Flat = NDArray[np.float32]


@dataclass(frozen=True)
class Trained:
    """What a round of local training gives."""

    update: Flat
    """Weights after minus weights before, `layout.size` float32."""
    examples: int
    """Images the site trained on (the weight of its update)."""
    loss: float | None
    """Mean training loss of the round; None when the plan asks for no pass over the data."""
    seconds: float


@dataclass(frozen=True)
class Images:
    """A split in memory as stored, float16 crops; a batch at a time is brought to the plan's size.

    At 299 pixels that is a seventh of the memory that resized float32 would take.
    """

    selection: Selection
    labels: Tensor
    """int64 [images]: class of the image's lesion."""
    size: int
    """Side of the network's square input, pixels."""

    def pixels(self, chosen: Tensor | slice, device: torch.device) -> Tensor:
        """Give some images float32 [chosen, channels, size, size], resized on `device`."""
        crops = torch.from_numpy(self.selection.images)[chosen]
        return functional.interpolate(
            crops.to(device).float(),
            size=(self.size, self.size),
            mode="bilinear",
            align_corners=False,
            antialias=True,
        )


class Trainer:
    """A site's network, images and optimiser, warm from round to round."""

    def __init__(self, home: Path, site_seed: int, device: str = "auto") -> None:
        self._home = home
        self._site_seed = site_seed
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device)
        self._plan: Plan | None = None
        self._module: nn.Module | None = None
        self._layout: Layout | None = None
        self._images: dict[tuple[str, str, str, int], Images] = {}
        self._stamp = ""
        self._optimiser: torch.optim.Optimizer | None = None
        self._last: tuple[str, int] | None = None
        self._begun: tuple[tuple[str, int], dict[str, Any]] | None = None
        """Run and round of the newest training, and the optimiser's state at its start."""

    def module(self, plan: Plan) -> nn.Module:
        """Give the plan's network, built once."""
        plan, known = for_sites(plan), self._plan
        if (
            self._module is None
            or known is None
            or (known.model, known.protocol)
            != (
                plan.model,
                plan.protocol,
            )
        ):
            self._module = build(plan).to(self.device)
            if self.device.type == "cuda":
                self._module = self._module.to(memory_format=torch.channels_last)
            self._layout = Layout.of(self._module)
            self._optimiser = self._last = self._begun = None
        self._plan = plan
        return self._module

    def layout(self, plan: Plan) -> Layout:
        """Give the layout of the plan's weights."""
        module = self.module(plan)
        return self._layout or Layout.of(module)

    def images(self, plan: Plan, split: str) -> Images:
        """Give a split's images, read once, and anew when an ingest has changed the store.

        Raises
        ------
        EmptySplitError
            The split holds no lesion with the protocol's sequences.
        """
        stamp = stamp_of(self._home)
        if stamp != self._stamp:
            self._images.clear()
            self._stamp = stamp
        key = (plan.protocol, plan.data.missing, split, plan.model.size)
        if key not in self._images:
            selection = Cohort.open(self._home).select(plan.protocol, split, plan.data.missing)
            if len(selection.labels) == 0:
                raise EmptySplitError(
                    f"no lesion of the {split} split has the sequences of {plan.protocol}",
                    "see client cohort",
                )
            labels = torch.from_numpy(selection.labels[selection.owner])
            self._images[key] = Images(selection, labels, plan.model.size)
        return self._images[key]

    def acquisitions(self) -> list[Acquisition]:
        """Give how the sequences of the site's examinations were acquired."""
        return Cohort.open(self._home).acquisitions()

    def train(self, plan: Plan, flat: Flat, run: str, round: int) -> Trained:
        """Train one round from `flat` and return the difference.

        The same plan, site, round, weights and cohort give the same update bit for bit on CPU.

        Raises
        ------
        RunError
            The loss is no longer finite.
        """
        started = time.monotonic()
        module, layout = self.module(plan), self.layout(plan)
        load(module, layout, flat)
        data = self.images(plan, "train")
        optimiser = self._warm_optimiser(plan, module, run, round)
        generator = torch.Generator().manual_seed(
            (plan.seed * 1_000_003 + self._site_seed * 8191 + round) % (2**63)
        )
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        module.train()
        if plan.model.freeze_norm:
            _freeze_norm(module)
        losses: list[float] = []
        batches = [b for _ in range(plan.training.epochs) for b in _batches(data, plan, generator)]
        for step, chosen in enumerate(batches):
            progress = (round - 1 + step / len(batches)) / plan.rounds.count
            for group in optimiser.param_groups:
                group["lr"] = rate_at(plan.training, progress)
            losses.append(self._step(module, optimiser, data, chosen, plan.training, generator))
        self._last = (run, round)
        update = difference(module, layout, flat)
        if not all(math.isfinite(x) for x in losses) or not all_finite(update):
            self._optimiser = None
            raise RunError("the training loss is no longer finite", "lower training.rate")
        mean = sum(losses) / len(losses) if losses else None
        return Trained(update, len(data.labels), mean, time.monotonic() - started)

    def _warm_optimiser(
        self, plan: Plan, module: nn.Module, run: str, round_: int
    ) -> torch.optim.Optimizer:
        """Keep the moments across consecutive rounds of a run, else start anew.

        A round that is asked for again (its answer was lost, or a quorum was missed) starts from
        the moments it started from before.
        """
        begun = self._begun if self._begun and self._begun[0] == (run, round_) else None
        optimiser = self._optimiser
        if optimiser is None or not (begun or self._last == (run, round_ - 1)):
            optimiser = self._optimiser = _make_optimiser(plan.training, module)
        if begun:
            optimiser.load_state_dict(begun[1])
        self._begun = None  # let go of the older copy before the next one is made
        self._begun = (run, round_), deepcopy(optimiser.state_dict())
        return optimiser

    def _step(
        self,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        data: Images,
        chosen: Tensor,
        plan: TrainingPlan,
        generator: torch.Generator,
    ) -> float:
        pixels = data.pixels(chosen, self.device)
        if plan.augment:
            pixels = augment(pixels, generator)
        labels = data.labels[chosen].to(self.device)
        with torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"
        ):
            loss = functional.cross_entropy(
                module(pixels), labels, label_smoothing=plan.label_smoothing
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return float(loss.detach())


def rate_at(plan: TrainingPlan, progress: float) -> float:
    """Give the learning rate at a share (0 to 1) of the whole run.

    `one-cycle`: up from a tenth over the first 30 %, then a cosine down to nothing
    (Smith and Topin 2019); `cosine`: down from the peak; `constant`: the peak.
    """
    if plan.schedule == "constant":
        return plan.rate
    if plan.schedule == "cosine":
        return plan.rate * 0.5 * (1 + math.cos(math.pi * progress))
    if progress < 0.3:
        share = 0.5 * (1 - math.cos(math.pi * progress / 0.3))
        return plan.rate * (0.1 + 0.9 * share)
    return plan.rate * 0.5 * (1 + math.cos(math.pi * (progress - 0.3) / 0.7))


def _make_optimiser(plan: TrainingPlan, module: nn.Module) -> torch.optim.Optimizer:
    if plan.optimiser == "sgd":
        return torch.optim.SGD(
            module.parameters(), plan.rate, plan.momentum, weight_decay=plan.weight_decay
        )
    return torch.optim.AdamW(module.parameters(), plan.rate, weight_decay=plan.weight_decay)


def _freeze_norm(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()


def _batches(data: Images, plan: Plan, generator: torch.Generator) -> list[Tensor]:
    """Split an epoch's images into batches; a last one of one image joins the one before.

    BatchNorm cannot learn from a single image.
    """
    count, batch = len(data.labels), plan.training.batch
    if plan.training.balance:
        per_class = torch.bincount(data.labels, minlength=3).clamp(min=1)
        order = torch.multinomial(
            1.0 / per_class[data.labels].double(), count, replacement=True, generator=generator
        )
    elif batch == 0:
        order = torch.arange(count)
    else:
        order = torch.randperm(count, generator=generator)
    parts = list(torch.split(order, batch or count))
    if len(parts) > 1 and len(parts[-1]) < max(2, batch // 4):
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
