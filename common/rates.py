"""Shares of counts with Wilson's and Clopper and Pearson's intervals, and ratios of shares."""

import math
from dataclasses import dataclass

from scipy.stats import beta, norm

LEVEL = 0.95
Z = float(norm.ppf(0.5 + LEVEL / 2))


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
