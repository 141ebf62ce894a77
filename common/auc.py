"""Areas under ROC curves with DeLong's variance, from scores, counts, or intervals of bins."""

import math
from dataclasses import dataclass

import numpy as np
from hepafed.common.bins import Intervals, logistic
from hepafed.common.rates import Z
from numpy.typing import NDArray

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

    @property
    def logit_interval(self) -> tuple[float, float] | None:
        """The 95 % interval on the logit scale (delta method); None at 0, 1 or without `se`.

        Closer to its level than the plain one where the AUC is high and the cohort small
        (Qin and Hotilovac 2008; docs/statistics.md has our simulation).
        """
        if self.se is None or not 0 < self.value < 1:
            return None
        centre = math.log(self.value / (1 - self.value))
        half = Z * self.se / (self.value * (1 - self.value))
        return logistic(centre - half), logistic(centre + half)


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
class Placements:
    """For each of k intervals: the share of the other class that a case there beats.

    float64[k]; a case of an interval that overlaps its own counts half.
    """

    of_positives: Floats
    """Share of negatives below: V10 of DeLong et al. 1988."""
    of_negatives: Floats
    """Share of positives above: V01."""
    value: float
    bound: float


def placements(cells: Intervals) -> Placements | None:
    """Give the placement values of intervals that may overlap; None when a class is empty.

    A pair is ordered where its intervals are disjoint, and counts half where they overlap; the
    bound is half the share of overlapping pairs (DESIGN §6).
    """
    m, n = cells.totals
    if m == 0 or n == 0:
        return None
    low, high = cells.low, cells.high
    positives, negatives = cells.positives.astype(float), cells.negatives.astype(float)
    below = _cumulative(high, negatives, low)
    touching = _cumulative(low, negatives, high - 1) - below
    over = m - _cumulative(low, positives, high - 1)
    touching_positives = m - over - _cumulative(high, positives, low)
    of_positives = (below + touching / 2) / n
    of_negatives = (over + touching_positives / 2) / m
    value = float(np.dot(positives, of_positives) / m)
    bound = float(np.dot(positives, touching) / (2 * m * n))
    return Placements(of_positives, of_negatives, value, bound)


def auc_from_intervals(cells: Intervals) -> Auc | None:
    """AUC over intervals of several sites that may overlap; None when a class is empty.

    DeLong's variance from the same placement values.
    """
    found = placements(cells)
    if found is None:
        return None
    m, n = cells.totals
    if m < 2 or n < 2:
        return Auc(found.value, None, found.bound)
    variance = float(
        np.dot(cells.positives, (found.of_positives - found.value) ** 2) / (m - 1) / m
        + np.dot(cells.negatives, (found.of_negatives - found.value) ** 2) / (n - 1) / n
    )
    return Auc(found.value, math.sqrt(variance), found.bound)


def _cumulative(edges: NDArray[np.int64], mass: Floats, at: NDArray[np.int64]) -> Floats:
    """Sum of `mass` whose edge is ≤ each of `at`."""
    order = np.argsort(edges, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(mass[order])])
    return np.asarray(total[np.searchsorted(edges[order], at, side="right")])
