"""Variance of AUCs over clustered cases, and of their means, from products of placements."""

import math
from dataclasses import dataclass, replace

import numpy as np
from hepafed.common.statistics.agreement import Estimate, estimate
from hepafed.common.statistics.auc import (
    Auc,
    adjusted_interval,
    auc_from_placements,
    freedom_of_sum,
    placements,
    score_counts,
)
from hepafed.common.statistics.bins import single_bins
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Sizes:
    """Cases and clusters of F figures: int64[F] each."""

    positives: Counts
    negatives: Counts
    with_positives: Counts
    """Clusters (patients) that have a positive."""
    with_negatives: Counts
    """Clusters that have a negative."""
    clusters: Counts
    """Clusters that have a case of either class."""


def covariance(crossed: Floats, sizes: Sizes) -> Floats:
    """Return the covariance of F AUCs, float64[F, F]; NaN where a class has one cluster or none.

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
    """Return an AUC's interval, cut to [0, 1]; None without a variance."""
    if not math.isfinite(variance):
        return None
    return estimate(value, math.sqrt(max(variance, 0.0)), within=(0.0, 1.0))


def clustered_interval(
    value: float, crossed: Floats, fourth: Floats, sizes: Sizes, at: int
) -> Estimate | None:
    """Return the clustered interval of figure `at`, and beside it the one that covers.

    fourth float64[F, 5]: Σ P⁴, P³N, P²N², PN³, N⁴ over clusters. Where the covering one falls
    back on a score interval, clusters count as cases; pairs are of cases.
    """
    found = interval(value, float(covariance(crossed, sizes)[at, at]))
    if found is None:
        return None
    m, n = int(sizes.positives[at]), int(sizes.negatives[at])
    ends = adjusted_interval(
        value,
        found.se,
        freedom(crossed, fourth, sizes, at),
        int(sizes.with_positives[at]),
        int(sizes.with_negatives[at]),
        m * n,
        effective(sizes, at),
    )
    return replace(found, adjusted=ends)


def freedom(crossed: Floats, fourth: Floats, sizes: Sizes, at: int) -> float:
    """Return the degrees of freedom of figure `at`'s variance over clusters."""
    m, n = float(sizes.positives[at]), float(sizes.negatives[at])
    pp, nn, pn = crossed[at, at]
    second = pp / m**2 + nn / n**2 + 2 * pn / (m * n)
    weights = [1 / m**4, 4 / (m**3 * n), 6 / (m * n) ** 2, 4 / (m * n**3), 1 / n**4]
    return freedom_of_sum(second, float(fourth[at] @ weights), int(sizes.clusters[at]))


def effective(sizes: Sizes, at: int) -> tuple[float, float]:
    """Return how many independent positives and negatives the clustered cases are taken to be.

    Cases of a cluster are taken to correlate at ½ (design effect (1 + cases per cluster) / 2).
    """
    pairs = (
        (float(sizes.positives[at]), float(sizes.with_positives[at])),
        (float(sizes.negatives[at]), float(sizes.with_negatives[at])),
    )
    a, b = (2 * cases / (1 + cases / max(clusters, 1.0)) for cases, clusters in pairs)
    return a, b


def fourth_powers(p: Floats, n: Floats) -> Floats:
    """Return the sums of P⁴, P³N, P²N², PN³, N⁴ over the last axis: float64[…, 5]."""
    pp, pn, nn = p * p, p * n, n * n
    products = (pp * pp, pp * pn, pn * pn, pn * nn, nn * nn)
    return np.stack([product.sum(-1) for product in products], axis=-1)


def with_exact_diagonal(crossed: Floats, within: Floats, exact: Floats) -> Floats:
    """Return the sums with exact squares of single cases in place of those of a coarse curve.

    within, exact float64[F, 2]: Σ c² of positives and negatives, coarse and from the histograms.
    """
    made = crossed.copy()
    at = np.arange(len(made))
    made[at, at, 0] += exact[:, 0] - within[:, 0]
    made[at, at, 1] += exact[:, 1] - within[:, 1]
    return made


def clustered_auc(
    scores: Floats, truth: NDArray[np.bool_], cluster: Counts
) -> tuple[Auc, Estimate | None] | None:
    """Return an AUC and its clustered interval from scores, truths and cluster numbers, [n] each.

    The reference that the sums of `clusters.py` are held to; None with one class only.
    """
    values, m, n = score_counts(scores[truth], scores[~truth])
    at = np.arange(len(m))
    cells = single_bins(at, m, n)
    found = placements(cells)
    if found is None:
        return None
    auc = auc_from_placements(cells, found)
    where = np.searchsorted(values, scores)
    share = np.where(truth, found.of_positives[where], found.of_negatives[where]) - auc.value
    _, number = np.unique(cluster, return_inverse=True)
    size = int(number.max()) + 1
    p = np.bincount(number, np.where(truth, share, 0.0), size).astype(np.float64)
    q = np.bincount(number, np.where(truth, 0.0, share), size).astype(np.float64)
    with_p = int((np.bincount(number, truth, size) > 0).sum())
    with_n = int((np.bincount(number, ~truth, size) > 0).sum())
    counts = {
        "positives": m.sum(),
        "negatives": n.sum(),
        "with_positives": with_p,
        "with_negatives": with_n,
        "clusters": size,
    }
    sizes = Sizes(**{name: np.array([k], np.int64) for name, k in counts.items()})
    crossed = np.array([[[p @ p, q @ q, p @ q]]])
    fourth = fourth_powers(p, q)[None]
    return auc, clustered_interval(auc.value, crossed, fourth, sizes, 0)
