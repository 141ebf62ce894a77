"""A 95 % interval of an AUC that keeps its level where the plain one does not: high, or few cases.

The plain interval, value ± 1.96 se, is symmetric and has no width at an AUC of 1; it covers too
rarely when the AUC is high and the cohort small (docs/statistics.md has the simulation).
"""

import math

from hepafed.common.statistics.bins import logistic
from hepafed.common.statistics.rates import LEVEL, Z
from scipy.special import stdtrit

HALVINGS = 60


def adjusted_interval(
    value: float, se: float | None, freedom: float, positives: int, negatives: int, pairs: int
) -> tuple[float, float] | None:
    """Give the interval on the logit scale, with Student's t for a variance of few cases.

    `freedom`: degrees of freedom of the variance. `pairs`: of a positive and a negative case; the
    logit is the empirical one of pairs won and lost, half a pair added to each (Haldane 1956,
    Anscombe 1956; Gart and Zweifel 1967). Without it the logit runs away where only a few pairs
    are lost, and the interval is too wide. Where the AUC is 0 or 1, or has no variance,
    Newcombe's (2006) score interval of `positives` and `negatives` independent cases. None
    without `se`.
    """
    if se is None or positives < 1 or negatives < 1:
        return None
    if not 0 < value < 1 or se <= 0:
        return newcombe(value, positives, negatives)
    middle = (pairs * value + 0.5) / (pairs + 1)
    centre = math.log(middle / (1 - middle))
    half = _quantile(freedom) * se / (middle * (1 - middle))
    # half a pair must not carry an interval of next to no width past the value it is of
    return min(logistic(centre - half), value), max(logistic(centre + half), value)


def _quantile(freedom: float) -> float:
    """Give Student's t that leaves 2.5 % above it."""
    if not math.isfinite(freedom):
        return Z
    return float(stdtrit(max(freedom, 1.0), 0.5 + LEVEL / 2))


def satterthwaite(parts: tuple[float, float], counts: tuple[float, float]) -> float:
    """Give the degrees of freedom of the sum of two variances of `counts` cases or clusters."""
    over = sum(p * p / (c - 1) for p, c in zip(parts, counts, strict=True) if c > 1)
    return sum(parts) ** 2 / over if over > 0 else max(min(counts) - 1.0, 1.0)


def freedom_of_sum(second: float, fourth: float, count: int) -> float:
    """Give the degrees of freedom of a variance from Σ u² and Σ u⁴ of `count` centred values.

    2 (Σ u²)² / (Σ u⁴ − (Σ u²)² / count): few patients that carry most of the variance, as where
    the AUC is high, leave few degrees; at least 2.
    """
    spread = fourth - second * second / count if count else 0.0
    return max(2 * second * second / spread, 2.0) if spread > 0 else math.inf


def newcombe(value: float, m: int, n: int) -> tuple[float, float]:
    """Give the score interval of an AUC of m positives and n negatives (Newcombe 2006, method 5).

    All θ with (value − θ)² ≤ 1.96² V(θ),
    V = θ(1 − θ)/(mn) · [1 + (m + n − 2)/2 · ((1 − θ)/(2 − θ) + θ/(1 + θ))].
    """

    def inside(t: float) -> bool:
        more = ((m + n) / 2 - 1) * ((1 - t) / (2 - t) + t / (1 + t))
        return (value - t) ** 2 <= Z * Z * t * (1 - t) / (m * n) * (1 + more)

    def end(outer: float) -> float:
        near, far = value, outer
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            near, far = (middle, far) if inside(middle) else (near, middle)
        return near

    # at 0 or 1 the value itself has no variance: its end is the value
    return (end(0.0) if value > 0 else 0.0), (end(1.0) if value < 1 else 1.0)
