"""ROC and precision-recall curves from intervals of bins, and the figures read off them.

With fine bins (or cells of single scores) every figure is that of the score table at bin
resolution. With merged cells the curve runs through the middle of what the cells leave open, and
`Read.least`/`most` say how far the figure could lie below or above.
"""

from dataclasses import dataclass

import numpy as np
from hepafed.common.statistics.bins import Intervals, mass_of_bins
from hepafed.common.statistics.rates import Z
from numpy.typing import NDArray
from scipy.special import betaincinv

Floats = NDArray[np.float64]
FEWEST = 3
"""Cases beyond a rate that is held, on average, without which the other rate has no interval."""
_PARTS = 200
"""Parts of the distribution of a rate over which the interval of the other one is averaged."""
POINTS = 200
"""The most points of a curve that is drawn; figures are read off the whole curve."""


@dataclass(frozen=True)
class Curve:
    """Cases at or above falling thresholds, float64[k + 1] each, from none to all."""

    positives: Floats
    negatives: Floats

    @property
    def sensitivity(self) -> Floats:
        """The share of the positives at or above each threshold."""
        return np.asarray(self.positives / self.positives[-1])

    @property
    def false_positives(self) -> Floats:
        """The share of the negatives at or above each threshold."""
        return np.asarray(self.negatives / self.negatives[-1])


def curve_from_mass(positives: Floats, negatives: Floats) -> Curve:
    """Return the curve of masses over ordered scores (lowest first)."""
    held = np.flatnonzero(positives + negatives)[::-1]
    zero = np.zeros(1)
    return Curve(
        positives=np.concatenate([zero, np.cumsum(positives[held])]),
        negatives=np.concatenate([zero, np.cumsum(negatives[held])]),
    )


def middle_curve(cells: Intervals) -> Curve | None:
    """Return the curve through the middle of what cells leave open; None when a class is empty."""
    if 0 in cells.totals:
        return None
    low, high = cells.low, cells.high
    if (low[1:] >= high[:-1]).all():  # apart and in order: straight lines between their edges
        return curve_from_mass(cells.positives.astype(float), cells.negatives.astype(float))
    return curve_from_mass(
        mass_of_bins(low, high, cells.positives), mass_of_bins(low, high, cells.negatives)
    )


def curves(cells: Intervals) -> tuple[Curve, Curve, Curve] | None:
    """Return the middle, the worst and the best curve; None when a class is empty.

    In the worst curve every positive is at the lower end of its interval and every negative at the
    upper end.
    """
    middle = middle_curve(cells)
    if middle is None:
        return None

    def at(place_positives: NDArray[np.int64], place_negatives: NDArray[np.int64]) -> Curve:
        size = int(max(cells.high.max(), 1))
        return curve_from_mass(
            np.bincount(place_positives, weights=cells.positives, minlength=size).astype(float),
            np.bincount(place_negatives, weights=cells.negatives, minlength=size).astype(float),
        )

    low, last = cells.low, cells.high - 1
    if (low == last).all():
        return middle, middle, middle
    return middle, at(low, last), at(last, low)


def _thin(x: Floats, y: Floats) -> list[list[float]]:
    keep = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).round().astype(int))
    points: list[list[float]] = np.stack([x[keep], y[keep]], axis=1).tolist()
    return points


def roc_points(curve: Curve) -> list[list[float]]:
    """Return points (false positive rate, sensitivity), 200 at most, without those on a line."""
    x, y = curve.false_positives, curve.sensitivity
    turns = np.ones(len(x), bool)
    dx, dy = np.diff(x), np.diff(y)
    turns[1:-1] = np.abs(dx[:-1] * dy[1:] - dx[1:] * dy[:-1]) > 0
    return _thin(x[turns], y[turns])


def pr_points(curve: Curve) -> list[list[float]]:
    """Return points (recall, precision), 200 at most, from the highest threshold on."""
    found = curve.positives[1:] + curve.negatives[1:]
    return _thin(curve.sensitivity[1:], curve.positives[1:] / found)


