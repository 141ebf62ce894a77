"""Figures of count tables equal those of scikit-learn and statsmodels."""

import numpy as np
import pytest
from hepafed.common.statistics.agreement import (
    clustered_mcnemar,
    estimate,
    f1_scores,
    holm,
    kappa,
    matthews,
    mcnemar,
    paired_difference,
    recalls,
)
from hepafed.common.statistics.rates import likelihood_ratios, net_benefit, values_at_prevalence
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t
from sklearn.metrics import cohen_kappa_score, f1_score, matthews_corrcoef, recall_score
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests

tables = arrays(np.int64, (3, 3), elements=st.integers(1, 40))


def cases(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, call = np.indices(table.shape).reshape(2, -1)
    return np.repeat(truth, table.ravel()), np.repeat(call, table.ravel())


@settings(max_examples=30, deadline=None)
@given(tables)
def test_kappa_mcc_and_f1_are_theirs(table: np.ndarray) -> None:
    truth, call = cases(table)
    ours, theirs = kappa(table), cohens_kappa(table)
    assert ours is not None
    assert ours.value == pytest.approx(cohen_kappa_score(truth, call))
    assert ours.se == pytest.approx(theirs.std_kappa)
    assert ours.low == pytest.approx(max(-1, theirs.kappa_low))
    assert matthews(table) == pytest.approx(matthews_corrcoef(truth, call))
    assert f1_scores(table) == pytest.approx(f1_score(truth, call, average=None))
    assert recalls(table) == pytest.approx(recall_score(truth, call, average=None))


def test_figures_without_a_meaning_are_none() -> None:
    same = np.array([[5, 0], [0, 0]])
    assert kappa(same) is None
    assert kappa(np.zeros((2, 2), int)) is None
    assert matthews(same) is None
    assert f1_scores(same) == [1.0, None]
    assert recalls(same) == [1.0, None]
    assert paired_difference(0, 0, 0) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_test(a: int, b: int) -> None:
    theirs = their_mcnemar([[3, a], [b, 4]], exact=True).pvalue if a + b else 1.0
    assert mcnemar(a, b) == pytest.approx(min(1.0, theirs))


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_holm_is_statsmodels(size: int) -> None:
    # not drawn by hypothesis: each of their calls takes 50 ms
    p = (np.random.default_rng(size).random(size) ** 3).tolist()
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_a_paired_difference_has_bonett_and_prices_interval() -> None:
    found = paired_difference(12, 3, 100)  # their formula by hand: (13 - 4) / 102 ± 1.96 · 0.039467
    assert found is not None
    assert found.value == pytest.approx(0.09)
    assert (found.low, found.high) == (
        pytest.approx(0.010881, abs=1e-5),
        pytest.approx(0.165590, abs=1e-5),
    )


def test_likelihood_ratios_have_simels_interval() -> None:
    positive, negative = likelihood_ratios(90, 100, 80, 100)
    assert positive.value == pytest.approx(4.5)
    half = 1.959964 * np.sqrt(1 / 90 - 1 / 100 + 1 / 20 - 1 / 100)
    assert positive.low == pytest.approx(4.5 * np.exp(-half))
    assert negative.value == pytest.approx(0.125)
    assert likelihood_ratios(5, 5, 7, 7)[0].value is None
    assert likelihood_ratios(0, 5, 0, 0)[0].value is None


def test_predictive_values_at_the_cohorts_own_prevalence_are_the_observed() -> None:
    ppv, npv = values_at_prevalence(90 / 100, 160 / 200, 100 / 300)
    assert ppv == pytest.approx(90 / 130)
    assert npv == pytest.approx(160 / 170)
    assert values_at_prevalence(0.0, 1.0, 0.5)[0] is None


def test_treating_all_has_the_prevalence_less_its_harm() -> None:
    assert net_benefit(30, 70, 100, 0.2) == pytest.approx(0.3 - 0.7 * 0.25)
    assert net_benefit(0, 0, 100, 0.2) == 0


def test_kappas_interval_is_cut_to_minus_1_and_1() -> None:
    high, low = kappa(np.array([[3, 0], [1, 3]])), kappa(np.array([[1, 9], [9, 0]]))
    assert high is not None
    assert low is not None
    assert (high.value, high.high) == (pytest.approx((6 / 7 - 24 / 49) / (25 / 49)), 1.0)
    assert (low.value, low.low) == (pytest.approx((1 / 19 - 181 / 361) / (180 / 361)), -1.0)


def test_kappa_of_all_agreeing_has_no_width() -> None:
    found = kappa(np.array([[6, 0], [0, 2]]))
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.se == pytest.approx(0, abs=1e-8)


def test_the_correlation_of_all_calls_wrong_is_minus_1() -> None:
    assert matthews(np.array([[0, 5], [3, 0]])) == pytest.approx(-1)
    assert matthews(np.array([[5, 3], [0, 0]])) is None
    assert matthews(np.array([[1, 0], [1, 0]])) is None


def test_f1_and_recall_of_a_class_that_is_only_called() -> None:
    table = np.array([[4, 2], [0, 0]])
    assert f1_scores(table) == [pytest.approx(8 / 10), 0.0]
    assert recalls(table) == [pytest.approx(4 / 6), None]


@pytest.mark.parametrize(("pair", "p"), [((0, 0), 1.0), ((1, 0), 1.0), ((0, 6), 1 / 32)])
def test_mcnemar_of_few_pairs(pair: tuple[int, int], p: float) -> None:
    assert mcnemar(*pair) == pytest.approx(p)


@pytest.mark.parametrize("flip", [False, True])
def test_a_paired_differences_interval_is_cut_to_minus_1_and_1(flip: bool) -> None:
    found = paired_difference(0, 1, 1) if flip else paired_difference(1, 0, 1)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    half = 1.959964 * np.sqrt((1 - 1 / 9) / 3)  # around ±1/3: one end lies at ±1.4
    inner = pytest.approx(1 / 3 - half, abs=1e-5)
    ends = (-found.high, -found.low) if flip else (found.low, found.high)
    assert (abs(found.value), *ends) == (1.0, inner, 1.0)


def test_holm_never_falls_with_p_and_ends_at_1() -> None:
    assert holm([0.04, 0.01, 0.6, 0.03]) == pytest.approx([0.09, 0.04, 0.6, 0.09])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_an_estimate_is_cut_only_where_it_is_asked_for() -> None:
    free, cut = estimate(0.9, 0.2), estimate(0.9, 0.2, within=(0.6, 1.0))
    assert (free.low, free.high) == (pytest.approx(0.508007), pytest.approx(1.291993))
    assert (free.value, free.se, free.adjusted) == (0.9, 0.2, None)
    assert (cut.low, cut.high) == (0.6, 1.0)


def test_lesions_that_share_patients_are_compared_by_their_patients() -> None:
    """Of four patients d is 2, 1, −1 and 1: Σ d = 3, Σ d² = 7, t of three degrees of freedom."""
    assert clustered_mcnemar(3, 7, 4) == pytest.approx(2 * t.sf(3 / np.sqrt(7), 3))
    assert clustered_mcnemar(-3, 7, 4) == clustered_mcnemar(3, 7, 4)
    assert clustered_mcnemar(0, 8, 4) == 1.0
    assert clustered_mcnemar(0, 0, 0) == 1.0, "nobody is called differently"
    assert clustered_mcnemar(1, 1, 1) is None, "of one patient there is no variance"
