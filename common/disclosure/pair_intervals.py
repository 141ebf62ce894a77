"""Intervals of the AUCs of several models and of their differences, patients as clusters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from hepafed.common.contract import Figure, PairSummary
from hepafed.common.statistics import (
    FIGURES,
    Additive,
    Auc,
    Estimate,
    Intervals,
    Products,
    Sizes,
    clustered_interval,
    covariance,
    products_with_exact_squares,
    sizes_of,
)
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDING = 1e-12
"""A smaller variance is the rounding of sums in fixed point; the two models do not differ."""
NO_VARIANCE = "the difference has no variance: no interval"


@dataclass(frozen=True, eq=False)
class KnownIntervals:
    """What the placement sums tell of all models' figures: their covariance, and who covers."""

    matrix: Floats
    ends: list[Estimate | None]

    def variance(self, x: int, y: int) -> float:
        """Return the variance of figure y less figure x."""
        return float(self.matrix[x, x] + self.matrix[y, y] - 2 * self.matrix[x, y])

    def correlation(self, x: int, y: int) -> float:
        """Return the correlation of two figures; 0 where one has no variance."""
        both = float(self.matrix[x, x] * self.matrix[y, y])
        return float(self.matrix[x, y]) / math.sqrt(both) if both > 0 else 0.0


def known_intervals(
    sums: Sequence[Additive],
    cells: list[list[Intervals]],
    values: list[list[Auc | None]],
    products: Products,
) -> KnownIntervals:
    """Return the intervals of all models' `FIGURES`, from the sums of both steps.

    Patients are independent cases: the interval that covers is that of the AUC by itself, as it
    stands in the results.
    """
    sizes = _together([sizes_of(c, s.size, s.clusters) for c, s in zip(cells, sums, strict=True)])
    every = [c for model in cells for c in model]
    crossed, fourth = products_with_exact_squares(every, products), products.real()[2]

    def ends(i: int, unit: str, auc: Auc | None) -> Estimate | None:
        if auc is None:
            return None
        found = clustered_interval(auc.value, crossed, fourth, sizes, i)
        if found is None or unit != "patient":
            return found
        return replace(found, adjusted=auc.adjusted)

    named = [(unit, auc) for model in values for (unit, _), auc in zip(FIGURES, model, strict=True)]
    found = [ends(i, unit, auc) for i, (unit, auc) in enumerate(named)]
    return KnownIntervals(_covariance(every, products, sizes), found)


def with_covering(pair: PairSummary, known: KnownIntervals, x: int, y: int) -> PairSummary:
    """Add the intervals that cover, of both AUCs and of their difference."""
    first, second = (
        None if (e := known.ends[i]) is None or e.adjusted is None else e for i in (x, y)
    )
    gain = pair.difference
    varies = gain.value is not None and known.variance(x, y) > ROUNDING
    if first is not None and second is not None and varies:
        low, high = difference_ends(first, second, known.correlation(x, y))
        gain = Figure(value=gain.value, low=low, high=high)
    else:
        gain = Figure(value=gain.value, reason=gain.reason or NO_VARIANCE)
    return replace(pair, covering_first=_ends(first), covering_second=_ends(second), covering=gain)


def _ends(found: Estimate | None) -> Figure | None:
    if found is None or found.adjusted is None:
        return None
    return Figure(value=found.value, low=found.adjusted[0], high=found.adjusted[1])


def difference_ends(first: Estimate, second: Estimate, correlation: float) -> tuple[float, float]:
    """Return the ends of second − first from the covering intervals of both AUCs.

    Square-and-add of the distances to the ends that count, with the AUCs' correlation (Zou and
    Donner 2008; of correlated AUCs Zou and Yue 2013). The paired DeLong interval, value ± 1.96
    se, is too narrow where one AUC is high and the cohort small.
    """
    (low1, high1), (low2, high2) = first.adjusted or (0.0, 1.0), second.adjusted or (0.0, 1.0)
    down = _joined(second.value - low2, high1 - first.value, correlation)
    up = _joined(high2 - second.value, first.value - low1, correlation)
    gain = second.value - first.value
    return max(-1.0, gain - down), min(1.0, gain + up)


def _joined(a: float, b: float, correlation: float) -> float:
    return math.sqrt(max(a * a + b * b - 2 * correlation * a * b, 0.0))


def _covariance(cells: list[Intervals], products: Products, sizes: Sizes) -> Floats:
    """Return the covariance of all models' AUCs: exact variances, correlations off the curves.

    Curves are coarse. The squares that they smooth away come back from the histograms; the
    products of two models keep their correlation, so that the matrix stays one of a covariance
    and two equal models differ by exactly nothing.
    """
    coarse = covariance(products.real()[0], sizes)
    exact = covariance(products_with_exact_squares(cells, products), sizes)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(np.diag(exact) / np.diag(coarse))
    scale = np.where(np.isfinite(scale), scale, 1.0)
    return np.asarray(coarse * np.outer(scale, scale), np.float64)


def _together(parts: Sequence[Sizes]) -> Sizes:
    return Sizes(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Sizes)}
    )