def average_precision(curve: Curve) -> float:
    """Return Σ (recall gained) · precision, as scikit-learn defines it."""
    gained = np.diff(curve.sensitivity)
    precision = curve.positives[1:] / (curve.positives[1:] + curve.negatives[1:])
    return float(np.dot(gained, precision))


def sensitivity_at(curve: Curve, specificity: float) -> float:
    """Return the largest sensitivity at a specificity, straight lines between points (pROC)."""
    return _upper(curve.false_positives, curve.sensitivity, 1 - specificity)


def specificity_at(curve: Curve, sensitivity: float) -> float:
    """Return the largest specificity at a sensitivity, straight lines between points (pROC)."""
    return _upper(1 - curve.sensitivity[::-1], 1 - curve.false_positives[::-1], 1 - sensitivity)


def sensitivity_interval(curve: Curve, specificity: float) -> tuple[float, float] | None:
    """Return the 95 % interval of the sensitivity at a specificity, of independent cases.

    The threshold at which the specificity is reached is itself estimated: its specificity varies as
    an order statistic of the negatives does (a beta distribution). The variance of the sensitivity
    is that of a share plus that over the threshold (Linnet 1987; Zhou and Qin 2005); the share of
    as many cases as have this variance gets Wilson's interval.

    The interval holds `sensitivity_at`. Returns None where fewer than 3 negatives are expected
    beyond the specificity: no interval of so few covers.
    """
    x, y = curve.false_positives, curve.sensitivity
    return _ends(x, y, 1 - specificity, float(curve.negatives[-1]), float(curve.positives[-1]))


def specificity_interval(curve: Curve, sensitivity: float) -> tuple[float, float] | None:
    """Return the 95 % interval of the specificity at a sensitivity; see `sensitivity_interval`."""
    x, y = 1 - curve.sensitivity[::-1], 1 - curve.false_positives[::-1]
    return _ends(x, y, 1 - sensitivity, float(curve.positives[-1]), float(curve.negatives[-1]))


def _ends(x: Floats, y: Floats, at: float, held: float, other: float) -> tuple[float, float] | None:
    """Return the interval of y where x is held at `at` by `held` cases; y is of `other` cases."""
    if at * held < FEWEST - 1e-9:
        return None
    parts = (np.arange(_PARTS) + 0.5) / _PARTS
    reached = betaincinv(at * held + 0.5, (1 - at) * held + 0.5, parts)
    found = np.interp(reached, x, y)
    mean = float(found.mean())
    variance = float((found * (1 - found)).mean()) / other + float(found.var())
    spread = mean * (1 - mean)
    cases = spread / variance if spread > 0 and variance > 0 else other
    shrunk = 1 + Z**2 / cases
    middle = (mean + Z**2 / (2 * cases)) / shrunk
    half = Z / shrunk * float(np.sqrt(spread / cases + (Z / (2 * cases)) ** 2))
    value = _upper(x, y, at)  # where the curve is steep its middle can lie beside it
    return max(0.0, min(value, middle - half)), min(1.0, max(value, middle + half))


def _upper(x: Floats, y: Floats, at: float) -> float:
    """Return y at x = `at` of an ascending curve; the upper end where it is vertical."""
    i = int(np.searchsorted(x, at + 1e-12, side="right")) - 1
    if i + 1 >= len(x):
        return float(y[-1])
    share = (at - x[i]) / (x[i + 1] - x[i])
    return float(y[i] + max(share, 0.0) * (y[i + 1] - y[i]))


def partial_auc(curve: Curve, specificity: float) -> float:
    """Return the area over false positive rates 0…1 − specificity, made 0.5…1 (McClish 1989)."""
    limit = 1 - specificity
    x, y = curve.false_positives, curve.sensitivity
    inside = x <= limit + 1e-12
    x_in = np.append(x[inside], limit)
    y_in = np.append(y[inside], _upper(x, y, limit))
    area = float(np.dot(np.diff(x_in), (y_in[1:] + y_in[:-1]) / 2))
    chance = limit * limit / 2
    return (1 + (area - chance) / (limit - chance)) / 2
