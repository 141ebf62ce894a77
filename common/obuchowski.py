"""Variance of AUCs over clustered cases, and of their means, from products of placements."""

import math
from dataclasses import dataclass

import numpy as np
from hepafed.common.agreement import Estimate, estimate
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Sizes:
    """Cases and clusters of F figures: int64[F] each."""

    positives: Counts
    negatives: Counts
    with_positives: Counts
    """Clusters (patients) that hold a positive."""
    with_negatives: Counts
    clusters: Counts
    """Clusters that hold either."""


def covariance(crossed: Floats, sizes: Sizes) -> Floats:
    """Give the covariance of F AUCs, float64[F, F]; NaN where a class has one cluster or none.

    crossed float64[F, F, 3]: Σ P P, Σ N N, Σ P N over clusters (`clusters.Products`). On the
    diagonal this is Obuchowski's (1997) variance, with her factors I/(I − 1) for each part; of
    one case a cluster, DeLong's (1988). Between figures the factors are those of the pair's
    geometric mean, so that the matrix of two equal figures is that figure's variance throughout.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = _spread(sizes.with_positives, sizes.positives)
        negative = _spread(sizes.with_negatives, sizes.negatives)
        both = sizes.clusters / (sizes.clusters - 1.0)
        mixed = np.sqrt(np.outer(both, both)) / np.outer(sizes.positives, sizes.negatives)
        made = (
            crossed[:, :, 0] * np.outer(positive, positive)
            + crossed[:, :, 1] * np.outer(negative, negative)
            + crossed[:, :, 2] * mixed
            + (crossed[:, :, 2] * mixed).T
        )
    return np.asarray(np.where(np.isfinite(made), made, math.nan), np.float64)


def _spread(clusters: Counts, cases: Counts) -> Floats:
    few = clusters < 2
    safe = np.where(few, 2, clusters).astype(float)
    made: Floats = np.where(few, math.nan, np.sqrt(safe / (safe - 1)) / np.maximum(cases, 1))
    return made


def interval(value: float, variance: float) -> Estimate | None:
    """Give an AUC's interval, cut to [0, 1]; None without a variance."""
    if not math.isfinite(variance):
        return None
    return estimate(value, math.sqrt(max(variance, 0.0)), within=(0.0, 1.0))


def with_exact_diagonal(crossed: Floats, within: Floats, exact: Floats) -> Floats:
    """Put exact sums of squares of single cases in place of those read off a coarse curve.

    within, exact float64[F, 2]: Σ c² of positives and negatives, coarse and from the histograms.
    """
    made = crossed.copy()
    at = np.arange(len(made))
    made[at, at, 0] += exact[:, 0] - within[:, 0]
    made[at, at, 1] += exact[:, 1] - within[:, 1]
    return made
