"""Figures of tables of counts: kappa, MCC, F1, McNemar's test, paired differences, Holm."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hepafed.common.statistics.rates import Z
from numpy.typing import NDArray
from scipy.special import bdtr, stdtr

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its standard error and 95 % interval, where they have one."""

    value: float
    se: float | None = None
    low: float | None = None
    high: float | None = None
    adjusted: tuple[float, float] | None = None
    """An AUC's interval on the logit scale (`auc.adjusted_interval`)."""


def estimate(value: float, se: float, *, within: tuple[float, float] | None = None) -> Estimate:
    """Return value ± 1.96 se, cut to a range."""
    low, high = value - Z * se, value + Z * se
    if within is not None:
        low, high = max(within[0], low), min(within[1], high)
    return Estimate(value, se=se, low=low, high=high)


def kappa(table: Counts) -> Estimate | None:
    """Return Cohen's kappa of int[k, k] counts; None where chance alone agrees always.

    Standard error of Fleiss, Cohen and Everitt 1969.
    """
    n = float(table.sum())
    if n == 0:
        return None
    p = table / n
    rows, columns = p.sum(1), p.sum(0)
    agreed, chance = float(np.trace(p)), float(rows @ columns)
    if chance >= 1:
        return None
    value = (agreed - chance) / (1 - chance)
    sums = columns[:, None] + rows[None, :]
    diagonal = float(np.sum(np.diag(p) * (1 - (rows + columns) * (1 - value)) ** 2))
    off = p * sums**2
    beside = (1 - value) ** 2 * float(off.sum() - np.trace(off))
    last = (value - chance * (1 - value)) ** 2
    variance = max(0.0, diagonal + beside - last) / (n * (1 - chance) ** 2)
    return estimate(value, math.sqrt(variance), within=(-1.0, 1.0))


def matthews(table: Counts) -> float | None:
    """Return the correlation of truth (rows) and call (columns), any number of classes.

    Gorodkin 2004; None where either is constant.
    """
    t = table.astype(float)
    n, rows, columns = t.sum(), t.sum(1), t.sum(0)
    below = (n * n - rows @ rows) * (n * n - columns @ columns)
    if below <= 0:
        return None
    return float((n * np.trace(t) - rows @ columns) / math.sqrt(below))


def f1_scores(table: Counts) -> list[float | None]:
    """Return each class's F1, 2 TP / (2 TP + FP + FN); None for a class neither true nor called."""
    found: list[float | None] = []
    for k in range(len(table)):
        whole = int(table[k].sum() + table[:, k].sum())
        found.append(2 * int(table[k, k]) / whole if whole else None)
    return found


def recalls(table: Counts) -> list[float | None]:
    """Return each class's sensitivity; None for a class that no case has."""
    return [int(table[k, k]) / int(r) if (r := table[k].sum()) else None for k in range(len(table))]


def mcnemar(only_first: int, only_second: int) -> float:
    """Return McNemar's exact two-sided p of discordant pairs (binomial, 1947); 1 with none."""
    n = only_first + only_second
    if n == 0:
        return 1.0
    return float(min(1.0, 2 * bdtr(min(only_first, only_second), n, 0.5)))


def clustered_mcnemar(gain: int, squares: int, patients: int) -> float | None:
    """Return the two-sided p of paired calls of lesions that share patients; None of one patient.

    gain: Σ d over patients, d the lesions that only the first calls right less those that only the
    second does; squares: Σ d²; patients: those whose d is not 0. The statistic Σ d / √(Σ d²)
    (Durkalski et al. 2003, Yang, Sun and Hardin 2010; of one lesion a patient McNemar's without
    correction) is held to Student's t of those patients minus one; 1 where there is none.
    """
    if patients < 2:
        return None if patients else 1.0
    return float(min(1.0, 2 * stdtr(patients - 1, -abs(gain) / math.sqrt(squares))))


def paired_difference(only_first: int, only_second: int, n: int) -> Estimate | None:
    """Return the difference of two paired shares, first − second, of n pairs.

    Interval of Bonett and Price 2012 (one added to each discordant count).
    """
    if n == 0:
        return None
    a, b = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = Z * math.sqrt((a + b - (a - b) ** 2) / (n + 2))
    low, high = max(-1.0, a - b - half), min(1.0, a - b + half)
    return Estimate((only_first - only_second) / n, low=low, high=high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for their number, step-down (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for step, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - step) * p_values[i]))
        adjusted[i] = largest
    return adjusted
