"""Calls that only one of two models gets right, and how they can fall on patients."""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def right_alone(calls: Counts) -> tuple[int, int]:
    """Return the cases that only the first, and only the second, model calls right.

    calls int64[2, 2, 2]: cases by truth and the two calls.
    """
    return int(calls[1, 1, 0] + calls[0, 0, 1]), int(calls[1, 0, 1] + calls[0, 1, 0])


def possible_discordance(first: int, second: int, squares: int, patients: int) -> bool:
    """Return whether Σ d² over so many patients with d ≠ 0 can be that of such cases.

    `first` and `second` are the cases that one model alone calls right.
    """
    cases, gain = first + second, first - second
    # |d| is 1 at least, Σ |d| as much as |Σ d| at least and as the cases at most
    few = 0 <= patients <= cases and gain * gain <= squares * max(patients, 1)
    return few and patients <= squares <= cases * cases and (squares - gain) % 2 == 0
