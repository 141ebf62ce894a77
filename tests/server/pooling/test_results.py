"""A row of results: the AUC and its curves from cells, the rates from the calls of its own task."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract import Figure, TaskSummary
from hepafed.common.statistics import Intervals, wilson
from hepafed.server.formats import ResultRow
from hepafed.server.pooling.evidence import Evidence
from hepafed.server.pooling.results import balanced, pooled_row, site_row
from sklearn.metrics import average_precision_score, f1_score, matthews_corrcoef, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

Z = 1.959963984540054
TASKS = (
    ("patient", "malignant_vs_benign"),
    ("lesion", "benign_vs_rest"),
    ("lesion", "primary_malignant_vs_rest"),
    ("lesion", "metastatic_vs_rest"),
)
AT = 2
"""The task that is looked at: neither the first nor the last."""
POSITIVES, NEGATIVES = (0, 1, 4, 0, 5, 3), (6, 9, 2, 3, 1, 0)
"""13 positives and 21 negatives over six ordered scores."""
TRUE_POSITIVES, TRUE_NEGATIVES = 8, 18


def cells(width: int = 1) -> Intervals:
    low = np.array([100, 210, 320, 430, 540, 650])
    return Intervals(low, low + width, np.array(POSITIVES), np.array(NEGATIVES))


def known(found: Intervals | str | None = None, **sections: Any) -> Evidence:  # noqa: ANN401
    """Evidence of the one task; the others hold other numbers."""
    called = np.full((4, 2, 2), 1000, np.int64)
    called[AT] = [[TRUE_NEGATIVES, 3], [5, TRUE_POSITIVES]]
    decision = np.full((4, 2, 19), 700, np.int64)
    decision[AT, 0], decision[AT, 1] = np.arange(20, 1, -1), np.arange(13, -6, -1).clip(2)
    made = dict.fromkeys(TASKS, "another task") | {TASKS[AT]: cells() if found is None else found}
    products = np.full((3, 4, 4), 1000, np.int64)
    products[AT - 1] = np.diag(called[AT].ravel())
    held = {"called": called, "decision": decision, "called_products": products, **sections}
    return Evidence(cells=made, sections=held, readers=())


def pooled(its: Evidence, own: TaskSummary | None = None, *prevalences: float) -> ResultRow:
    return pooled_row(AT, its, (13, 21), prevalences, own)


def cases() -> tuple[list[int], list[int]]:
    """Truth and score of each case."""
    truth = [1] * sum(POSITIVES) + [0] * sum(NEGATIVES)
    score = [i for c in (POSITIVES, NEGATIVES) for i, n in enumerate(c) for _ in range(n)]
    return truth, score


def task(**values: Any) -> TaskSummary:  # noqa: ANN401
    return TaskSummary(
        **{
            "unit": TASKS[AT][0],
            "task": TASKS[AT][1],
            "positives": 13,
            "negatives": 21,
            "auc": Figure(value=0.81, low=0.7, high=0.92, se=0.056),
            "true_positives": None,
            "true_negatives": None,
            "cells": None,
            **values,
        }
    )


def test_a_pooled_row_names_its_task_and_counts_its_cases() -> None:
    made = pooled(known())
    assert (made.scope, made.site, made.unit, made.task) == ("pooled", None, *TASKS[AT])
    assert (made.n, made.positives) == (34, 13)


def test_the_pooled_auc_is_of_the_cells_with_its_bound_and_both_intervals() -> None:
    auc = pooled(known()).auc
    assert auc.value == pytest.approx(roc_auc_score(*cases()))
    ties = sum(p * n for p, n in zip(POSITIVES, NEGATIVES, strict=True))
    assert auc.binning_error == pytest.approx(ties / (2 * 13 * 21))
    assert auc.se is not None
    assert auc.low == pytest.approx(auc.value - Z * auc.se)
    assert auc.method == "delong"
    assert auc.logit is not None
    assert auc.logit.low < auc.value < auc.logit.high
    assert auc.clustered is None


def test_withheld_cells_take_the_auc_and_the_curves_with_them_but_no_rate() -> None:
    made = pooled(known("gone"))
    assert (made.auc.value, made.auc.reason, made.auc.binning_error) == (None, "gone", 0.0)
    assert (made.roc, made.pr) == ((), ())
    assert made.average_precision is not None
    assert (made.average_precision.value, made.average_precision.reason) == (None, "gone")
    for found in (made.partial_auc, made.sensitivity_at, made.specificity_at):
        assert found is not None
        assert [(f.value, f.least, f.most, f.reason) for f in found] == [
            (None,) * 3 + ("gone",)
        ] * 2
    assert made.sensitivity is not None
    assert made.sensitivity.numerator == TRUE_POSITIVES


def test_cells_of_one_class_have_no_curve() -> None:
    one = dataclasses.replace(cells(), positives=np.zeros(6, np.int64))
    made = pooled(known(one))
    assert (made.auc.value, made.auc.reason) == (None, "one class only")
    assert (made.auc.binning_error, made.auc.logit) == (0.0, None)
    assert (made.roc, made.pr) == ((), ())
    assert made.average_precision is not None
    assert made.average_precision.reason == "one class only"


def test_the_curves_go_through_the_pooled_cases() -> None:
    made = pooled(known())
    assert made.roc is not None
    assert made.pr is not None
    assert made.roc[0] == (0.0, 0.0)
    assert made.roc[1] == pytest.approx((0.0, 3 / 13))
    assert made.roc[2] == pytest.approx((1 / 21, 8 / 13))
    assert made.roc[-1] == (1.0, 1.0)
    assert made.pr[0] == pytest.approx((3 / 13, 1.0))
    assert made.pr[1] == pytest.approx((8 / 13, 8 / 9))
    assert made.pr[-1] == pytest.approx((1.0, 13 / 34))
    assert made.average_precision is not None
    assert made.average_precision.value == pytest.approx(average_precision_score(*cases()))
    assert made.average_precision.reason == ""


def test_figures_are_read_off_the_curve_at_90_and_95_per_cent() -> None:
    made = pooled(known())
    assert made.sensitivity_at is not None
    assert made.specificity_at is not None
    assert made.partial_auc is not None
    # from (1/21, 8/13) to (4/21, 8/13) the curve is flat
    assert [(f.specificity, f.value) for f in made.sensitivity_at] == [
        (0.9, pytest.approx(8 / 13)),
        (0.95, pytest.approx(8 / 13)),
    ]
    # sensitivity 0.9 and 0.95 lie between (4/21 + 2/21, 12/13) and its neighbours
    first = 4 / 21 + (0.9 - 8 / 13) / (4 / 13) * 2 / 21
    second = 6 / 21 + (0.95 - 12 / 13) / (1 / 13) * 9 / 21
    assert [(f.sensitivity, f.value) for f in made.specificity_at] == [
        (0.9, pytest.approx(1 - first)),
        (0.95, pytest.approx(1 - second)),
    ]
    area = (3 / 13 + 8 / 13) / 2 / 21 + 8 / 13 * (0.1 - 1 / 21)
    chance = 0.1**2 / 2
    wanted = (1 + (area - chance) / (0.1 - chance)) / 2
    assert [f.specificity for f in made.partial_auc] == [0.9, 0.95]
    assert made.partial_auc[0].value == pytest.approx(wanted)
    for found in (*made.sensitivity_at, *made.specificity_at, *made.partial_auc):
        assert found.least == found.value == found.most
        assert found.reason == ""


def test_wide_cells_leave_a_figure_open_between_its_least_and_its_most() -> None:
    made = pooled(known(cells(width=150)))
    assert made.sensitivity_at is not None
    (found, _) = made.sensitivity_at
    assert found.value is not None
    assert found.least is not None
    assert found.most is not None
    assert found.least < found.value < found.most
    assert made.specificity_at is not None
    (found, _) = made.specificity_at
    assert found.value is not None
    assert found.least is not None
    assert found.most is not None
    assert found.least < found.value < found.most


OWN = {
    "average_precision": Figure(value=0.77),
    "partial_auc_0.90": Figure(value=0.71),
    "sensitivity_at_0.95": Figure(value=0.52),
    "specificity_at_0.90": Figure(value=0.0),
}
"""Exact figures of a site's own scores; the others of their kinds are not released."""


