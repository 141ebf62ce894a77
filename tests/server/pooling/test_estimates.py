"""A figure of a report has its interval, or says why it has none; a reason never hides another."""

import math

import pytest
from hepafed.common.contract import Figure
from hepafed.common.disclosure.lesion_intervals import FEW_PATIENTS
from hepafed.common.statistics import Auc, Clustered, Estimate, Ratio
from hepafed.server.formats import ClusteredInterval
from hepafed.server.pooling.caution import as_patients
from hepafed.server.pooling.estimates import (
    auc_estimate,
    auc_figure,
    brief_auc,
    clustered_interval,
    ends_of,
    ends_of_few,
    interval_estimate,
    logit_interval,
    patient_interval,
    patient_intervals,
    point_estimate,
    rate_estimate,
    settled,
)
from scipy.stats import binomtest, t

FIGURE = Figure(value=0.8, low=0.7, high=0.95, se=0.05)


def test_an_auc_keeps_its_interval_error_and_bound() -> None:
    clustered = ClusteredInterval(low=0.6, high=0.9)
    made = auc_estimate(FIGURE, "delong", 0.01, (0.65, 0.9), clustered)
    assert (made.value, made.low, made.high, made.se) == (0.8, 0.7, 0.95, 0.05)
    assert (made.method, made.binning_error, made.reason) == ("delong", 0.01, "")
    assert made.logit is not None
    assert (made.logit.low, made.logit.high) == (0.65, 0.9)
    assert made.clustered == clustered


def test_an_exact_auc_has_no_binning_error_and_no_other_interval_of_its_own() -> None:
    made = auc_estimate(FIGURE, "delong")
    assert (made.binning_error, made.logit, made.clustered) == (0.0, None, None)


def test_only_an_auc_of_0_or_1_is_said_to_be_of_separated_classes() -> None:
    for value, said in ((1.0, "scores above every"), (0.0, "scores below every"), (0.5, "alike")):
        flat = Figure(value=value, low=value, high=value, se=0.0)
        assert said in auc_estimate(flat, "delong").reason
    assert auc_estimate(Figure(value=1.0, low=0.99, high=1.0), "delong").reason == ""
    assert auc_estimate(Figure(value=0.5), "delong").reason == ""


def test_a_released_reason_stays_that_of_the_auc() -> None:
    made = auc_estimate(Figure(value=1.0, low=1.0, high=1.0, reason="as the site said"), "delong")
    assert made.reason == "as the site said"
    assert auc_estimate(Figure(reason="withheld"), "delong").reason == "withheld"


def test_a_brief_auc_is_value_ends_and_reason() -> None:
    made = brief_auc(Figure(value=0.8, low=0.7, high=0.95, reason="why"))
    assert (made.value, made.low, made.high, made.reason) == (0.8, 0.7, 0.95, "why")


def test_an_interval_on_the_logit_scale_is_there_only_with_both_ends() -> None:
    assert logit_interval(None) is None
    assert ends_of(None) is None
    assert ends_of(Figure(value=0.8, low=0.7)) is None
    assert ends_of(Figure(value=0.8, high=0.9)) is None
    assert ends_of(Figure(low=0.0, high=0.0)) == (0.0, 0.0)
    assert ends_of(FIGURE) == (0.7, 0.95)


def test_a_clustered_interval_says_when_it_has_too_few_patients() -> None:
    few = "fewer than two patients with a class"
    for found in (None, Estimate(0.8), Figure(value=0.8)):
        made = clustered_interval(found)
        assert (made.low, made.high, made.se, made.reason) == (None, None, None, few)
    made = clustered_interval(Estimate(0.8, se=0.05, low=0.0, high=0.9), (0.65, 0.92))
    assert (made.low, made.high, made.se, made.reason) == (0.0, 0.9, 0.05, "")
    assert made.logit is not None
    assert (made.logit.low, made.logit.high) == (0.65, 0.92)
    assert clustered_interval(FIGURE).logit is None


