"""Shares of lesions with intervals from the spread between patients: ratio estimator, Rao–Scott."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from hepafed.common.statistics.rates import LEVEL, Z, wilson
from numpy.typing import NDArray
from scipy.special import stdtrit

Counts = NDArray[np.int64]
ONE_PATIENT = 1e-9
"""So little above 1, a number of patients is 1 and a rounding."""
RATES: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "sensitivity": ((0, 0, 0, 1), (0, 0, 1, 1)),
    "specificity": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "ppv": ((0, 0, 0, 1), (0, 1, 0, 1)),
    "npv": ((1, 0, 0, 0), (1, 0, 1, 0)),
    "accuracy": ((1, 0, 0, 1), (1, 1, 1, 1)),
}
"""Which cells of TN, FP, FN, TP a rate counts, and of which it is the share."""


@dataclass(frozen=True)
class Clustered:
    """A figure with an interval that takes patients as clusters of the cases that are counted."""

    value: float
    low: float
    high: float
    se: float
    """Standard error from the spread between patients."""
    cases: float | None
    """So many independent cases would tell as much; None of what is not a share."""
    patients: float
    """So many patients with equally many cases would tell as much: (Σ b)² / Σ b² (Kish 1965)."""


def patient_quantile(patients: float) -> float:
    """Return Student's t, 97.5 %, for a variance between so many patients; 1 degree at least."""
    return float(stdtrit(max(patients - 1, 1.0), 0.5 + LEVEL / 2))


def clustered_rate(
    numerator: int, denominator: int, squares: tuple[int, int, int]
) -> Clustered | None:
    """Return the interval of Σ a / Σ b over patients; None where one patient has all cases.

    squares: Σ a², Σ a b, Σ b². The variance is the ratio estimator's (Cochran 1977, chapter 6),
    Σ (a − p b)² / (Σ b)², times K / (K − 1), where K = (Σ b)² / Σ b² is Kish's number of patients.
    With the design effect that follows from it (Rao and Scott 1992), Wilson's interval is taken of
    the effective number of cases, with Student's t of K − 1 degrees (Korn and Graubard 1998; Dean
    and Pavlou 2015 compare these). That number is at most the cases' own (Parker et al. 2017), so
    that the interval is never narrower than Wilson's; it is K where the share is 0 or 1 and shows
    no spread. Where no patient has two of the cases, the interval is Wilson's.
    """
    aa, ab, bb = squares
    if denominator == 0:
        return None
    n, share = denominator, numerator / denominator
    if bb <= n:
        se = math.sqrt(share * (1 - share) / n)
        return Clustered(share, *wilson(share, n, Z), se=se, cases=float(n), patients=float(n))
    patients = n * n / bb
    if patients < 1 + ONE_PATIENT:
        return None
    spread = max(0.0, aa - 2 * share * ab + share * share * bb)
    variance = spread / (n * n) * patients / (patients - 1)
    own = share * (1 - share)
    cases = patients if own == 0 else own / max(variance, own / n)
    low, high = wilson(share, cases, patient_quantile(patients))
    return Clustered(share, low, high, se=math.sqrt(variance), cases=cases, patients=patients)


def share_interval(
    counts: Counts, products: Counts, hits: Counts, cases: Counts
) -> Clustered | None:
    """Return the interval of the share of `hits` among `cases`, both 0 or 1 by kind, [k].

    counts int64[k]: cases by kind; products int64[k, k]: Σ x xᵀ over patients, x their cases by
    kind. None as in `clustered_rate`.
    """
    squares = hits @ products @ hits, hits @ products @ cases, cases @ products @ cases
    a, b, c = (int(s) for s in squares)
    return clustered_rate(int(hits @ counts), int(cases @ counts), (a, b, c))


def right_interval(table: Counts, products: Counts) -> Clustered | None:
    """Return the interval of the share on the diagonal of int[k, k] counts.

    products int64[k², k²]: Σ x xᵀ over patients, x their cases by cell. None as in
    `clustered_rate`.
    """
    right = np.eye(len(table), dtype=np.int64).ravel()
    return share_interval(table.ravel(), products, right, np.ones_like(right))


def call_intervals(called: Counts, products: Counts) -> dict[str, Clustered]:
    """Return the intervals of the rates of a 2×2 table by truth and call, those that there are.

    products int64[4, 4]: Σ x xᵀ over patients, x their cases in the order TN, FP, FN, TP. Beside
    `RATES`: `balanced_accuracy`, `likelihood_positive` and `likelihood_negative`.
    """
    made = {
        name: share_interval(called.ravel(), products, np.array(hits), np.array(cases))
        for name, (hits, cases) in RATES.items()
    }
    made["balanced_accuracy"] = _balanced(called, products, made)
    made["likelihood_positive"] = _ratio(called, products, positive=True)
    made["likelihood_negative"] = _ratio(called, products, positive=False)
    return {name: found for name, found in made.items() if found is not None}


def _balanced(
    called: Counts, products: Counts, made: Mapping[str, Clustered | None]
) -> Clustered | None:
    """Return the mean of sensitivity and specificity from their intervals (Zou and Donner 2008).

    Their correlation is that of the two ratio estimators over patients.
    """
    a, b = made["sensitivity"], made["specificity"]
    if a is None or b is None:
        return None
    (tn, fp), (fn, tp) = called.tolist()
    positives, negatives = tp + fn, tn + fp
    of_a = np.array([0, 0, -a.value, 1 - a.value]) / positives
    of_b = np.array([1 - b.value, -b.value, 0, 0]) / negatives
    aa, bb, ab = (float(x @ products @ y) for x, y in ((of_a, of_a), (of_b, of_b), (of_a, of_b)))
    r = ab / math.sqrt(aa * bb) if aa * bb > 0 else 0.0

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x + y * y + 2 * r * x * y)) / 2

    value = (a.value + b.value) / 2
    low = value - reach(a.value - a.low, b.value - b.low)
    high = value + reach(a.high - a.value, b.high - b.value)
    patients = min(a.patients, b.patients)
    se = reach(a.se, b.se)
    return Clustered(value, max(0.0, low), min(1.0, high), se=se, cases=None, patients=patients)


def _ratio(called: Counts, products: Counts, *, positive: bool) -> Clustered | None:
    """Return a likelihood ratio with its log interval (Simel et al. 1991), clustered; or None."""
    (tn, fp), (fn, tp) = called.tolist()
    hit, miss = (tp, fp) if positive else (fn, tn)
    positives, negatives, whole = tp + fn, tn + fp, float(products.sum())
    if not hit or not miss:
        return None
    patients = (positives + negatives) ** 2 / whole
    if patients < 1 + ONE_PATIENT:
        return None
    of_hit, of_miss = 1 / hit, 1 / miss
    gradient = np.array([1 / negatives, 1 / negatives, -1 / positives, -1 / positives])
    gradient += [0, -of_miss, 0, of_hit] if positive else [-of_miss, 0, of_hit, 0]
    spread = max(0.0, float(gradient @ products @ gradient)) * patients / (patients - 1)
    value, half = hit / positives / (miss / negatives), patient_quantile(patients)
    half *= math.sqrt(spread)
    return Clustered(
        value,
        value * math.exp(-half),
        value * math.exp(half),
        se=value * math.sqrt(spread),
        cases=None,
        patients=patients,
    )
