"""Between sites: every site counts the same in the mean, and by its precision in the others."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.contract import Figure, TaskSummary
from hepafed.server.formats import BriefAuc
from hepafed.server.pooling.heterogeneity import (
    combined,
    has_interval,
    heterogeneity,
    random_effects,
    site_mean,
)
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

UNIT, TASK = "patient", "malignant_vs_benign"
UNEQUAL = {"c": (0.9, 0.02), "a": (0.7, 0.06), "d": (0.82, 0.1), "b": (0.6, 0.03)}


def task(value: float | None, se: float | None, positives: int = 5, negatives: int = 7):  # noqa: ANN201
    return TaskSummary(
        unit=UNIT,
        task=TASK,
        positives=positives,
        negatives=negatives,
        auc=Figure(value=value, se=se),
        true_positives=None,
        true_negatives=None,
        cells=None,
    )


def tasks(found: dict[str, tuple[float, float]]) -> dict[str, TaskSummary]:
    return {s: task(*v) for s, v in found.items()}


def dersimonian(found: list[tuple[float, float]]):  # noqa: ANN201
    values = [math.log(a / (1 - a)) for a, _ in found]
    variances = [(e / a / (1 - a)) ** 2 for a, e in found]
    return combine_effects(np.array(values), np.array(variances), method_re="dl")


def knapp(oracle, sites: int) -> float:  # noqa: ANN001
    """Half the Hartung-Knapp-Sidik-Jonkman interval, not below that of a common value."""
    half = float(stats.t.ppf(0.975, sites - 1) * oracle.sd_eff_w_re_hksj)
    return max(half, float(stats.norm.ppf(0.975) * oracle.sd_eff_w_fe))


def expit(x: float) -> float:
    return math.exp(x) / (1 + math.exp(x))


def test_a_site_mean_weighs_a_large_site_like_a_small_one() -> None:
    row = site_mean(
        UNIT,
        TASK,
        {"b": task(0.9, 0.03, 3, 90), "a": task(0.6, 0.04, 40, 2), "c": task(0.75, 0.12)},
    )
    # √(0.03² + 0.04² + 0.12²) / 3 = 0.13 / 3
    assert (row.auc.value, row.auc.se) == (pytest.approx(0.75), pytest.approx(0.13 / 3))
    half = stats.norm.ppf(0.975) * 0.13 / 3
    assert (row.auc.low, row.auc.high) == (pytest.approx(0.75 - half), pytest.approx(0.75 + half))
    assert (row.scope, row.site, row.n, row.positives) == ("site-mean", None, 147, 48)


def test_the_interval_of_a_site_mean_ends_at_0_and_1() -> None:
    assert site_mean(UNIT, TASK, {"a": task(0.99, 0.05), "b": task(0.97, 0.05)}).auc.high == 1.0
    assert site_mean(UNIT, TASK, {"a": task(0.01, 0.05), "b": task(0.03, 0.05)}).auc.low == 0.0


def test_a_site_without_an_auc_counts_in_the_cases_of_the_mean_alone() -> None:
    row = site_mean(UNIT, TASK, {"a": task(0.8, 0.03), "b": task(None, None, 0, 9)})
    assert (row.auc.value, row.auc.se) == (pytest.approx(0.8), pytest.approx(0.03))
    assert (row.n, row.positives) == (21, 5)


def test_one_site_without_a_standard_error_leaves_the_mean_without_an_interval() -> None:
    auc = site_mean(UNIT, TASK, {"a": task(0.8, 0.03), "b": task(0.6, None)}).auc
    assert (auc.value, auc.se, auc.low, auc.high) == (pytest.approx(0.7), None, None, None)
    assert "no standard error" in auc.reason


def test_without_any_auc_there_is_no_mean() -> None:
    auc = site_mean(UNIT, TASK, {"a": task(None, None)}).auc
    assert (auc.value, auc.se, auc.reason) == (None, None, "no site has both classes")


@pytest.mark.parametrize(
    ("value", "se", "kept"),
    [
        (0.5, 0.1, True),
        (0.0, 0.1, False),
        (1.0, 0.1, False),
        (1e-9, 0.1, False),
        (2e-9, 0.1, True),
        (1 - 1e-10, 0.1, False),
        (1 - 1e-8, 0.1, True),
        (0.5, 0.0, False),
        (0.5, 1e-9, False),
        (0.5, 2e-9, True),
        (0.5, None, False),
        (None, 0.1, False),
    ],
)
def test_only_an_auc_inside_0_and_1_with_an_error_is_pooled(
    value: float | None, se: float | None, kept: bool
) -> None:
    assert has_interval(Figure(value=value, se=se)) is kept


def test_random_effects_are_statsmodels() -> None:
    found = list(UNEQUAL.values())
    whole, oracle = random_effects(found), dersimonian(found)
    assert whole is not None
    assert whole.tau2 == pytest.approx(oracle.tau2)
    assert whole.mean == pytest.approx(oracle.mean_effect_re)
    assert whole.se == pytest.approx(oracle.sd_eff_w_re)
    assert whole.q == pytest.approx(oracle.q)
    assert whole.i2 == pytest.approx(oracle.i2)
    assert 0.5 < whole.i2 < 1


def test_sites_that_agree_more_than_chance_have_no_variance_between_them() -> None:
    whole = combined([(0.5, 0.04), (0.6, 0.01)])  # weights 25 and 100
    assert whole is not None
    assert (whole.tau2, whole.i2) == (0.0, 0.0)
    assert whole.mean == pytest.approx((25 * 0.5 + 100 * 0.6) / 125)
    assert whole.se == pytest.approx(1 / math.sqrt(125))
    assert whole.q == pytest.approx(25 * 0.08**2 + 100 * 0.02**2)


def test_equal_values_have_no_heterogeneity_and_one_value_is_no_pool() -> None:
    same = combined([(0.25, 1.0), (0.25, 4.0)])
    assert same is not None
    assert (same.q, same.i2, same.tau2) == (0.0, 0.0, 0.0)
    assert combined([(0.25, 1.0)]) is None
    assert combined([]) is None


def test_a_row_holds_the_mean_and_a_further_sites_interval_by_t_of_k_minus_2() -> None:
    row, oracle = heterogeneity(UNIT, TASK, tasks(UNEQUAL), {}), dersimonian([*UNEQUAL.values()])
    mean, se = oracle.mean_effect_re, oracle.sd_eff_w_re
    half = knapp(oracle, 4)
    assert row.value == pytest.approx(expit(mean))
    z = stats.norm.ppf(0.975)
    assert (row.low, row.high) == (
        pytest.approx(expit(mean - z * se)),
        pytest.approx(expit(mean + z * se)),
    )
    assert row.covering is not None
    assert (row.covering.low, row.covering.high) == (
        pytest.approx(expit(mean - half)),
        pytest.approx(expit(mean + half)),
    )
    assert row.covering.method == "hartung-knapp-sidik-jonkman"
    assert (row.logit_auc, row.se) == (pytest.approx(mean), pytest.approx(se))
    assert (row.tau2, row.q, row.i2) == (
        pytest.approx(oracle.tau2),
        pytest.approx(oracle.q),
        pytest.approx(oracle.i2),
    )
    assert (row.sites, row.level, row.reason) == (4, 0.95, "")
    half = stats.t.ppf(0.975, 2) * math.sqrt(oracle.tau2 + se**2)
    assert row.prediction is not None
    assert row.prediction.low == pytest.approx(expit(mean - half))
    assert row.prediction.high == pytest.approx(expit(mean + half))


def test_three_sites_have_a_prediction_interval_and_two_do_not() -> None:
    three = {s: UNEQUAL[s] for s in ("a", "b", "c")}
    row, oracle = heterogeneity(UNIT, TASK, tasks(three), {}), dersimonian([*three.values()])
    half = stats.t.ppf(0.975, 1) * math.sqrt(oracle.tau2 + oracle.sd_eff_w_re**2)
    assert row.prediction is not None
    assert row.prediction.low == pytest.approx(expit(oracle.mean_effect_re - half))
    two = heterogeneity(UNIT, TASK, tasks({s: UNEQUAL[s] for s in "ab"}), {})
    assert two.value is not None
    assert two.prediction is not None
    assert (two.prediction.low, two.prediction.high) == (None, None)
    assert two.prediction.reason == "fewer than three sites"


def test_one_usable_site_is_not_pooled() -> None:
    row = heterogeneity(UNIT, TASK, {"a": task(0.8, 0.1), "b": task(1.0, 0.0)}, {})
    assert (row.sites, row.value, row.prediction) == (1, None, None)
    assert row.reason == "fewer than two sites with an interval"


def test_each_site_is_left_out_once_in_the_order_of_names() -> None:
    pooled = {"z": BriefAuc(value=0.4, low=None, high=None, reason="")}
    rows = heterogeneity(UNIT, TASK, tasks(UNEQUAL), pooled).leave_one_out
    assert [r.without for r in rows] == ["a", "b", "c", "d", "z"]
    for r in rows:
        oracle = dersimonian([v for s, v in UNEQUAL.items() if s != r.without])
        left = len(UNEQUAL) - (r.without in UNEQUAL)
        z = stats.norm.ppf(0.975)
        mean, se, half = oracle.mean_effect_re, oracle.sd_eff_w_re, knapp(oracle, left)
        assert r.value == pytest.approx(expit(mean))
        assert r.low == pytest.approx(expit(mean - z * se))
        assert r.high == pytest.approx(expit(mean + z * se))
        assert r.covering is not None
        assert r.covering.low == pytest.approx(expit(mean - half))
        assert r.covering.high == pytest.approx(expit(mean + half))
        assert r.tau2 == pytest.approx(max(0.0, oracle.tau2))
        assert r.i2 == pytest.approx(max(0.0, oracle.i2))
        assert r.reason == ""
    assert [r.pooled for r in rows] == [None, None, None, None, pooled["z"]]


def test_of_two_sites_none_can_be_left_out() -> None:
    rows = heterogeneity(UNIT, TASK, tasks({s: UNEQUAL[s] for s in "ba"}), {}).leave_one_out
    assert [(r.without, r.value, r.low, r.high, r.tau2, r.i2) for r in rows] == [
        ("a", None, None, None, None, None),
        ("b", None, None, None, None, None),
    ]
    assert {r.reason for r in rows} == {"fewer than two sites remain"}


def test_sites_that_agree_closely_have_the_interval_of_one_common_auc() -> None:
    alike = {"a": (0.8, 0.05), "b": (0.801, 0.05), "c": (0.799, 0.05)}
    row = heterogeneity(UNIT, TASK, tasks(alike), {})
    # the sites spread less than chance: no variance between them, weights 1 / variance
    weights = [(a * (1 - a) / e) ** 2 for a, e in alike.values()]
    values = [math.log(a / (1 - a)) for a, _ in alike.values()]
    mean, half = np.average(values, weights=weights), stats.norm.ppf(0.975) / sum(weights) ** 0.5
    assert row.covering is not None
    assert row.covering.low == pytest.approx(expit(mean - half))
    assert row.covering.high == pytest.approx(expit(mean + half))
    assert row.covering.method == "fixed effect"


def test_each_site_in_the_mean_has_its_random_effects_weight() -> None:
    row, oracle = heterogeneity(UNIT, TASK, tasks(UNEQUAL), {}), dersimonian([*UNEQUAL.values()])
    wanted = oracle.weights_re / oracle.weights_re.sum()
    assert row.weights is not None
    assert [w.site for w in row.weights] == list(UNEQUAL)
    assert [w.weight for w in row.weights] == pytest.approx(wanted.tolist())


def test_sites_that_drop_out_of_the_mean_are_named_with_the_reason() -> None:
    found = tasks({"b": (0.8, 0.1), "a": (0.7, 0.05)})
    found["e"] = task(1.0, 0.0)
    found["d"] = task(0.75, 0.0)
    found["c"] = task(0.9, None)
    found["f"] = replace(task(None, None, 0, 9), auc=Figure(reason="all of one class"))
    row = heterogeneity(UNIT, TASK, found, {})
    assert [(x.site, x.reason) for x in row.left_out or ()] == [
        ("e", "its AUC is 1, which has no logit"),
        ("d", "its AUC has no variance"),
        ("c", "its AUC has no standard error"),
        ("f", "all of one class"),
    ]
    assert row.sites == 2


def lesion(value: float, se: float, clustered: float | None) -> TaskSummary:
    figures = {} if clustered is None else {"clustered": Figure(value=value, se=clustered)}
    made = task(value, se, 30, 40)
    return replace(made, unit="lesion", task="benign_vs_rest", figures=figures)


def test_lesions_are_pooled_with_errors_that_are_clustered_by_patient() -> None:
    found = {"b": lesion(0.8, 0.02, 0.05), "a": lesion(0.7, 0.03, 0.06)}
    row = heterogeneity("lesion", "benign_vs_rest", found, {})
    oracle = dersimonian([(0.8, 0.05), (0.7, 0.06)])
    assert (row.value, row.se) == (
        pytest.approx(expit(oracle.mean_effect_re)), pytest.approx(oracle.sd_eff_w_re),
    )  # fmt: skip
    assert row.errors == "obuchowski"
    mean = site_mean("lesion", "benign_vs_rest", found).auc
    plain = {s: replace(t, figures={}) for s, t in found.items()}
    narrow = site_mean("lesion", "benign_vs_rest", plain).auc
    # low and high stay DeLong's; what is printed knows the patients
    assert (mean.low, mean.high, mean.se) == (narrow.low, narrow.high, narrow.se)
    assert mean.se == pytest.approx(math.hypot(0.02, 0.03) / 2)
    assert mean.covering is not None
    assert mean.covering.high is not None
    logit = math.log(mean.covering.high / (1 - mean.covering.high)) - math.log(0.75 / 0.25)
    assert logit * 0.75 * 0.25 > 1.9 * math.hypot(0.05, 0.06) / 2
    found["c"] = lesion(0.75, 0.04, None)
    row = heterogeneity("lesion", "benign_vs_rest", found, {})
    assert row.errors == "obuchowski, delong where a site gave no other"
    assert heterogeneity(UNIT, TASK, tasks(UNEQUAL), {}).errors == "delong"


def test_a_site_that_separates_the_classes_does_not_narrow_the_mean_of_sites() -> None:
    auc = site_mean(UNIT, TASK, {"b": task(0.9, 0.05, 20, 25), "a": task(1.0, 0.0, 4, 6)}).auc
    # DeLong's error of the perfect site is 0; a score interval of 4 and 6 patients is wide
    assert auc.se == pytest.approx(0.025)
    assert auc.covering is not None
    assert auc.covering.low is not None
    assert auc.covering.low < 0.85 < auc.low < 0.95 < (auc.covering.high or 0) < 1


def test_the_mean_of_sites_that_all_separate_the_classes_has_newcombes_interval() -> None:
    """All of (1 − θ)² ≤ 1.96² V(θ), V the mean of both sites' expected variances over 2."""
    auc = site_mean(UNIT, TASK, {s: task(1.0, 0.0, 13, 7) for s in "ab"}).auc
    assert auc.covering is not None
    low, high = auc.covering.low, auc.covering.high
    assert low is not None
    assert high == 1.0
    more = (20 / 2 - 1) * ((1 - low) / (2 - low) + low / (1 + low))
    expected = low * (1 - low) / (13 * 7) * (1 + more) / 2
    assert (1 - low) ** 2 == pytest.approx(1.959964**2 * expected, rel=1e-5)
    assert 0.8 < low < 0.9