def test_a_sites_own_figures_go_before_those_of_its_cells_and_leave_nothing_open() -> None:
    made = site_row("b", AT, known(), task(figures=OWN), ())
    assert made.average_precision is not None
    assert made.average_precision.value == 0.77
    assert made.partial_auc is not None
    assert made.sensitivity_at is not None
    assert made.specificity_at is not None
    exact = (made.partial_auc[0], made.sensitivity_at[1], made.specificity_at[0])
    assert [(f.value, f.least, f.most) for f in exact] == [
        (0.71, 0.71, 0.71),
        (0.52, 0.52, 0.52),
        (0.0, 0.0, 0.0),
    ]
    assert made.partial_auc[1].value is None  # not released, and not made up from cells
    assert made.roc is not None
    assert made.roc[1] == pytest.approx((0.0, 3 / 13))


def test_a_site_without_figures_of_its_own_has_those_of_its_cells() -> None:
    made = site_row("b", AT, known(), task(), ())
    assert made.average_precision is not None
    assert made.average_precision.value == pytest.approx(average_precision_score(*cases()))
    assert made.sensitivity_at is not None
    assert made.sensitivity_at[0].value == pytest.approx(8 / 13)


def test_a_site_row_has_the_site_its_counts_and_its_exact_auc() -> None:
    made = site_row("b", AT, known(), task(), ())
    assert (made.scope, made.site, made.unit, made.task) == ("site", "b", *TASKS[AT])
    assert (made.n, made.positives) == (34, 13)
    assert (made.auc.value, made.auc.low, made.auc.high, made.auc.se) == (0.81, 0.7, 0.92, 0.056)
    assert (made.auc.binning_error, made.auc.method) == (0.0, "delong")
    assert (made.auc.logit, made.auc.clustered) == (None, None)
    assert made.sensitivity is not None
    assert (made.sensitivity.numerator, made.sensitivity.denominator) == (8, 13)


