"""How much noise each site of a sum adds, so that those of the honest ones are enough together.

The sum of independent discrete Gaussians is nearly one: Kairouz, Liu and Steinke, "The distributed
discrete Gaussian mechanism for federated learning with secure aggregation" (ICML 2021), theorem 1,
says by how little it is not.
"""

import math
from fractions import Fraction

UNIT = 1 << 16
"""Variances cross the wire as whole numbers of 1 / `UNIT`."""
LEAST_SHARE = UNIT // 4
"""The smallest variance of one site's noise: the theorem holds from σ = ½."""
LARGEST_SHARE = 1 << 48


def honest_sites(participants: int, colluding: int) -> int:
    """Return on how many sites' noise a site counts, its own included."""
    return participants - min(colluding, participants - 1)


def variance_of(share: int) -> Fraction:
    """Return the variance of one site's noise in each count."""
    return Fraction(share, UNIT)


def told_by(share: int, honest: int, length: int, squared: int) -> float:
    """Return rho, the zero-concentrated differential privacy of a sum with noise.

    Parameters
    ----------
    share : variance of each site's noise, in 1 / `UNIT`, `LEAST_SHARE` at least.
    honest : sites whose noise nobody else knows.
    length : counts of the vector.
    squared : the most by which one patient changes the vector, as Σ of squares.
    """
    variance = share / UNIT
    gap = 10 * sum(
        math.exp(-2 * math.pi**2 * variance * k / (k + 1)) for k in range(1, min(honest, 10**4))
    )
    whole = squared / (honest * variance)
    one = math.sqrt(whole + gap * length / 2)
    other = math.sqrt(whole) + gap * math.sqrt(length)
    return min(one, other) ** 2 / 2


def share_for(rho: float, honest: int, length: int, squared: int) -> int:
    """Return the smallest share (in 1 / `UNIT`) with which `told_by` is `rho` at most."""
    low, high = LEAST_SHARE - 1, LARGEST_SHARE
    while high - low > 1:
        middle = (low + high) // 2
        if told_by(middle, honest, length, squared) <= rho:
            high = middle
        else:
            low = middle
    return high
