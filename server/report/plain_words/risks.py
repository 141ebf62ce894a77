"""First page: whether predicted risks can be believed, and where acting on the model helps."""

from collections.abc import Sequence

from hepafed.common.statistics import net_benefit
from hepafed.server.formats import CalibrationRow, NetBenefit, Report
from hepafed.server.report.facts import pooled
from hepafed.server.report.tables import interval, is_headline, number

OTHERS = "than treating all patients as malignant, or none"


def calibration_of(report: Report) -> CalibrationRow | None:
    """Return the pooled calibration of the headline, where its slope has an interval."""
    for row in report.calibration:
        if row.scope == "pooled" and is_headline(row):
            ends = (row.slope.value, row.slope.low, row.slope.high)
            return None if None in ends else row
    return None


def _slope(row: CalibrationRow) -> str:
    return (
        f"calibration slope {number(row.slope.value, 2)}, 95 % CI {interval(row.slope, 2)}; ideal 1"
    )


def risks_too_extreme(report: Report) -> str:
    """Speak where the whole interval of the slope is below 1."""
    row = calibration_of(report)
    if row is None or row.slope.high is None or row.slope.high >= 1:
        return ""
    return f"Predicted risks are too extreme: high ones too high, low ones too low ({_slope(row)})."


def risks_too_moderate(report: Report) -> str:
    """Speak where the whole interval of the slope is above 1."""
    row = calibration_of(report)
    if row is None or row.slope.low is None or row.slope.low <= 1:
        return ""
    return f"Predicted risks are too moderate ({_slope(row)})."


def slope_agrees(report: Report) -> str:
    """Speak where the interval of the slope holds 1."""
    row = calibration_of(report)
    if row is None or row.slope.low is None or row.slope.high is None:
        return ""
    if not row.slope.low <= 1 <= row.slope.high:
        return ""
    return (
        "These patients do not show that predicted risks are too extreme or too moderate "
        f"({_slope(row)})."
    )


def risks_shifted(report: Report) -> str:
    """Speak where the interval of calibration in the large does not hold 0."""
    row = calibration_of(report)
    if row is None or row.in_the_large.low is None or row.in_the_large.high is None:
        return ""
    if row.in_the_large.low <= 0 <= row.in_the_large.high:
        return ""
    level = "low" if row.in_the_large.low > 0 else "high"
    return f"On average predicted risks are too {level}."


def calibration_missing(report: Report) -> str:
    """Speak where no slope with an interval can be given."""
    if calibration_of(report) is not None:
        return ""
    return "Whether predicted risks agree with observed ones cannot be said."


def best_ranges(points: Sequence[NetBenefit]) -> list[tuple[float, float]]:
    """Return the ranges of the threshold in which the model is better than both others."""
    ranges: list[tuple[float, float]] = []
    open_ = False
    for p in sorted(points, key=lambda p: p.threshold):
        if p.model > max(p.all, 0.0):
            if open_:
                ranges[-1] = (ranges[-1][0], p.threshold)
            else:
                ranges.append((p.threshold, p.threshold))
            open_ = True
        else:
            open_ = False
    return ranges


def _range(low: float, high: float) -> str:
    return f"{100 * low:.0f} %" if low == high else f"{100 * low:.0f} % to {100 * high:.0f} %"


def useful_where(report: Report) -> str:
    """Speak where the decision curve has a threshold at which the model is best."""
    row = pooled(report)
    ranges = best_ranges((row.net_benefit if row is not None else None) or ())
    if not ranges:
        return ""
    said = " and ".join(_range(*r) for r in ranges)
    return (
        f"Acting on the model does more good {OTHERS}, at decision thresholds of {said} (decision "
        "curve, in steps of 5 %)."
    )


def useful_nowhere(report: Report) -> str:
    """Speak where there is a decision curve and the model is best at none of its thresholds."""
    row = pooled(report)
    points = (row.net_benefit if row is not None else None) or ()
    if not points or best_ranges(points):
        return ""
    return f"At no threshold of the decision curve does acting on the model do more good {OTHERS}."


def benefit_at_threshold(report: Report) -> tuple[float, float] | None:
    """Return the net benefit of the model at its threshold, and of treating all; None: not known.

    From the counts at the operating point (Vickers and Elkin 2006), where they are of all patients.
    """
    row, at = pooled(report), report.model.operating_point.threshold
    if row is None or row.sensitivity is None or row.specificity is None or not 0 < at < 1:
        return None
    tp, p = row.sensitivity.numerator, row.sensitivity.denominator
    tn, n = row.specificity.numerator, row.specificity.denominator
    if tp is None or p is None or tn is None or n is None or not 0 < p + n == row.n:
        return None
    return net_benefit(tp, n - tn, p + n, at), net_benefit(p, n, p + n, at)


def harm_at_threshold(report: Report) -> str:
    """Speak where the net benefit at the threshold is below that of treating all, or none."""
    found = benefit_at_threshold(report)
    if found is None or found[0] >= max(found[1], 0.0):
        return ""
    better = "all patients as malignant" if found[1] > 0 else "no patient as malignant"
    return (
        f"At the threshold that was used, treating {better} does more good than acting on the "
        f"model (net benefit {number(max(found[1], 0.0))} and {number(found[0])})."
    )