def test_an_exact_auc_has_the_intervals_that_were_released_with_it() -> None:
    figures = {
        "logit": Figure(value=0.81, low=0.66, high=0.9),
        "clustered": Figure(value=0.81, low=0.68, high=0.94, se=0.066),
        "clustered_logit": Figure(value=0.81, low=0.63, high=0.91),
    }
    for made in (
        site_row("b", AT, known(), task(figures=figures), ()),
        pooled(known(), task(figures=figures)),
    ):
        auc = made.auc
        assert auc.logit is not None
        assert (auc.logit.low, auc.logit.high) == (0.66, 0.9)
        assert auc.clustered is not None
        assert (auc.clustered.low, auc.clustered.high, auc.clustered.se) == (0.68, 0.94, 0.066)
        assert auc.clustered.logit is not None
        assert (auc.clustered.logit.low, auc.clustered.logit.high) == (0.63, 0.91)


def test_without_an_auc_there_is_no_clustered_interval() -> None:
    none = task(auc=Figure(reason="all of one class"), figures={"clustered": Figure(reason="few")})
    auc = site_row("b", AT, known(), none, ()).auc
    assert (auc.value, auc.reason, auc.clustered) == (None, "all of one class", None)


def test_the_whole_cohorts_exact_figures_replace_those_of_bins() -> None:
    made = pooled(known(), task(figures=OWN))
    assert (made.scope, made.auc.value, made.auc.binning_error) == ("pooled", 0.81, 0.0)
    assert made.average_precision is not None
    assert made.average_precision.value == 0.77


def test_rates_are_of_the_calls_of_the_task() -> None:
    made = pooled(known())
    found = (made.sensitivity, made.specificity, made.ppv, made.npv, made.accuracy)
    assert [(r.numerator, r.denominator) for r in found if r is not None] == [
        (8, 13),
        (18, 21),
        (8, 11),
        (18, 23),
        (26, 34),
    ]
    truth = [1] * 13 + [0] * 21
    called = [1] * 8 + [0] * 5 + [0] * 18 + [1] * 3
    assert made.f1 is not None
    assert made.f1.value == pytest.approx(f1_score(truth, called))
    assert made.mcc is not None
    assert made.mcc.value == pytest.approx(matthews_corrcoef(truth, called))
    assert made.likelihood_positive is not None
    assert made.likelihood_positive.value == pytest.approx((8 / 13) / (3 / 21))
    assert made.likelihood_negative is not None
    assert made.likelihood_negative.value == pytest.approx((5 / 13) / (18 / 21))
    assert [f.reason for f in (made.f1, made.mcc)] == ["", ""]


