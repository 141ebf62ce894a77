"""Sentences on calibration say no more than their intervals."""

from dataclasses import replace

import pytest
from hepafed.server.formats import (
    CalibrationRow,
    IntervalEstimate,
    PointEstimate,
    RateEstimate,
    ReliabilityTenth,
    Report,
)
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.tables.calibration_words import calibration_sentences
from hepafed.server.report.tables.words import number

from tests.server.federation import table_of

NOTHING = PointEstimate(value=None, reason="not made")


def ends(value: float | None, low: float | None, high: float | None) -> IntervalEstimate:
    return IntervalEstimate(value=value, low=low, high=high, reason="" if value else "why not")


def tenth(place: int, malignant: int, n: int, mean: float | None) -> ReliabilityTenth:
    value = malignant / n if n else None
    rate = RateEstimate(value=value, low=0.1, high=0.2, numerator=malignant, denominator=n)
    return ReliabilityTenth(
        low=place / 10, high=(place + 1) / 10, n=n, mean_score=mean, observed=rate
    )


def said(
    slope: IntervalEstimate,
    large: IntervalEstimate,
    *tenths: ReliabilityTenth,
    lesions: int = 400,
) -> list[str]:
    row = CalibrationRow(
        scope="pooled",
        site=None,
        unit="patient",
        task="malignant_vs_benign",
        n=100,
        prevalence=NOTHING,
        brier=NOTHING,
        ece=NOTHING,
        mean_score=NOTHING,
        reliability=tenths,
        slope=slope,
        intercept=ends(0.0, -9.0, 9.0),
        in_the_large=large,
    )
    of_a_site = replace(row, scope="site", site="a", slope=ends(9.0, 8.0, 9.5))
    made: Report = report_from_scores(table_of("a", 1, lesions), 0.5)
    return calibration_sentences(replace(made, calibration=(of_a_site, row)))


NONE = ends(None, None, None)


@pytest.mark.parametrize(
    ("slope", "words"),
    [
        (ends(0.46, 0.26, 0.99), "too extreme: high ones are too high"),
        (ends(-1.2, -1.5, -0.1), "the wrong way round"),
        (ends(-0.2, -1.5, 0.0), "too extreme: high ones are too high"),
        (ends(0.46, 0.26, 1.0), "do not show that predictions are too extreme"),
        (ends(1.2, 1.0, 1.4), "do not show that predictions are too extreme"),
        (ends(1.2, 1.01, 1.4), "too moderate: high ones are too low"),
    ],
)
def test_the_slope_is_judged_by_its_whole_interval(slope: IntervalEstimate, words: str) -> None:
    found = said(slope, NONE)
    assert len(found) == 2
    assert found[0].startswith(f"The calibration slope is {number(slope.value)} (")
    assert words in found[1]


@pytest.mark.parametrize(
    ("large", "words"),
    [
        (ends(0.4, 0.01, 0.8), "predicted too low."),
        (ends(0.4, 0.0, 0.8), "do not show that the risk is predicted too high or too low"),
        (ends(-0.4, -0.8, 0.0), "do not show that the risk is predicted too high or too low"),
        (ends(-0.4, -0.8, -0.01), "predicted too high."),
    ],
)
def test_calibration_in_the_large_is_judged_by_its_whole_interval(
    large: IntervalEstimate, words: str
) -> None:
    found = said(ends(None, None, None), large)
    assert found[0] == "No calibration slope: why not."
    assert words in found[2]
    assert len(found) == 3


def test_what_has_no_interval_is_not_judged() -> None:
    assert said(ends(0.4, None, None), ends(0.4, None, None)) == []


def test_of_the_tenths_the_farthest_that_chance_does_not_explain_is_named() -> None:
    """By the exact binomial: 9 of 17 at 0.85 has p 0.0017, 8 of 17 0.0002; 0.005 is the limit.

    2 of 3 at 0.05 is farther off than 8 of 17 at 0.85 with p 0.007; 20 of 40 at 0.5 is not off.
    """
    near, far = tenth(8, 9, 17, 0.85), tenth(8, 8, 17, 0.85)
    few, good = tenth(0, 2, 3, 0.05), tenth(5, 20, 40, 0.5)
    (found,) = said(ends(0.4, None, None), NONE, few, good, far, tenth(9, 0, 0, None))
    assert "of 17 patients with a predicted probability of 0.85 on average, 8 were" in found
    (nearer,) = said(ends(0.4, None, None), NONE, near)
    assert "9 were malignant" in nearer
    assert said(ends(0.4, None, None), NONE, few, good) == []


def test_a_report_without_calibration_has_no_sentence() -> None:
    made = report_from_scores(table_of("a", 1, 12), 0.5)
    assert calibration_sentences(replace(made, calibration=())) == []


def test_a_class_of_nine_patients_judges_no_calibration() -> None:
    (found,) = said(ends(0.46, 0.26, 0.99), ends(0.4, 0.1, 0.9), lesions=36)
    assert "0.460 (0.260–0.990); ideal is 1." in found
    assert found.endswith("So few patients of a class cannot show whether predicted risks agree.")
    assert "too extreme" not in found
