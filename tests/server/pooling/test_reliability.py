"""Calibration is of the task's own sums: Brier's score, expected error, tenths, slope."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hepafed.common.contract import Figure
from hepafed.common.statistics import Intervals, bin_logits
from hepafed.server.formats import CalibrationRow
from hepafed.server.pooling.evidence import Evidence
from hepafed.server.pooling.reliability import calibration_row

TASKS = (
    ("patient", "malignant_vs_benign"),
    ("lesion", "benign_vs_rest"),
    ("lesion", "primary_malignant_vs_rest"),
    ("lesion", "metastatic_vs_rest"),
)
AT = 2
"""The task that is looked at: neither the first nor the last."""
ONE = 2**36
"""1 in fixed point."""


def tenths() -> tuple[np.ndarray, np.ndarray]:
    """Cases by truth, and the sums of their scores: 4 in the third tenth, 6 in the last."""
    counts, sums = np.full((4, 2, 10), 50, np.int64), np.full((4, 10), 9 * ONE, np.int64)
    counts[AT], sums[AT] = 0, 0
    counts[AT, 0, 2], counts[AT, 1, 2] = 3, 1
    counts[AT, 0, 9], counts[AT, 1, 9] = 1, 5
    sums[AT, 2], sums[AT, 9] = ONE, int(5.5 * ONE)
    return counts, sums


def known(cells: Intervals | str = "no cells", **sections: Any) -> Evidence:  # noqa: ANN401
    counts, sums = tenths()
    squares = np.array([77, 88, 2, 99], np.int64) * ONE
    held = {"squares": squares, "reliability": counts, "score_sums": sums, **sections}
    return Evidence(cells={t: cells if t == TASKS[AT] else "" for t in TASKS}, sections=held,
                    readers=())  # fmt: skip


def row(its: Evidence, totals: tuple[int, int] = (6, 4), **more: Any) -> CalibrationRow:  # noqa: ANN401
    values = {"scope": "pooled", "site": None, "index": AT, "exact": None, **more}
    return calibration_row(known=its, totals=totals, **values)


def test_a_row_names_whose_cases_it_is_of() -> None:
    made = row(known(), scope="site", site="b")
    assert (made.scope, made.site, made.unit, made.task, made.n) == ("site", "b", *TASKS[AT], 10)


def test_brier_is_the_sum_of_squares_over_the_cases() -> None:
    made = row(known())
    assert (made.brier.value, made.brier.reason) == (pytest.approx(2 / 10), "")


def test_prevalence_is_the_share_of_positives() -> None:
    assert row(known()).prevalence.value == pytest.approx(0.6)


def test_expected_error_weighs_each_tenth_by_its_cases() -> None:
    # |1 − 1| and |5 − 5.5|, over 10 cases
    assert row(known()).ece.value == pytest.approx(0.05)
    assert row(known()).mean_score.value == pytest.approx(0.65)


def test_each_tenth_has_its_ends_its_cases_and_its_positives() -> None:
    found = row(known()).reliability
    assert [(t.low, t.high) for t in found] == [(i / 10, (i + 1) / 10) for i in range(10)]
    assert [t.n for t in found] == [0, 0, 4, 0, 0, 0, 0, 0, 0, 6]
    assert [t.mean_score for t in found] == [None] * 2 + [0.25] + [None] * 6 + [
        pytest.approx(5.5 / 6)
    ]
    assert (found[2].observed.numerator, found[2].observed.denominator) == (1, 4)
    assert (found[9].observed.numerator, found[9].observed.denominator) == (5, 6)
    assert (found[0].observed.value, found[0].observed.reason) == (None, "no cases")


def test_without_cases_nothing_is_divided() -> None:
    none = np.zeros((4, 2, 10), np.int64)
    made = row(known(reliability=none, score_sums=none[:, 0]), (0, 0))
    for figure in (made.brier, made.prevalence, made.ece, made.mean_score):
        assert (figure.value, figure.reason) == (None, "no cases")
    assert made.n == 0
    assert len(made.reliability) == 10


def test_cases_of_one_class_have_a_prevalence_of_0_or_1() -> None:
    assert row(known(), (0, 4)).prevalence.value == 0.0
    assert row(known(), (4, 0)).prevalence.value == 1.0


def test_one_case_has_a_brier_score() -> None:
    assert row(known(), (1, 0)).brier.value == pytest.approx(2.0)


def test_what_is_withheld_is_said_and_takes_nothing_else_with_it() -> None:
    made = row(known(squares="squares gone"))
    assert (made.brier.value, made.brier.reason) == (None, "squares gone")
    assert made.ece.value is not None
    for gone in (
        {"reliability": "gone", "score_sums": "other"},
        {"reliability": "gone"},
        {"score_sums": "gone"},
    ):
        made = row(known(**gone))
        for figure in (made.ece, made.mean_score):
            assert (figure.value, figure.reason) == (None, "gone")
        assert made.reliability == ()
        assert made.brier.value is not None


def bins(width: int = 1) -> tuple[Intervals, np.ndarray]:
    """Cells of overlapping classes, twice in one bin (two sites'), and their logits."""
    logits = np.array([1.5, -2.0, 0.25, 1.5, -0.5])
    low = bin_logits(logits)
    positives, negatives = np.array([4, 1, 3, 2, 2]), np.array([1, 6, 2, 0, 3])
    return Intervals(low, low + width, positives, negatives), logits


def test_slope_and_intercept_are_those_of_a_logistic_regression_over_the_bins() -> None:
    cells, logits = bins()
    x = np.repeat(logits, cells.positives + cells.negatives)
    truth = np.concatenate(
        [[1] * p + [0] * n for p, n in zip(cells.positives, cells.negatives, strict=True)]
    )
    both = sm.GLM(truth, sm.add_constant(x), family=sm.families.Binomial()).fit()
    large = sm.GLM(truth, np.ones_like(x), offset=x, family=sm.families.Binomial()).fit()
    made = row(known(cells))
    for found, value, se in (
        (made.intercept, both.params[0], both.bse[0]),
        (made.slope, both.params[1], both.bse[1]),
        (made.in_the_large, large.params[0], large.bse[0]),
    ):
        assert found.value == pytest.approx(value, abs=1e-6)
        assert found.se == pytest.approx(se, rel=1e-4)


def test_a_cell_of_two_bins_is_too_coarse_for_a_slope() -> None:
    cells, _ = bins()
    wide = Intervals(
        cells.low, cells.high + np.array([0, 0, 0, 0, 1]), cells.positives, cells.negatives
    )
    made = row(known(wide))
    for found in (made.slope, made.intercept, made.in_the_large):
        assert found.value is None
        assert "too coarse" in found.reason


def test_withheld_cells_give_their_reason_for_each_fitted_figure() -> None:
    made = row(known("gone"))
    for found in (made.slope, made.intercept, made.in_the_large):
        assert (found.value, found.reason) == (None, "gone")


def test_a_sites_own_fit_goes_before_one_from_bins() -> None:
    own = {"slope": Figure(value=0.8, low=0.5, high=1.1, se=0.15), "intercept": Figure(value=-0.2)}
    made = row(known(bins()[0]), exact=own)
    assert (made.slope.value, made.slope.low, made.slope.high, made.slope.se) == (
        0.8, 0.5, 1.1, 0.15,
    )  # fmt: skip
    assert made.intercept.value == -0.2
    assert (made.in_the_large.value, made.in_the_large.reason) == (None, "not released")


def test_a_site_that_released_no_fit_gets_none_from_its_bins() -> None:
    made = row(known(bins()[0]), exact={})
    assert (made.slope.value, made.slope.reason) == (None, "not released")
