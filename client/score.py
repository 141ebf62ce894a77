"""Scores of a split: log-probabilities a lesion, from all of its slices."""

import numpy as np
import torch
from hepafed.client.facts import readings
from hepafed.client.groups import groups_of
from hepafed.client.train import Flat, Trainer
from hepafed.common.errors import EmptySplitError
from hepafed.common.figures import TuningFigures
from hepafed.common.plan import Plan
from hepafed.common.scores import ScoreTable
from hepafed.common.summaries import tuning_figures
from hepafed.common.weights import load

BATCH = 64


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
    module, layout = trainer.module(plan), trainer.layout(plan)
    load(module, layout, flat)
    data = trainer.images(plan, split)
    module.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(data.labels), BATCH):
            pixels = data.pixels[start : start + BATCH].to(trainer.device)
            with torch.autocast(
                trainer.device.type, dtype=torch.bfloat16, enabled=trainer.device.type == "cuda"
            ):
                logits = module(pixels)
            parts.append(torch.log_softmax(logits.double(), 1).cpu().numpy())
    slices = np.concatenate(parts)
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