def test_a_pooled_auc_without_a_class_or_an_error_says_so() -> None:
    assert auc_figure(None) == Figure(reason="one class only")
    alone = auc_figure(Auc(0.75, se=None))
    assert (alone.value, alone.low, alone.high, alone.se) == (0.75, None, None, None)
    assert alone.reason == "fewer than two of a class: no interval"
    made = auc_figure(Auc(0.75, se=0.1))
    assert (made.value, made.se, made.reason) == (0.75, 0.1, "")
    assert (made.low, made.high) == (pytest.approx(0.5540036), pytest.approx(0.9459964))
    certain = auc_figure(Auc(1.0, se=0.0))  # an error of 0 is one
    assert (certain.low, certain.high, certain.se, certain.reason) == (1.0, 1.0, 0.0, "")


def test_a_rate_has_wilsons_and_the_exact_interval_of_its_counts() -> None:
    made = rate_estimate(7, 10)
    assert (made.value, made.numerator, made.denominator, made.reason) == (0.7, 7, 10, "")
    oracle = binomtest(7, 10)
    wilson, exact = (oracle.proportion_ci(method=m) for m in ("wilson", "exact"))
    assert (made.low, made.high) == pytest.approx((wilson.low, wilson.high))
    assert (made.exact_low, made.exact_high) == pytest.approx((exact.low, exact.high))


def test_a_rate_of_no_cases_has_counts_and_a_reason() -> None:
    made = rate_estimate(0, 0)
    assert (made.value, made.low, made.high, made.exact_low, made.exact_high) == (None,) * 5
    assert (made.numerator, made.denominator, made.reason) == (0, 0, "no cases")
    assert rate_estimate(0, 0, "why").reason == "why"


@pytest.mark.parametrize(("numerator", "denominator"), [(None, None), (3, None), (None, 9)])
def test_a_rate_that_lacks_a_count_is_withheld(
    numerator: int | None, denominator: int | None
) -> None:
    made = rate_estimate(numerator, denominator, "withheld")
    assert (made.value, made.low, made.high, made.exact_low, made.exact_high) == (None,) * 5
    assert (made.numerator, made.denominator) == (numerator, denominator)
    assert made.reason == "withheld"


def test_a_reason_is_not_told_where_a_rate_has_a_value() -> None:
    assert rate_estimate(0, 9, "withheld").reason == ""


def test_an_estimate_has_its_ends_and_its_error() -> None:
    for found in (Estimate(0.8, se=0.05, low=0.7, high=0.95), FIGURE):
        made = interval_estimate(found, "why")
        assert (made.value, made.low, made.high, made.se) == (0.8, 0.7, 0.95, 0.05)
        assert made.reason == ""


def test_a_ratio_has_ends_and_no_standard_error() -> None:
    made = interval_estimate(Ratio(2.5, low=1.5, high=4.0), "why")
    assert (made.value, made.low, made.high, made.se, made.reason) == (2.5, 1.5, 4.0, None, "")
    assert interval_estimate(Ratio(None), "why").reason == "why"


def test_a_figures_own_reason_goes_before_the_general_one() -> None:
    assert interval_estimate(Figure(reason="all of one class"), "not released").reason == (
        "all of one class"
    )
    assert interval_estimate(Figure(), "not released").reason == "not released"
    assert interval_estimate(None, "not released").reason == "not released"
    no_interval = Figure(value=0.1, reason="no interval")
    assert interval_estimate(no_interval, "not released").reason == "no interval"


def test_a_figure_that_is_not_there_is_null_throughout() -> None:
    made = interval_estimate(None, "why")
    assert (made.value, made.low, made.high, made.se) == (None,) * 4


def test_a_point_says_why_only_where_it_is_missing() -> None:
    assert (point_estimate(0.0, "why").value, point_estimate(0.0, "why").reason) == (0.0, "")
    assert (point_estimate(None, "why").value, point_estimate(None, "why").reason) == (None, "why")


@pytest.mark.parametrize(
    ("logit", "clustered", "method", "decides"),
    [
        ((0.65, 0.9), None, "logit", True),
        ((0.65, 0.9), ClusteredInterval(low=0.5, high=0.99), "obuchowski", True),
        ((0.65, 0.9), ClusteredInterval(low=None, high=None, reason="few"), "logit", False),
        (None, None, "delong", True),
    ],
)
def test_one_interval_is_chosen_for_printing_and_judging(
    logit: tuple[float, float] | None,
    clustered: ClusteredInterval | None,
    method: str,
    decides: bool,
) -> None:
    made = auc_estimate(FIGURE, "delong", adjusted=logit, clustered=clustered).covering
    assert made is not None
    assert (made.method, made.decides) == (method, decides)
    assert (made.low, made.high) == {
        "logit": (0.65, 0.9), "obuchowski": (0.5, 0.99), "delong": (0.7, 0.95),
    }[method]  # fmt: skip


