"""Areas under ROC curves with DeLong's variance, from scores, counts, or intervals of bins."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hepafed.common.statistics.bins import Intervals, logistic, single_bins
from hepafed.common.statistics.rates import LEVEL, Z
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
PRIOR = 40.0
"""Degrees of freedom that the expected variance of an AUC counts for beside the sampled one."""
MOST_FREEDOM = 1e6
"""More degrees of freedom are as good as these."""
BINS_AN_EDGE = 16
"""Bins for each edge up to which counting them all is faster than sorting the edges."""
_HALVINGS = 60
"""How often the bracket of an interval's end is halved; float64 has no finer step."""


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
        """The interval that covers, also for a high AUC or a small cohort."""
        m, n = self.positives, self.negatives
        return adjusted_interval(self.value, self.se, self.freedom, m, n, m * n)


def delong_auc(positives: Floats, negatives: Floats) -> Auc | None:
    """Return the AUC of scores float64[m] and float64[n]; None when a class is empty.

    Ties count half. DeLong et al. 1988, with the mid-ranks of Sun and Xu 2014, in
    O((m + n) log(m + n)).
    """
    _, m, n = score_counts(positives, negatives)
    return auc_from_counts(m, n)


def score_counts(
    positives: Floats, negatives: Floats
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct scores in order, and how many of each class have each."""
    values, inverse = np.unique(np.concatenate([positives, negatives]), return_inverse=True)
    m = len(positives)
    return (
        values,
        np.bincount(inverse[:m], minlength=len(values)),
        np.bincount(inverse[m:], minlength=len(values)),
    )


def auc_from_counts(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> Auc | None:
    """Return the AUC of counts int64[k] over k ordered score values; None when a class is empty.

    Pairs of one value count half; the bound is half their share, Σ pos·neg / (2PN).
    """
    at = np.arange(len(positives))
    return auc_from_intervals(single_bins(at, positives, negatives))


@dataclass(frozen=True)
class Placements:
    """The share of the other class that a case of each of k intervals beats.

    float64[k]; a case of an interval that overlaps its own counts half.
    """

    of_positives: Floats
    """The share of negatives below, V10 of DeLong et al. 1988."""
    of_negatives: Floats
    """The share of positives above, V01 of DeLong et al. 1988."""
    value: float
    bound: float


def placements(cells: Intervals) -> Placements | None:
    """Return the placement values of intervals that may overlap; None when a class is empty.

    A pair is ordered where its intervals are disjoint, and counts half where they overlap; the
    bound is half the share of overlapping pairs (docs/statistics.md).
    """
    m, n = cells.totals
    if m == 0 or n == 0:
        return None
    of_positives, of_negatives, touching = shares(cells, cells.low, cells.high)
    value = float(np.dot(cells.positives, of_positives) / m)
    bound = float(np.dot(cells.positives, touching) / (2 * m))
    return Placements(
        of_positives=of_positives, of_negatives=of_negatives, value=value, bound=bound
    )


def shares(
    cells: Intervals, low: NDArray[np.int64], high: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Place a case of each range low…high (int64[k]) among `cells`, which hold both classes.

    Return float64[k] each: the share of negatives below it, the share of positives above it, an
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
    """Return the AUC over intervals that may overlap; None when a class is empty.

    The variance is DeLong's, from the same placement values.
    """
    found = placements(cells)
    return None if found is None else auc_from_placements(cells, found)


def auc_from_placements(cells: Intervals, found: Placements) -> Auc:
    """Return the AUC of intervals, with DeLong's variance, from their placement values."""
    m, n = cells.totals
    if m < 2 or n < 2:
        return Auc(found.value, se=None, bound=found.bound, positives=m, negatives=n)
    of_positives, of_negatives = squares(cells, found)
    parts = of_positives / (m - 1) / m, of_negatives / (n - 1) / n
    freedom = satterthwaite(parts, (m, n))
    return Auc(
        found.value,
        se=math.sqrt(sum(parts)),
        bound=found.bound,
        freedom=freedom,
        positives=m,
        negatives=n,
    )


def squares(cells: Intervals, found: Placements) -> tuple[float, float]:
    """Return the sums of squares of the centred placements, of positives and of negatives."""
    return (
        float(np.dot(cells.positives, (found.of_positives - found.value) ** 2)),
        float(np.dot(cells.negatives, (found.of_negatives - found.value) ** 2)),
    )


def _cumulative(edges: NDArray[np.int64], mass: Floats, at: NDArray[np.int64]) -> Floats:
    """Return the sum of the `mass` whose edge (int64[k], at least 0) is ≤ each of `at`.

    Of many edges every bin is counted: no sorting, no search. The masses are whole numbers, so
    both ways give the same sums.
    """
    top = int(edges.max()) + 1 if len(edges) else 0
    if top <= BINS_AN_EDGE * len(edges):
        sums = np.cumsum(np.bincount(edges, weights=mass, minlength=top))
        return np.concatenate([[0.0], sums])[np.clip(at + 1, 0, top)]
    order = np.argsort(edges, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(mass[order])])
    return np.asarray(total[np.searchsorted(edges[order], at, side="right")])