def test_balanced_accuracy_is_the_mean_of_two_independent_rates() -> None:
    """Square-and-add of both Wilson intervals (statsmodels), as of lesions with one a patient."""
    made = pooled(known()).balanced_accuracy
    a, b = 8 / 13, 18 / 21
    (low_a, high_a), (low_b, high_b) = (
        proportion_confint(k, n, method="wilson") for k, n in ((8, 13), (18, 21))
    )
    se = math.sqrt(a * (1 - a) / 13 + b * (1 - b) / 21) / 2
    assert made is not None
    assert (made.value, made.se) == (pytest.approx((a + b) / 2), pytest.approx(se))
    assert (made.low, made.high) == (
        pytest.approx((a + b) / 2 - math.hypot(a - low_a, b - low_b) / 2),
        pytest.approx((a + b) / 2 + math.hypot(high_a - a, high_b - b) / 2),
    )


def test_a_perfect_balanced_accuracy_is_not_certain() -> None:
    made = balanced(26, 26, 14, 14)
    assert made.low is not None
    assert (made.value, made.high) == (1.0, 1.0)
    assert 0.85 < made.low < 0.9


@pytest.mark.parametrize("counts", [(9, 10, 30, 30), (1, 10, 0, 30), (0, 10, 0, 30)])
def test_the_interval_of_balanced_accuracy_lies_within_0_and_1(
    counts: tuple[int, int, int, int],
) -> None:
    made = balanced(*counts)
    assert made.low is not None
    assert made.value is not None
    assert made.high is not None
    assert 0 <= made.low <= made.value < made.high < 1


@pytest.mark.parametrize("counts", [(0, 0, 4, 5), (4, 5, 0, 0)], ids=["positives", "negatives"])
def test_balanced_accuracy_needs_both_classes(counts: tuple[int, int, int, int]) -> None:
    made = balanced(*counts)
    assert (made.value, made.low, made.high, made.reason) == (None, None, None, "one class only")


def test_predictive_values_are_given_at_each_prevalence_that_was_asked_for() -> None:
    found = pooled(known(), None, 0.1, 0.3).at_prevalence
    assert found is not None
    a, b = 8 / 13, 18 / 21
    for made, share in zip(found, (0.1, 0.3), strict=True):
        assert made.prevalence == share
        assert made.ppv == pytest.approx(a * share / (a * share + (1 - b) * (1 - share)))
        assert made.npv == pytest.approx(b * (1 - share) / (b * (1 - share) + (1 - a) * share))
        # by the definition, from Wilson's ends of 8/13 and 18/21
        se, sp = wilson(a, 13, Z), wilson(b, 21, Z)
        odds = a / (1 - b) * share / (1 - share)
        down = math.hypot(math.log(a / se[0]), math.log((1 - sp[0]) / (1 - b)))
        assert made.ppv_low == pytest.approx(1 / (1 + math.exp(down) / odds))
        assert made.ppv_high is not None
        assert made.ppv < made.ppv_high < 1
        assert made.npv_low is not None
        assert made.npv_high is not None
        assert made.npv_low < made.npv < made.npv_high
        assert made.reason == ""
    assert pooled(known()).at_prevalence == ()


def test_the_decision_curve_is_of_false_and_true_positives_at_each_threshold() -> None:
    found = pooled(known()).net_benefit
    assert found is not None
    assert [f.threshold for f in found] == [pytest.approx(i / 20) for i in range(1, 20)]
    assert found[0].model == pytest.approx(13 / 34 - 20 / 34 * 0.05 / 0.95)
    assert found[3].model == pytest.approx(10 / 34 - 17 / 34 * 0.2 / 0.8)
    assert found[3].all == pytest.approx(13 / 34 - 21 / 34 * 0.2 / 0.8)
    assert pooled(known(decision="gone")).net_benefit == ()


def test_withheld_calls_take_every_rate_with_them_and_no_curve() -> None:
    made = pooled(known(called="gone"), None, 0.1)
    for found in (
        made.sensitivity, made.specificity, made.ppv, made.npv, made.accuracy, made.f1, made.mcc,
        made.balanced_accuracy, made.likelihood_positive, made.likelihood_negative,
    ):  # fmt: skip
        assert found is not None
        assert (found.value, found.reason) == (None, "gone")
    assert made.sensitivity is not None
    assert (made.sensitivity.numerator, made.sensitivity.denominator) == (None, None)
    assert (made.at_prevalence, made.net_benefit) == ((), ())
    assert made.auc.value is not None


