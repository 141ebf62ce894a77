"""First page: whether predicted risks can be believed, and where acting on the model helps."""

from hepafed.server.formats import CalibrationRow, Report
from hepafed.server.report.facts import counted, pooled
from hepafed.server.report.tables import interval, is_headline, number, utility, very_few

FEWEST_CASES = 100
"""Patients of each class that an external validation needs (Collins, Ogundimu and Altman 2016)."""
OTHERS = "than treating all patients as malignant, or none"


def calibration_of(report: Report) -> CalibrationRow | None:
    """Return the pooled calibration of the headline, where its slope can be judged.

    It has an interval, and no class has so few patients that it decides nothing.
    """
    if very_few(report):
        return None
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
    if row.slope.high < 0:
        return (
            "Predicted risks are the wrong way round: patients with higher ones are less often "
            f"malignant ({_slope(row)})."
        )
    return f"Predicted risks are too extreme: high ones too high, low ones too low ({_slope(row)})."


def risks_too_moderate(report: Report) -> str:
    """Speak where the whole interval of the slope is above 1."""
    row = calibration_of(report)
    if row is None or row.slope.low is None or row.slope.low <= 1:
        return ""
    return (
        f"Predicted risks are too moderate: high ones too low, low ones too high ({_slope(row)})."
    )


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
    if calibration_of(report) is not None or very_few(report):
        return ""
    return "Whether predicted risks agree with observed ones cannot be said."


def _range(low: float, high: float) -> str:
    return f"{100 * low:.0f} %" if low == high else f"{100 * low:.0f} % to {100 * high:.0f} %"


def useful_where(report: Report) -> str:
    """Speak where the decision curve has a threshold at which the model is best."""
    ranges = utility.best_ranges(utility.decision_points(report))
    if not ranges or very_few(report):
        return ""
    said = " and ".join(_range(*r) for r in ranges)
    return (
        f"Acting on the model does more good {OTHERS}, at decision thresholds of {said} (decision "
        f"curve, in steps of 5 %).{_caution(report)}"
    )


def _caution(report: Report) -> str:
    """Say that the curve can be chance where a class has few patients; it has no interval."""
    row = pooled(report)
    if row is None or row.positives is None:
        return ""
    fewest = min(row.positives, row.n - row.positives)
    if fewest >= FEWEST_CASES:
        return ""
    return (
        f" The curve has no interval, and one class has only {counted(fewest, 'patient')}: this "
        "range can be chance."
    )


def useful_nowhere(report: Report) -> str:
    """Speak where there is a decision curve and the model is best at none of its thresholds."""
    points = utility.decision_points(report)
    if not points or utility.best_ranges(points) or very_few(report):
        return ""
    return f"At no threshold of the decision curve does acting on the model do more good {OTHERS}."


def harm_at_threshold(report: Report) -> str:
    """Speak where the net benefit at the threshold is below that of treating all, or none."""
    found = utility.point_benefit(report)
    if found is None or found.model >= max(found.everybody, 0.0) - utility.EQUAL:
        return ""
    better = "all patients as malignant" if found.everybody > 0 else "no patient as malignant"
    return (
        f"At the threshold that was used, treating {better} does more good than acting on the "
        f"model (net benefit {number(max(found.everybody, 0.0))} and {number(found.model)})."
    )
