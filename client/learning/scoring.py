"""Scores of a split: log-probabilities a lesion, from all of its slices."""

from collections.abc import Iterator

import numpy as np
import torch
from hepafed.client.cohort import groups_of, readings
from hepafed.client.learning.trainer import Flat, Images, Trainer
from hepafed.common.contract import Plan, TuningFigures
from hepafed.common.disclosure import tuning_figures
from hepafed.common.errors import EmptySplitError
from hepafed.common.network import load
from hepafed.common.statistics import ScoreTable
from numpy.typing import NDArray
from torch import Tensor, nn

BATCH = 64
"""Images that go through the network together."""
LARGEST = 8 * 299 * 299
"""Pixels that do so on a CPU: with more, the layers' outputs are new memory each time."""


def score_tuning(
    trainer: Trainer, plan: Plan, flat: Flat, site: str, minimum_count: int
) -> TuningFigures:
    """Give what a site releases of its tuning split; a small site may have no lesion in it."""
    try:
        return tuning_figures(score(trainer, plan, flat, "tune", site), minimum_count)
    except EmptySplitError:
        return TuningFigures(lesions=0, macro_auc=None)


def score(trainer: Trainer, plan: Plan, flat: Flat, split: str, site: str) -> ScoreTable:
    """Score every lesion of a split with the given weights.

    A lesion's log-probabilities are the mean of its slices' (the normalised geometric mean of
    their probabilities).
    """
    module = trainer.module(plan)
    load(module, trainer.layout(plan), flat)
    data = trainer.images(plan, split)
    slices = _log_probabilities(module, data, trainer.device)
    selection = data.selection
    lesions = len(selection.labels)
    sums = np.zeros((lesions, slices.shape[1]))
    np.add.at(sums, selection.owner, slices)
    means = sums / np.bincount(selection.owner, minlength=lesions)[:, None]
    top = means.max(1, keepdims=True)
    means -= top + np.log(np.exp(means - top).sum(1, keepdims=True))
    return ScoreTable(
        site=np.full(lesions, site),
        patient=np.array(selection.patients),
        lesion=np.array(selection.lesions),
        truth=np.asarray(selection.labels, np.int64),
        log_probs=means,
        readers=readings(selection.facts),
        groups=groups_of(selection, trainer.acquisitions()),
    )


def batches(data: Images, device: torch.device) -> Iterator[Tensor]:
    """Bring a split's images to the network's size and the layout that its convolutions like."""
    count = BATCH
    if device.type == "cpu":
        count = min(BATCH, max(1, LARGEST // data.size**2))
    for start in range(0, len(data.labels), count):
        pixels = data.pixels(slice(start, start + count), device)
        yield pixels.contiguous(memory_format=torch.channels_last)


def _log_probabilities(
    module: nn.Module, data: Images, device: torch.device
) -> NDArray[np.float64]:
    """Run a split through the network: log-probabilities [images, classes].

    Results are fetched once, at the end, so that a GPU never waits for the next batch.
    """
    module.eval()
    automatic = torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
    with torch.inference_mode(), automatic:
        logits = torch.cat([module(pixels) for pixels in batches(data, device)])
        made: NDArray[np.float64] = torch.log_softmax(logits.cpu().double(), 1).numpy()
    return made
