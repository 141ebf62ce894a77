"""Where the model helps is read off the decision curve, harm at the threshold off the counts."""

from dataclasses import replace

from hepafed.server.formats import Report
from hepafed.server.report.plain_words.risks import harm_at_threshold, risks_too_extreme
from hepafed.server.report.plain_words.weak import slope_off

from tests.server.report.kinds import KINDS


def test_a_threshold_at_which_the_model_is_the_best_is_not_called_harmful() -> None:
    assert harm_at_threshold(KINDS["huge"]()) == ""


def with_slope(value: float, low: float, high: float) -> Report:
    report = KINDS["huge"]()
    rows = tuple(
        replace(c, slope=replace(c.slope, value=value, low=low, high=high))
        for c in report.calibration
    )
    return replace(report, calibration=rows)


def test_a_slope_below_0_is_not_called_too_extreme() -> None:
    backwards = with_slope(-2.0, -2.8, -0.1)
    assert "wrong way round" in risks_too_extreme(backwards)
    assert "too extreme" not in risks_too_extreme(backwards)
    assert "recalibration" not in slope_off(backwards)
    flat = with_slope(-0.1, -0.8, 0.0)
    assert "too extreme" in risks_too_extreme(flat)
    assert "recalibration" in slope_off(flat)