def test_the_clustered_interval_on_the_logit_scale_goes_before_all_others() -> None:
    both = clustered_interval(Estimate(0.8, se=0.05, low=0.7, high=0.9), (0.6, 0.88))
    made = auc_estimate(FIGURE, "delong", adjusted=(0.65, 0.9), clustered=both).covering
    assert made is not None
    assert (made.low, made.high, made.method) == (0.6, 0.88, "obuchowski, logit")


def test_an_interval_without_width_or_without_a_value_decides_nothing() -> None:
    perfect = auc_estimate(Figure(value=1.0, low=1.0, high=1.0, se=0.0), "delong").covering
    assert perfect is not None
    assert (perfect.low, perfect.high, perfect.decides) == (None, None, False)
    assert perfect.warning
    assert auc_estimate(Figure(reason="withheld"), "delong").covering is None


@pytest.mark.parametrize(
    ("value", "cases", "warned"),
    [(0.9, (61, 90), False), (0.9, (59, 90), True), (0.1, (90, 59), True), (0.5, (13, 90), False)],
)
def test_few_cases_at_a_high_or_low_auc_carry_a_warning_that_stops_no_verdict(
    value: float, cases: tuple[int, int], warned: bool
) -> None:
    figure = Figure(value=value, low=value - 0.05, high=value + 0.05, se=0.03)
    ends = (value - 0.08, value + 0.06)
    made = settled(auc_estimate(figure, "delong", adjusted=ends), cases).covering
    assert made is not None
    assert (made.decides, "cautious" in made.warning) == (True, warned)


def test_a_standard_error_alone_gives_an_interval_with_the_fewest_degrees_of_freedom() -> None:
    found = ends_of_few(Figure(value=0.8, se=0.05), 12, 30)
    assert found is not None
    middle = (360 * 0.8 + 0.5) / 361
    half = t.ppf(0.975, 11) * 0.05 / (middle * (1 - middle))
    logit = math.log(middle / (1 - middle)) + half
    assert found[1] == pytest.approx(1 / (1 + math.exp(-logit)))
    assert ends_of_few(Figure(reason="withheld"), 12, 30) is None


def test_an_interval_between_patients_keeps_its_numbers_and_its_remark() -> None:
    pooled = Clustered(0.5, 0.3, 0.7, se=0.1, cases=25.0, patients=14.0)
    made = patient_interval(pooled, "rao-scott")
    assert (made.low, made.high, made.se, made.cases, made.patients) == (0.3, 0.7, 0.1, 25, 14)
    assert (made.method, made.reason) == ("rao-scott", FEW_PATIENTS)
    own = patient_interval(Figure(value=0.5, low=0.3, high=0.7, se=0.1, reason="few"), "score")
    assert (own.cases, own.patients, own.reason, own.method) == (None, None, "few", "score")
    none = patient_interval(None, "score")
    assert (none.low, none.reason) == (None, "no interval: all of these cases are of one patient")


def test_without_intervals_each_figure_has_the_reason() -> None:
    made = patient_intervals("withheld")
    assert {i.reason for i in made.values()} == {"withheld"}
    assert {i.low for i in made.values()} == {None}
    some = patient_intervals({"ppv": Figure(value=0.5, low=0.3, high=0.7, se=0.1)})
    assert some["ppv"].low == 0.3
    assert some["likelihood_positive"].reason == "no interval: a count is 0"
    assert some["kappa"].reason == "no interval: all of these cases are of one patient"


def test_a_figure_without_a_value_has_no_interval_between_patients() -> None:
    clustered = patient_interval(None, "rao-scott", "withheld")
    assert rate_estimate(0, 0, clustered=clustered).clustered is None
    assert rate_estimate(1, 2, clustered=clustered).clustered == clustered
    assert interval_estimate(None, "why", clustered).clustered is None


def test_lesions_count_as_the_patients_that_have_them() -> None:
    assert as_patients("lesion", (30, 61), (40, 120)) == (10, 20)
    assert as_patients("patient", (30, 61), (40, 120)) == (30, 61)
    assert as_patients("lesion", (30, 61), None) == (30, 61)
    assert as_patients("lesion", (0, 0), (0, 0)) == (0, 0)
