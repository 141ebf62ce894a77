"""Shares of counts with Wilson's and Clopper and Pearson's intervals, and ratios of shares."""

import math
from dataclasses import dataclass

from scipy.special import betaincinv, ndtri

LEVEL = 0.95
Z = float(ndtri(0.5 + LEVEL / 2))


@dataclass(frozen=True)
class Rate:
    """A share with Wilson's and Clopper and Pearson's intervals; None for a denominator of 0."""

    numerator: int
    denominator: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """Ends of Wilson's interval."""
    exact_low: float | None = None
    exact_high: float | None = None
    """Ends of Clopper and Pearson's interval."""


def rate(numerator: int, denominator: int) -> Rate:
    """Return a share with both intervals.

    Wilson 1927 without continuity correction; Clopper and Pearson 1934 from the beta quantiles.
    """
    if denominator == 0:
        return Rate(numerator, denominator)
    k, n = numerator, denominator
    p = k / n
    low, high = wilson(p, n, Z)
    tail = (1 - LEVEL) / 2
    exact_low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    exact_high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return Rate(k, n, value=p, low=low, high=high, exact_low=exact_low, exact_high=exact_high)


def wilson(share: float, cases: float, quantile: float) -> tuple[float, float]:
    """Return Wilson's (1927) interval of a share of `cases`, which need not be a whole number."""
    z2 = quantile * quantile
    centre = (share + z2 / (2 * cases)) / (1 + z2 / cases)
    spread = share * (1 - share) / cases + z2 / (4 * cases * cases)
    half = quantile / (1 + z2 / cases) * math.sqrt(spread)
    low = 0.0 if share <= 0 else centre - half
    return low, 1.0 if share >= 1 else centre + half


@dataclass(frozen=True)
class Ratio:
    """A ratio with its interval; None where there is no value."""

    value: float | None
    low: float | None = None
    high: float | None = None


def likelihood_ratios(tp: int, positives: int, tn: int, negatives: int) -> tuple[Ratio, Ratio]:
    """Return the likelihood ratios of a positive and of a negative call.

    Intervals on the log scale (Simel, Samsa and Matchar 1991); none where a count is 0, and no
    value where the lower share is 0.
    """
    return (
        _ratio(tp, positives, negatives - tn, negatives),
        _ratio(positives - tp, positives, tn, negatives),
    )


def _ratio(a: int, m: int, b: int, n: int) -> Ratio:
    if m == 0 or n == 0 or b == 0:
        return Ratio(None)
    value = (a / m) / (b / n)
    if a == 0:
        return Ratio(0.0)
    half = Z * math.sqrt(1 / a - 1 / m + 1 / b - 1 / n)
    return Ratio(value, low=value * math.exp(-half), high=value * math.exp(half))


def values_at_prevalence(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float | None, float | None]:
    """Return PPV and NPV at a stated prevalence (Bayes); None where nothing is called so."""
    found = sensitivity * prevalence
    called = found + (1 - specificity) * (1 - prevalence)
    spared = specificity * (1 - prevalence)
    cleared = spared + (1 - sensitivity) * prevalence
    return found / called if called else None, spared / cleared if cleared else None


def predictive_ends(
    sensitivity: tuple[float, float, float],
    specificity: tuple[float, float, float],
    prevalence: float,
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Return the ends of PPV and NPV at a stated prevalence; None where nothing is called so.

    Each rate is (value, low, high). On the logit scale (Mercaldo, Lau and Zhou 2007) a predictive
    value is the logit of the prevalence plus the log of a likelihood ratio. The ends of that ratio
    are made from those of both rates (Zou and Donner 2008), so they cover where the rates do.
    """
    (se, se_low, se_high), (sp, sp_low, sp_high) = sensitivity, specificity
    missed, false = (1 - se, 1 - se_high, 1 - se_low), (1 - sp, 1 - sp_high, 1 - sp_low)
    return (
        _at(ratio_ends(sensitivity, false), prevalence),
        _at(ratio_ends(specificity, missed), 1 - prevalence),
    )


def ratio_ends(
    a: tuple[float, float, float], b: tuple[float, float, float]
) -> tuple[float, float] | None:
    """Return the ends of a / b from (value, low, high) of two independent shares; None for 0 / 0.

    On the log scale, squares of the distances added (Zou and Donner 2008). A share of 0 has no
    log: the open end is then 0 or infinite, the other that of both shares at their worst.
    """
    (x, low_a, high_a), (y, low_b, high_b) = a, b
    if x <= 0 and y <= 0:
        return None
    if x <= 0:
        return 0.0, high_a / low_b
    if y <= 0:
        return low_a / high_b, math.inf
    down = math.hypot(math.log(x / low_a), math.log(high_b / y))
    up = math.hypot(math.log(high_a / x), math.log(y / low_b))
    return x / y * math.exp(-down), x / y * math.exp(up)


def _at(ends: tuple[float, float] | None, share: float) -> tuple[float, float] | None:
    """Turn the ends of a likelihood ratio into those of a predictive value."""
    if ends is None:
        return None
    low, high = (1.0 if math.isinf(r) else share * r / (share * r + 1 - share) for r in ends)
    return low, high


def net_benefit(tp: int, fp: int, n: int, threshold: float) -> float:
    """Return the net benefit of acting on p ≥ threshold (Vickers and Elkin 2006)."""
    return tp / n - fp / n * threshold / (1 - threshold)