def adjusted_interval(
    value: float,
    se: float | None,
    freedom: float,
    positives: int,
    negatives: int,
    pairs: int,
    effective: tuple[float, float] | None = None,
) -> tuple[float, float] | None:
    """Return the interval that covers: on the logit scale, its end away from 0 or 1 moderated.

    The plain interval, value ± 1.96 se, is symmetric and has no width at an AUC of 1; it covers
    too rarely when the AUC is high and the cohort small (docs/statistics.md has the simulation).

    `freedom`: degrees of freedom of the variance. `positives`, `negatives`: of clustered cases,
    the clusters that have one. `pairs`: of a positive and a negative case. `effective`: how many
    independent positives and negatives tell as much, where cases are clustered. Where the AUC is
    0 or 1, or has no variance, Newcombe's (2006) score interval of `positives` and `negatives`
    independent cases. None without `se`.
    """
    m, n = positives, negatives
    if se is None or m < 1 or n < 1:
        return None
    if not 0 < value < 1 or se <= 0:
        return newcombe(value, m, n)
    a, b = effective or (m, n)
    return covering_ends(
        value, half_pair_added(value, pairs), se, freedom, lambda t: expected_variance(t, a, b)
    )


def half_pair_added(value: float, pairs: int) -> float:
    """Return the AUC with half a pair added to the pairs won and to those lost.

    Its logit is the empirical one (Haldane 1956, Anscombe 1956; Gart and Zweifel 1967). Without
    it the logit runs away where only a few pairs are lost, and the interval is too wide.
    """
    return (pairs * value + 0.5) / (pairs + 1)


def covering_ends(
    value: float, middle: float, se: float, freedom: float, expected: Callable[[float], float]
) -> tuple[float, float]:
    """Return the ends of the covering interval of an AUC inside 0…1 with a standard error.

    Both ends are those of the logit of `middle`, with Student's t of `freedom`. The end on the
    side of 0.5 is moved out to that of a score interval where that is further away: near 1 the
    sampled variance is too small just where the AUC is too high, so the logit interval begins
    above the truth too often (6 % of cohorts at 0.98 with 30 positives of 200). The score
    interval's variance is `expected`(θ) times the ratio of the sampled and the expected variance,
    which is moderated as of PRIOR more degrees of freedom at a ratio of 1 (Smyth 2004).
    """
    centre = math.log(middle / (1 - middle))
    half = _quantile(freedom) * se / (middle * (1 - middle))
    # half a pair must not carry an interval of next to no width past the value it is of
    low, high = min(logistic(centre - half), value), max(logistic(centre + half), value)
    known = min(freedom, MOST_FREEDOM)
    ratio = (known * se * se / expected(value) + PRIOR) / (known + PRIOR)
    outer = score_ends(value, _quantile(known + PRIOR), lambda t: ratio * expected(t))
    return (min(low, outer[0]), high) if value >= 0.5 else (low, max(high, outer[1]))


def _quantile(freedom: float) -> float:
    """Return Student's t that leaves 2.5 % above it."""
    if not math.isfinite(freedom):
        return Z
    return float(stdtrit(max(freedom, 1.0), 0.5 + LEVEL / 2))


def satterthwaite(parts: tuple[float, float], counts: tuple[float, float]) -> float:
    """Return the degrees of freedom of the sum of two variances of `counts` cases or clusters."""
    over = sum(p * p / (c - 1) for p, c in zip(parts, counts, strict=True) if c > 1)
    return sum(parts) ** 2 / over if over > 0 else max(min(counts) - 1.0, 1.0)


def freedom_of_sum(second: float, fourth: float, count: int) -> float:
    """Return the degrees of freedom of a variance from Σ u² and Σ u⁴ of `count` centred values.

    2 (Σ u²)² / (Σ u⁴ − (Σ u²)² / count): few patients that carry most of the variance, as where
    the AUC is high, leave few degrees; at least 2.
    """
    spread = fourth - second * second / count if count else 0.0
    return max(2 * second * second / spread, 2.0) if spread > 0 else math.inf


def newcombe(value: float, m: float, n: float) -> tuple[float, float]:
    """Return the score interval of an AUC of m positives and n negatives (Newcombe 2006, method 5).

    All θ with (value − θ)² ≤ 1.96² V(θ), V of `expected_variance`.
    """
    return score_ends(value, Z, lambda t: expected_variance(t, m, n))


def expected_variance(theta: float, m: float, n: float) -> float:
    """Return the variance that an AUC of m positives and n negatives has by Newcombe's model.

    V(θ) = θ(1 − θ)/(mn) · [1 + (m + n − 2)/2 · ((1 − θ)/(2 − θ) + θ/(1 + θ))]: Hanley and McNeil's
    (1982) with both classes given the mean of their counts (Newcombe 2006, method 5).
    """
    more = ((m + n) / 2 - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
    return theta * (1 - theta) / (m * n) * (1 + more)


def score_ends(
    value: float, quantile: float, variance: Callable[[float], float]
) -> tuple[float, float]:
    """Return the ends of all θ with (value − θ)² ≤ quantile² · variance(θ)."""

    def end(outer: float) -> float:
        near, far = value, outer
        for _ in range(_HALVINGS):
            middle = (near + far) / 2
            inside = (value - middle) ** 2 <= quantile * quantile * variance(middle)
            near, far = (middle, far) if inside else (near, middle)
        return near

    # at 0 or 1 the value itself has no variance: its end is the value
    return (end(0.0) if value > 0 else 0.0), (end(1.0) if value < 1 else 1.0)
