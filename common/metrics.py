"""Figures and their intervals: AUC with DeLong's variance, and rates with Wilson's interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

LEVEL = 0.95
Z = float(norm.ppf(0.5 + LEVEL / 2))

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Auc:
    """An area under the ROC curve; `se` is None with fewer than two of a class."""

    value: float
    se: float | None
    bound: float = 0.0
    """How far binning can have moved `value` at most."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval, clipped to [0, 1] as pROC does."""
        if self.se is None:
            return None
        low, high = self.value - Z * self.se, self.value + Z * self.se
        return max(0.0, low), min(1.0, high)


def delong_auc(positives: Floats, negatives: Floats) -> Auc | None:
    """AUC of scores float64[m], float64[n], ties counted half; None when a class is empty.

    DeLong et al. 1988, with the mid-ranks of Sun and Xu 2014: O((m + n) log(m + n)).
    """
    m, n = len(positives), len(negatives)
    if m == 0 or n == 0:
        return None
    both = np.concatenate([positives, negatives])
    values, inverse = np.unique(both, return_inverse=True)
    return auc_from_counts(
        np.bincount(inverse[:m], minlength=len(values)),
        np.bincount(inverse[m:], minlength=len(values)),
    )


def auc_from_counts(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> Auc | None:
    """AUC from counts int64[k] over k ordered score values; None when a class is empty.

    Pairs of one value count half; the bound is half their share, Σ pos·neg / (2PN).
    """
    m, n = int(positives.sum()), int(negatives.sum())
    if m == 0 or n == 0:
        return None
    below = np.cumsum(negatives) - negatives
    over = m - np.cumsum(positives)
    share_of_positive = (below + negatives / 2) / n
    share_of_negative = (over + positives / 2) / m
    value = float(np.dot(positives, share_of_positive) / m)
    bound = float(np.dot(positives.astype(float), negatives) / (2.0 * m * n))
    if m < 2 or n < 2:
        return Auc(value, None, bound)
    variance = float(
        np.dot(positives, (share_of_positive - value) ** 2) / (m - 1) / m
        + np.dot(negatives, (share_of_negative - value) ** 2) / (n - 1) / n
    )
    return Auc(value, math.sqrt(variance), bound)


@dataclass(frozen=True)
class Interval:
    """A range of bins, low ≤ bin < high, and how many scores of each class lie in it."""

    low: int
    high: int
    positives: int
    negatives: int


def auc_from_intervals(cells: Sequence[Interval]) -> Auc | None:
    """AUC over intervals of several sites that may overlap; None when a class is empty.

    A pair is ordered where its intervals are disjoint, and counts half where they overlap; the
    bound is half the share of overlapping pairs (DESIGN §6). DeLong's variance from the same
    placement values.
    """
    low = np.array([c.low for c in cells], np.int64)
    high = np.array([c.high for c in cells], np.int64)
    positives = np.array([c.positives for c in cells], np.float64)
    negatives = np.array([c.negatives for c in cells], np.float64)
    m, n = positives.sum(), negatives.sum()
    if m == 0 or n == 0:
        return None
    below, below_open = _mass_below(low, high, negatives)
    over_strict = m - _mass_below_rev(low, high, positives)
    share_of_positive = (below + below_open / 2) / n
    overlap_pos = _overlap(low, high, positives)
    share_of_negative = (over_strict + overlap_pos / 2) / m
    value = float(np.dot(positives, share_of_positive) / m)
    bound = float(np.dot(positives, below_open) / (2 * m * n))
    if m < 2 or n < 2:
        return Auc(value, None, bound)
    variance = float(
        np.dot(positives, (share_of_positive - value) ** 2) / (m - 1) / m
        + np.dot(negatives, (share_of_negative - value) ** 2) / (n - 1) / n
    )
    return Auc(value, math.sqrt(variance), bound)


def _cumulative(edges: NDArray[np.int64], mass: Floats, at: NDArray[np.int64]) -> Floats:
    """Sum of `mass` whose edge is ≤ each of `at`."""
    order = np.argsort(edges, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(mass[order])])
    return np.asarray(total[np.searchsorted(edges[order], at, side="right")])


def _mass_below(low: NDArray[np.int64], high: NDArray[np.int64], mass: Floats) -> tuple[
    Floats, Floats
]:  # fmt: skip
    """Mass of intervals wholly below each interval, and of those that overlap it."""
    below = _cumulative(high, mass, low)
    return below, _overlap(low, high, mass)


def _mass_below_rev(low: NDArray[np.int64], high: NDArray[np.int64], mass: Floats) -> Floats:
    """Mass of intervals not wholly above each interval (their low is under its high)."""
    return _cumulative(low, mass, high - 1)


def _overlap(low: NDArray[np.int64], high: NDArray[np.int64], mass: Floats) -> Floats:
    """Mass of intervals that share a bin with each interval."""
    return _cumulative(low, mass, high - 1) - _cumulative(high, mass, low)


@dataclass(frozen=True)
class Rate:
    """A share with Wilson's and Clopper and Pearson's intervals; value None when of nothing."""

    numerator: int
    denominator: int
    value: float | None
    low: float | None
    high: float | None
    exact_low: float | None
    exact_high: float | None


def rate(numerator: int, denominator: int) -> Rate:
    """Give a share with both intervals.

    Wilson 1927 without continuity correction; Clopper and Pearson 1934 from the beta quantiles.
    """
    if denominator == 0:
        return Rate(numerator, 0, None, None, None, None, None)
    k, n = numerator, denominator
    p, z2 = k / n, Z * Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low = 0.0 if k == 0 else centre - half
    high = 1.0 if k == n else centre + half
    tail = (1 - LEVEL) / 2
    exact_low = 0.0 if k == 0 else float(beta.ppf(tail, k, n - k + 1))
    exact_high = 1.0 if k == n else float(beta.ppf(1 - tail, k + 1, n - k))
    return Rate(k, n, p, low, high, exact_low, exact_high)
