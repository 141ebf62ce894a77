"""The few counts that leave with noise: patients by truth, call, and 16 cells of the score.

Each patient is in one count of `called` and in one of `cells`, whatever lesions they have: adding
or taking away a patient changes the vector by √2 at most (Euclidean). Cells are halved by the
model's operating point, which is in its card, and lie at fixed distances from it on the logit
scale; nothing of them depends on the cohort.
"""

import itertools

import numpy as np
from hepafed.common.statistics import TASK_ORDER, ScoreTable, called, logit_of, task_scores
from numpy.typing import NDArray

DISTANCES = (0.5, 1.0, 1.75, 2.75, 4.0, 6.0, 9.0)
"""Inner edges of the cells on each side, as distances from the operating point (logits)."""
HALF = len(DISTANCES) + 1
"""Cells on each side of the operating point."""
CELLS = 2 * HALF
LENGTH = 4 + 2 * CELLS
SQUARED = 2
"""The most by which one patient changes the vector: Σ of squares."""
FARTHEST = 16.0
"""Operating points of 0 and 1 lie here, as logits."""


def edges_of(threshold: float) -> tuple[float, ...]:
    """Return the CELLS − 1 inner edges of the cells, as logits."""
    middle = float(np.clip(logit_of(threshold), -FARTHEST, FARTHEST))
    steps = (*(-d for d in reversed(DISTANCES)), 0.0, *DISTANCES)
    return tuple(round(middle + d, 9) for d in steps)  # as scores are rounded


def coarse_counts(table: ScoreTable, threshold: float) -> NDArray[np.int64]:
    """Return a cohort's counts, int64[LENGTH]: `called` [2, 2] by truth and call, then `cells`.

    `cells` is [2, CELLS] by truth (benign, malignant) and cell of the score, lowest first. A score
    at an edge belongs to the cell above.
    """
    scores = task_scores(table, *TASK_ORDER[0])
    up = called(scores, threshold)
    cell = np.searchsorted(edges_of(threshold), scores.logits, side="right")
    cell = np.where(up, np.maximum(cell, HALF), np.minimum(cell, HALF - 1))
    counts = np.zeros((2, 2), np.int64)
    np.add.at(counts, (scores.truth.astype(int), up.astype(int)), 1)
    cells = np.zeros((2, CELLS), np.int64)
    np.add.at(cells, (scores.truth.astype(int), cell), 1)
    return np.concatenate([counts.ravel(), cells.ravel()])


def parts_of(vector: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `called` [2, 2] and `cells` [2, CELLS] of a vector."""
    return vector[:4].reshape(2, 2), vector[4:].reshape(2, CELLS)


def halves() -> list[slice]:
    """Return the cells below the operating point, and those from it on."""
    return [slice(a, b) for a, b in itertools.pairwise((0, HALF, CELLS))]
