"""Figures of counts with noise; their 95 % intervals hold sampling and noise.

Each interval is made of the values that a test does not refuse, as Wilson's and Newcombe's are.
Without noise the rates have Wilson's interval and the AUC Newcombe's (2006) score interval.
Nothing is made positive on the way: that would shift the figures (docs/statistics.md).
"""

import math

import numpy as np
from hepafed.common.contract import Figure
from hepafed.common.statistics import Z, expected_variance
from hepafed.server.pooling.noisy.counts import Estimated, Floats

DROWNED = "the noise is larger than what is counted"
GRID = 1000
"""Steps in which the AUCs that are not refused are looked for."""


def noisy_rate(hits: float, misses: float, variance: float) -> Figure:
    """Return the share hits / (hits + misses).

    `variance` is that of the noise in each of the two, which are independent.
    """
    n, z2 = hits + misses, Z * Z
    # (hits − p n)² ≤ z² (n p (1 − p) + variance ((1 − p)² + p²)), as a p² + b p + c ≤ 0
    a = n * n + z2 * n - 2 * z2 * variance
    b = -2 * hits * n - z2 * n + 2 * z2 * variance
    c = hits * hits - z2 * variance
    if n <= 0 or n * n <= 2 * z2 * variance or a <= 0 or b * b < 4 * a * c:
        return Figure(reason=DROWNED)
    root = math.sqrt(b * b - 4 * a * c)
    low, high = ((-b + s * root) / (2 * a) for s in (-1, 1))
    value = min(1.0, max(0.0, hits / n))
    return Figure(
        value=value, low=min(value, max(0.0, low)), high=max(value, min(1.0, max(0.0, high)))
    )


def noisy_auc(found: Estimated) -> tuple[Figure, float]:
    """Return the AUC over the cells, and how far the cells can have moved it at most.

    A tied pair counts half. At an AUC of A the sum over pairs of (1 above, ½ tied, 0) − A has the
    mean 0 whatever the noise, because the noise of the two classes is independent. Its variance is
    that of the noise, plus that expected of so many cases (Newcombe 2006).
    """
    negatives, positives = found.cells
    n, p = found.totals.tolist()
    if min(n, p) <= 0 or min(n, p) ** 2 <= 2 * Z * Z * found.half:
        return Figure(reason=DROWNED), 0.0
    above = np.tri(len(positives), k=-1) + np.eye(len(positives)) / 2
    middle = float(positives @ above @ negatives)
    at = np.linspace(0.0, 1.0, GRID + 1)
    inside = at[(middle - at * p * n) ** 2 <= Z * Z * _variance(at, found, above)]
    value = min(1.0, max(0.0, middle / (p * n)))
    low, high = min([value, *inside]), max([value, *inside])
    if low <= 0 and high >= 1:
        return Figure(reason=DROWNED), 0.0
    tied = float(positives @ negatives) / (p * n)
    made = Figure(value=value, low=float(low), high=float(high))
    return made, min(1.0, max(0.0, tied / 2))


def _variance(at: Floats, found: Estimated, above: Floats) -> Floats:
    """Return the variance of Σ over pairs of (order − a), for each a of `at`: noise and cases."""
    down, up = found.cells
    n, p = found.totals.tolist()
    s, ones = found.covariance, np.ones(len(up))
    # the noise of both classes at once, which the estimates below hold twice
    both = _parabola(
        at,
        float(np.trace(s @ above @ s @ above.T)),
        float(ones @ s @ above @ s @ ones),
        float(ones @ s @ ones) ** 2,
    )
    noise = -both
    for known, total in ((above @ down, n), (above.T @ up, p)):
        noise = noise + _parabola(
            at,
            float(known @ s @ known),
            total * float(ones @ s @ known),
            total**2 * float(ones @ s @ ones),
        )
    cases = np.array([expected_variance(a, p, n) for a in at])
    made: Floats = np.maximum(noise, both) + (p * n) ** 2 * cases
    return made


def _parabola(at: Floats, constant: float, half: float, square: float) -> Floats:
    """Return constant − 2 · half · a + square · a²."""
    made: Floats = constant - 2 * half * at + square * at**2
    return made


def noisy_total(value: float, variance: float) -> Figure:
    """Return a number of patients, 0 at least, with its interval of the noise alone."""
    half = Z * math.sqrt(variance)
    return Figure(value=max(0.0, value), low=max(0.0, value - half), high=max(0.0, value + half))
