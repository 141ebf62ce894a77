"""Scores of a split: log-probabilities of each lesion, from all of its slices."""

import logging
from collections.abc import Iterator

import numpy as np
import torch
from hepafed.client.cohort import groups_of, readings
from hepafed.client.learning.images import Images
from hepafed.client.learning.precision import computing
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract import CLASSES, TUNING_SPLIT, Plan
from hepafed.common.errors import EmptySplitError
from hepafed.common.network import Flat
from hepafed.common.statistics import ScoreTable
from numpy.typing import NDArray
from torch import Tensor, nn

BATCH = 64
"""Images that go through the network together."""
LARGEST = 8 * 299 * 299
"""Pixels that go through together on a CPU: with more, each layer's output is new memory."""

log = logging.getLogger("hepafed.client")


def no_scores(site: str) -> ScoreTable:
    """Return the table of a site without a lesion to be scored."""
    none = np.array([], str)
    return ScoreTable(
        site=none.astype(f"U{len(site)}"),
        patient=none,
        lesion=none,
        truth=np.array([], np.int64),
        log_probs=np.zeros((0, len(CLASSES))),
        readers={},
    )


def score_tuning(trainer: Trainer, plan: Plan, weights: Flat, site: str) -> ScoreTable | None:
    """Score the tuning split; None where a small site has no lesion in it."""
    try:
        return score(trainer, plan, weights, TUNING_SPLIT, site)
    except EmptySplitError:
        return None


def score(trainer: Trainer, plan: Plan, weights: Flat, split: str, site: str) -> ScoreTable:
    """Score every lesion of a split with the given weights.

    A lesion's log-probabilities are the mean of its slices' (the normalised geometric mean of
    their probabilities). A lesion with a slice for which the network gives no finite number has the
    same probability for each class: weights can be made so that this happens for one person alone,
    and an error would tell that the person is here. The site's log says how many there are.

    Raises
    ------
    EmptySplitError
        No lesion of the split has the protocol's sequences.
    """
    module = trainer.network(plan).loaded(weights)
    images = trainer.images(plan, split)
    slices = _log_probabilities(module, images, trainer.device, plan)
    selection = images.selection
    lesions = len(selection.labels)
    unusable = ~np.isfinite(slices).all(1)
    slices[unusable] = 0.0
    sums = np.zeros((lesions, slices.shape[1]))
    np.add.at(sums, selection.owner, slices)
    means = sums / np.bincount(selection.owner, minlength=lesions)[:, None]
    top = means.max(1, keepdims=True)
    means -= top + np.log(np.exp(means - top).sum(1, keepdims=True))
    without = np.unique(selection.owner[unusable])
    means[without] = -np.log(means.shape[1])
    if len(without):
        log.warning(
            "the model gives %d of %d lesions of the %s split no finite score: each class counts "
            "as equally probable there",
            len(without),
            lesions,
            split,
        )
    return ScoreTable(
        site=np.full(lesions, site),
        patient=np.array(selection.patients),
        lesion=np.array(selection.lesions),
        truth=selection.labels,
        log_probs=means,
        readers=readings(selection.facts),
        groups=groups_of(selection, trainer.acquisitions()),
        content=np.array(selection.contents, np.str_),
    )


def batches(images: Images, device: torch.device) -> Iterator[Tensor]:
    """Yield a split's images at the network's size, in the layout that its convolutions like."""
    count = BATCH
    if device.type == "cpu":
        count = min(BATCH, max(1, LARGEST // images.size**2))
    for start in range(0, len(images.labels), count):
        pixels = images.pixels(slice(start, start + count), device)
        yield pixels.contiguous(memory_format=torch.channels_last)


def _log_probabilities(
    module: nn.Module, images: Images, device: torch.device, plan: Plan
) -> NDArray[np.float64]:
    """Run a split through the network: log-probabilities [images, classes].

    Results are fetched once, at the end, so that a GPU never waits for the next batch.
    """
    module.eval()
    with torch.inference_mode(), computing(plan.training, device):
        logits = torch.cat([module(pixels) for pixels in batches(images, device)])
        made: NDArray[np.float64] = torch.log_softmax(logits.cpu().double(), 1).numpy()
    return made
