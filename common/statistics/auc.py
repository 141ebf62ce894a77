"""Areas under ROC curves with DeLong's variance, from scores, counts, or intervals of bins."""

import math
from dataclasses import dataclass

import numpy as np
from hepafed.common.statistics.adjusted import adjusted_interval, satterthwaite
from hepafed.common.statistics.bins import Intervals
from hepafed.common.statistics.rates import Z
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Auc:
    """An area under the ROC curve; `se` is None with fewer than two of a class."""

    value: float
    se: float | None
    bound: float = 0.0
    """How far binning can have moved `value` at most."""
    freedom: float = math.inf
    """Degrees of freedom of the variance (Satterthwaite)."""
    positives: int = 0
    negatives: int = 0

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval, clipped to [0, 1] as pROC does."""
        if self.se is None:
            return None
        low, high = self.value - Z * self.se, self.value + Z * self.se
        return max(0.0, low), min(1.0, high)

    @property
    def adjusted(self) -> tuple[float, float] | None:
        """The interval on the logit scale (`adjusted.py`), for a high AUC or a small cohort."""
        m, n = self.positives, self.negatives
        return adjusted_interval(self.value, self.se, self.freedom, m, n, m * n)


def delong_auc(positives: Floats, negatives: Floats) -> Auc | None:
    """AUC of scores float64[m], float64[n], ties counted half; None when a class is empty.

    DeLong et al. 1988, with the mid-ranks of Sun and Xu 2014: O((m + n) log(m + n)).
    """
    _, m, n = score_counts(positives, negatives)
    return auc_from_counts(m, n)


def score_counts(
    positives: Floats, negatives: Floats
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Give the distinct scores in order, and how many of each class have each."""
    values, inverse = np.unique(np.concatenate([positives, negatives]), return_inverse=True)
    m = len(positives)
    return (
        values,
        np.bincount(inverse[:m], minlength=len(values)),
        np.bincount(inverse[m:], minlength=len(values)),
    )


def auc_from_counts(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> Auc | None:
    """AUC from counts int64[k] over k ordered score values; None when a class is empty.

    Pairs of one value count half; the bound is half their share, Σ pos·neg / (2PN).
    """
    at = np.arange(len(positives))
    return auc_from_intervals(Intervals(at, at + 1, positives, negatives))


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
    bound is half the share of overlapping pairs (docs/statistics.md).
    """
    m, n = cells.totals
    if m == 0 or n == 0:
        return None
    of_positives, of_negatives, touching = shares(cells, cells.low, cells.high)
    value = float(np.dot(cells.positives, of_positives) / m)
    bound = float(np.dot(cells.positives, touching) / (2 * m))
    return Placements(of_positives, of_negatives, value, bound)


def shares(
    cells: Intervals, low: NDArray[np.int64], high: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Place a case of each range low…high (int64[k]) among `cells`, which hold both classes.

    Gives float64[k] each: the share of negatives below it, the share of positives above it, an
    overlap counting half, and the share of negatives that overlap it.
    """
    m, n = cells.totals
    positives, negatives = cells.positives.astype(float), cells.negatives.astype(float)
    below = _cumulative(cells.high, negatives, low)
    touching = _cumulative(cells.low, negatives, high - 1) - below
    not_above = _cumulative(cells.low, positives, high - 1)
    alike = not_above - _cumulative(cells.high, positives, low)
    return (below + touching / 2) / n, (m - not_above + alike / 2) / m, touching / n


def auc_from_intervals(cells: Intervals) -> Auc | None:
    """AUC over intervals of several sites that may overlap; None when a class is empty.

    DeLong's variance from the same placement values.
    """
    found = placements(cells)
    return None if found is None else auc_from_placements(cells, found)


def auc_from_placements(cells: Intervals, found: Placements) -> Auc:
    """AUC and DeLong's variance of intervals from their placement values."""
    m, n = cells.totals
    if m < 2 or n < 2:
        return Auc(found.value, None, found.bound, positives=m, negatives=n)
    of_positives, of_negatives = squares(cells, found)
    parts = of_positives / (m - 1) / m, of_negatives / (n - 1) / n
    freedom = satterthwaite(parts, (m, n))
    return Auc(found.value, math.sqrt(sum(parts)), found.bound, freedom, m, n)


def squares(cells: Intervals, found: Placements) -> tuple[float, float]:
    """Sum the squares of the centred placements of the positives, and of the negatives."""
    return (
        float(np.dot(cells.positives, (found.of_positives - found.value) ** 2)),
        float(np.dot(cells.negatives, (found.of_negatives - found.value) ** 2)),
    )


def _cumulative(edges: NDArray[np.int64], mass: Floats, at: NDArray[np.int64]) -> Floats:
    """Sum of `mass` whose edge is ≤ each of `at`."""
    order = np.argsort(edges, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(mass[order])])
    return np.asarray(total[np.searchsorted(edges[order], at, side="right")])
