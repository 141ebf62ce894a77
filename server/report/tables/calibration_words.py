"""How well predicted and observed risk agree, in sentences, as far as the intervals tell."""

from hepafed.common.statistics import TENTHS
from hepafed.server.formats import CalibrationRow, IntervalEstimate, ReliabilityTenth, Report
from hepafed.server.report.tables.table import is_headline
from hepafed.server.report.tables.words import figure
from scipy.stats import binomtest

VERY_FEW = 10
"""Patients of a class below which no calibration is judged (Wilson's interval of 9 of 9: 70 %)."""
CHANCE = 0.05 / TENTHS
"""p value under which a tenth is off: the ten are looked at together (Bonferroni)."""


def class_sizes(report: Report) -> dict[str, int]:
    """Return the pooled patients of each class; empty where they are not known."""
    for r in report.results:
        if r.scope == "pooled" and is_headline(r) and r.positives is not None:
            return {"malignant": r.positives, "benign": r.n - r.positives}
    return {}


def very_few(report: Report) -> bool:
    """Return whether a class has fewer than `VERY_FEW` patients."""
    return any(n < VERY_FEW for n in class_sizes(report).values())


def calibration_sentences(report: Report) -> list[str]:
    """Return what slope, calibration in the large and tenths say of malignancy per patient."""
    rows = [c for c in report.calibration if is_headline(c) and c.scope == "pooled"]
    if not rows:
        return []
    row = rows[0]
    if very_few(report):
        return _undecided(row.slope)
    return [*_slope(row.slope), *_large(row.in_the_large), *_farthest(row)]


def _undecided(slope: IntervalEstimate) -> list[str]:
    """Return the slope without a verdict."""
    shown = "" if slope.value is None else f"The calibration slope is {figure(slope)}; ideal is 1. "
    return [f"{shown}So few patients of a class cannot show whether predicted risks agree."]


def _slope(slope: IntervalEstimate) -> list[str]:
    if slope.value is None:
        return [f"No calibration slope: {slope.reason}."] if slope.reason else []
    if slope.low is None or slope.high is None:
        return []
    stated = f"The calibration slope is {figure(slope)}; ideal is 1."
    if slope.high < 0:
        return [
            stated,
            "Predictions are the wrong way round: patients with higher ones are less often "
            "malignant.",
        ]
    if slope.high < 1:
        return [stated, "Predictions are too extreme: high ones are too high, low ones too low."]
    if slope.low > 1:
        return [stated, "Predictions are too moderate: high ones are too low, low ones too high."]
    return [
        stated,
        "The interval includes 1: these patients do not show that predictions are too extreme or "
        "too moderate.",
    ]


def _large(large: IntervalEstimate) -> list[str]:
    if large.value is None or large.low is None or large.high is None:
        return []
    stated = f"Calibration in the large is {figure(large)}; ideal is 0."
    if large.low > 0:
        return [stated, "On average the risk is predicted too low."]
    if large.high < 0:
        return [stated, "On average the risk is predicted too high."]
    return [
        stated,
        "The interval includes 0: these patients do not show that the risk is predicted too high "
        "or too low on average.",
    ]


def _farthest(row: CalibrationRow) -> list[str]:
    """Return the tenth that is farthest off, of those that are off by more than chance."""
    off = [(gap, b) for b in row.reliability if (gap := _gap(b)) is not None]
    if not off:
        return []
    _, worst = max(off, key=lambda found: found[0])
    seen, mean = worst.observed, worst.mean_score
    return [
        f"The tenth that is farthest off: of {seen.denominator} patients with a predicted "
        f"probability of {mean:.2f} on average, {seen.numerator} "
        f"{'was' if seen.numerator == 1 else 'were'} malignant, {figure(seen)}."
    ]


def _gap(tenth: ReliabilityTenth) -> float | None:
    """Return how far a tenth is off; None where chance can explain it.

    The number of malignant patients is held against the binomial distribution with their mean
    predicted probability, whose variance is at least that of unequal probabilities.
    """
    seen, mean = tenth.observed, tenth.mean_score
    if mean is None or seen.value is None or not seen.denominator or seen.numerator is None:
        return None
    if binomtest(seen.numerator, seen.denominator, min(mean, 1.0)).pvalue >= CHANCE:
        return None
    return abs(mean - seen.value)
