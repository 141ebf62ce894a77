"""Exact samples of the discrete Gaussian, from uniform integers and nothing else.

Canonne, Kamath and Steinke, "The discrete Gaussian for differential privacy" (NeurIPS 2020),
algorithms 1 to 3. No floating point is used: what a float cannot hold has given noise away before
(Mironov 2012).
"""

import math
import secrets
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[int], int]
"""Gives a uniform integer from 0 up to below its argument."""


def discrete_gaussian(variance: Fraction, draw: Draw = secrets.randbelow) -> int:
    """Return x with probability proportional to exp(−x² / (2 · variance)), over all integers.

    `variance`: the parameter σ², above 0; the variance of the samples is just below it.
    """
    scale = math.isqrt(variance.numerator // variance.denominator) + 1
    while True:
        y = _discrete_laplace(scale, draw)
        if _exponential((abs(y) - variance / scale) ** 2 / (2 * variance), draw):
            return y


def noise_of(variance: Fraction, length: int, draw: Draw = secrets.randbelow) -> NDArray[np.int64]:
    """Return int64[length] independent samples."""
    return np.array([discrete_gaussian(variance, draw) for _ in range(length)], np.int64)


def _discrete_laplace(scale: int, draw: Draw) -> int:
    """Return x with probability proportional to exp(−|x| / scale)."""
    while True:
        part = draw(scale)
        if not _exponential(Fraction(part, scale), draw):
            continue
        whole = 0
        while _exponential(Fraction(1), draw):
            whole += 1
        size, negative = part + scale * whole, draw(2)
        if negative and not size:
            continue  # 0 would come twice as often
        return -size if negative else size


def _exponential(gamma: Fraction, draw: Draw) -> bool:
    """Return True with probability exp(−gamma), gamma ≥ 0."""
    while gamma > 1:
        if not _exponential(Fraction(1), draw):
            return False
        gamma -= 1
    tries = 1
    while draw(gamma.denominator * tries) < gamma.numerator:
        tries += 1
    return tries % 2 == 1