def test_a_separated_site_does_not_make_the_mean_of_sites_useless() -> None:
    """One pair of 204 is lost elsewhere: the sites' own intervals begin at about 0.7 and 0.9."""
    lost = 1 / 204
    auc = site_mean(UNIT, TASK, {"a": task(1.0, 0.0, 4, 16), "b": task(1 - lost, lost, 6, 34)}).auc
    assert auc.covering is not None
    assert auc.covering.low is not None
    assert 0.75 < auc.covering.low < 0.95


def test_few_sites_or_none_that_differ_carry_a_warning() -> None:
    sizes = [0.02, 0.03, 0.05, 0.04, 0.06, 0.03]
    apart = {s: (0.6 + 0.06 * i, e) for i, (s, e) in enumerate(zip("abcdef", sizes, strict=True))}
    alike = {s: (0.8, e) for s, e in zip("abcdef", sizes, strict=True)}
    five = {s: apart[s] for s in "abcde"}
    for found, warned, unseen in ((apart, False, False), (five, True, False), (alike, True, True)):
        row = heterogeneity(UNIT, TASK, tasks(found), {})
        assert row.covering is not None
        assert row.prediction is not None
        assert ("cautious" in row.covering.warning) == warned
        assert ("may be too narrow" in row.prediction.warning) == unseen


def test_a_prediction_of_three_sites_says_that_it_is_wide() -> None:
    four = {s: (0.6 + 0.09 * i, 0.03) for i, s in enumerate("abcd")}
    for count, wide in ((3, True), (4, False)):
        row = heterogeneity(UNIT, TASK, tasks({s: four[s] for s in "abcd"[:count]}), {})
        assert row.prediction is not None
        assert row.prediction.warning.startswith("cautious") == wide
