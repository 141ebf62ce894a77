"""The lesions' pixels: a split in memory, and the batches that training draws from it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from hepafed.client.cohort import Cohort, Selection, stamp_of
from hepafed.common.contract import CLASSES, ModelPlan, Plan, SiteConfig, TrainingPlan, read_toml
from hepafed.common.errors import EmptySplitError, RefusedError
from torch import Tensor
from torch.nn import functional

LEARNED = ("train", "tune")
"""Splits from which a model learns, or that choose it."""


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
        """Return some images float32 [chosen, channels, size, size], resized on `device`."""
        crops = torch.from_numpy(self.selection.images)[chosen]
        return functional.interpolate(
            crops.to(device).float(),
            size=(self.size, self.size),
            mode="bilinear",
            align_corners=False,
            antialias=True,
        )


class SplitCache:
    """The splits that plans asked for, kept in memory until the cohort changes."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._stamp = ""
        self._splits: dict[tuple[str, str, str, int, float], Images] = {}

    def images(self, plan: Plan, split: str) -> Images:
        """Return a split's images, read once, and anew when an ingest has changed the store.

        Raises
        ------
        EmptySplitError
            The split holds no lesion with the protocol's sequences.
        """
        stamp = stamp_of(self._home)
        if stamp != self._stamp:
            self._splits.clear()
            self._stamp = stamp
        least = self._least_certainty() if split in LEARNED else 0.0
        key = (plan.protocol, plan.data.missing, split, plan.model.size, least)
        if key not in self._splits:
            self._splits[key] = self._read(plan, split, least)
        return self._splits[key]

    def _least_certainty(self) -> float:
        """Return how certain the site's policy wants the sequences that a model learns from."""
        path = self._home / "site.toml"
        if not path.exists():
            return 0.0
        return read_toml(SiteConfig, path, "see the site guide").least_certainty

    def _read(self, plan: Plan, split: str, least: float) -> Images:
        store = Cohort.open(self._home)
        selection = store.select(plan.protocol, split, plan.data.missing, least)
        if len(selection.labels) == 0:
            raise EmptySplitError(
                f"no lesion of the {split} split has the sequences of {plan.protocol}",
                "see client cohort",
            )
        labels = torch.from_numpy(selection.labels[selection.owner])
        return Images(selection, labels, plan.model.size)


def draw_batches(labels: Tensor, plan: TrainingPlan, generator: torch.Generator) -> list[Tensor]:
    """Split an epoch's images into batches, each int64 [images of the batch].

    A last batch of few images joins the one before: BatchNorm cannot learn from a single image.
    """
    count, batch = len(labels), plan.batch
    if plan.balance:
        per_class = torch.bincount(labels, minlength=len(CLASSES)).clamp(min=1)
        order = torch.multinomial(
            1.0 / per_class[labels].double(), count, replacement=True, generator=generator
        )
    elif batch == 0:
        order = torch.arange(count)
    else:
        order = torch.randperm(count, generator=generator)
    parts = list(torch.split(order, batch or count))
    if len(parts) > 1 and len(parts[-1]) < max(2, batch // 4):
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def must_hold_two(steps: list[int], model: ModelPlan) -> None:
    """Refuse a step over a single image, of which BatchNorm has no statistics.

    With `model.freeze_norm` BatchNorm keeps those of the weights, and one image will do.

    Raises
    ------
    RefusedError
        One of `steps` (numbers of images) is below two.
    """
    if not model.freeze_norm and any(n < 2 for n in steps):
        raise RefusedError(
            "a step of the plan would have fewer than two images at this site: BatchNorm cannot "
            "learn from them",
            "state a training.batch of 2 or more, or model.freeze_norm = true; or this site "
            "ingests more patients",
        )
