"""Tuning figures of sites: cells parted at logits, and what a site releases of its scores."""

import math

import numpy as np
from hepafed.common.contract.figures import Cells, Figure, TaskSummary, TuningFigures
from hepafed.common.statistics.bins import BINS, Histogram, bin_logits, cells_of
from numpy.typing import NDArray

CLOSE = 1e-3
"""An edge is half-way between the two float16 numbers beside it: right to 1 part in 2,048."""


def tuned(*cells: Cells | None) -> list[TuningFigures]:
    return [
        TuningFigures(
            lesions=10**6,
            macro_auc=0.5,
            tasks=(
                TaskSummary(
                    unit="patient",
                    task="malignant_vs_benign",
                    positives=sum(c.positives) if c else 2,
                    negatives=sum(c.negatives) if c else 2,
                    auc=Figure(value=0.5),
                    true_positives=None,
                    true_negatives=None,
                    cells=c,
                ),
            ),
        )
        for c in cells
    ]


def edge(logit: float) -> int:
    """Give the bin that begins at a logit which float16 holds exactly."""
    bits = int(np.float16(logit).view(np.uint16))
    return bits ^ 0xFFFF if bits & 0x8000 else bits | 0x8000


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def cut(*logits: float, malignant: tuple[int, ...], benign: tuple[int, ...]) -> Cells:
    """Make cells that are parted at logits."""
    return Cells(
        edges=(0, *map(edge, logits), BINS), positives=tuple(malignant), negatives=tuple(benign)
    )


def released(logits: NDArray[np.float64], truth: NDArray[np.bool_], minimum: int) -> TuningFigures:
    """Make what a site releases of its tuning scores."""
    bins = bin_logits(logits)
    p, n = (np.bincount(bins[t], minlength=BINS) for t in (truth, ~truth))
    (made,) = tuned(cells_of(Histogram(p, n), minimum))
    return made