def calls_of(tn: int, fp: int, fn: int, tp: int) -> ResultRow:
    called = np.full((4, 2, 2), 9, np.int64)
    called[AT] = [[tn, fp], [fn, tp]]
    return pooled_row(AT, known(called=called), (fn + tp, tn + fp), (0.1,))


def test_a_class_without_cases_gives_reasons_and_no_division_by_0() -> None:
    made = calls_of(4, 2, 0, 0)
    assert made.sensitivity is not None
    assert (made.sensitivity.value, made.sensitivity.reason) == (None, "there is no positive case")
    assert made.at_prevalence == ()
    assert made.likelihood_positive is not None
    assert (made.likelihood_positive.value, made.likelihood_positive.reason) == (
        None,
        "one class only",
    )
    assert made.likelihood_negative is not None
    assert made.likelihood_negative.reason == "one class only"
    assert calls_of(0, 0, 1, 2).at_prevalence == ()
    made = calls_of(0, 0, 0, 0)
    assert made.net_benefit == ()
    assert made.accuracy is not None
    assert made.accuracy.reason == "no cases"


def test_f1_is_missing_only_where_no_case_is_positive_or_called_so() -> None:
    made = calls_of(4, 0, 0, 0)
    assert made.f1 is not None
    assert (made.f1.value, made.f1.reason) == (None, "no positives")
    for counts in ((4, 1, 0, 0), (4, 0, 1, 0)):
        f1 = calls_of(*counts).f1
        assert f1 is not None
        assert (f1.value, f1.reason) == (0.0, "")


def test_a_likelihood_ratio_says_which_calls_are_missing() -> None:
    made = calls_of(4, 0, 1, 2)
    assert made.likelihood_positive is not None
    assert made.likelihood_positive.reason == "no negative is called positive"
    assert made.likelihood_negative is not None
    assert made.likelihood_negative.reason == ""
    made = calls_of(0, 4, 1, 2)
    assert made.likelihood_negative is not None
    assert made.likelihood_negative.reason == "no negative is called negative"
    assert made.mcc is not None
    assert made.mcc.reason == ""


def test_calls_of_one_class_have_no_correlation() -> None:
    made = calls_of(4, 0, 3, 0)
    assert made.mcc is not None
    assert (made.mcc.value, made.mcc.reason) == (None, "truth or calls are all of one class")


def test_predictive_values_of_lesions_take_the_interval_that_knows_the_patients() -> None:
    """The same calls, but all of a cell in one patient: the interval is wider, or there is none."""
    alone = pooled(known(), None, 0.2).at_prevalence
    squares = np.array([18, 3, 5, 8])
    one = np.full((3, 4, 4), 1000, np.int64)
    one[AT - 1] = np.diag(squares * 3)
    alike = pooled(known(called_products=one), None, 0.2).at_prevalence
    assert alone is not None
    assert alike is not None
    assert None not in (alone[0].ppv_low, alike[0].ppv_low, alone[0].ppv_high, alike[0].ppv_high)
    assert (alike[0].ppv_low or 0) < (alone[0].ppv_low or 0)
    assert (alike[0].ppv_high or 0) > (alone[0].ppv_high or 0)
    gone = pooled(known(called_products="kept back"), None, 0.2).at_prevalence
    assert gone is not None
    assert gone[0].ppv is not None
    ends = (gone[0].ppv_low, gone[0].ppv_high, gone[0].npv_low, gone[0].npv_high)
    assert (*ends, gone[0].reason) == (None, None, None, None, "kept back")


def test_a_likelihood_ratio_of_0_says_why_it_has_no_interval() -> None:
    called = known().sections["called"]
    assert not isinstance(called, str)
    called = called.copy()
    called[AT] = [[TRUE_NEGATIVES, 3], [0, 13]]
    made = pooled(known(called=called)).likelihood_negative
    assert made is not None
    assert (made.value, made.low, made.reason) == (0.0, None, "no interval: a count is 0")
    some = pooled(known()).likelihood_negative
    assert some is not None
    assert (some.low is None, some.reason) == (False, "")
