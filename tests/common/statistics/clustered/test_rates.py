"""Intervals of shares of lesions: the ratio estimator over patients, put into Wilson's interval."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hepafed.common.statistics.clustered.products import patient_products
from hepafed.common.statistics.clustered.rates import (
    Clustered,
    call_intervals,
    clustered_rate,
    right_interval,
)
from hepafed.common.statistics.rates import likelihood_ratios
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

PATIENTS = ((2, 2), (1, 3), (0, 1))
"""Cases that count, and cases, of three patients."""


def of(patients: tuple[tuple[int, int], ...]) -> Clustered | None:
    a, b = np.array(patients).T
    return clustered_rate(int(a.sum()), int(b.sum()), (int(a @ a), int(a @ b), int(b @ b)))


def test_three_patients_by_hand() -> None:
    # a / b = 3 / 6; a − b / 2 is 1, −1/2, −1/2; Σ b² = 14, so that K = 36 / 14
    found = of(PATIENTS)
    assert found is not None
    patients = 36 / 14
    variance = 1.5 / 36 * patients / (patients - 1)
    assert (found.value, found.patients) == (0.5, pytest.approx(patients))
    assert found.se == pytest.approx(math.sqrt(variance))
    assert found.cases == pytest.approx(0.25 / variance)
    # an end of Wilson's interval is where the value is a quantile away from it
    quantile = student.ppf(0.975, patients - 1)
    for end in (found.low, found.high):
        assert (0.5 - end) ** 2 == pytest.approx(quantile**2 * end * (1 - end) * variance / 0.25)
    assert found.low < 0.5 < found.high


def test_the_order_of_patients_does_not_matter() -> None:
    assert of(PATIENTS) == of(PATIENTS[::-1])


def test_the_variance_is_that_of_statsmodels_for_clusters() -> None:
    rng = np.random.default_rng(4)
    patient = np.repeat(np.arange(30), rng.integers(1, 7, 30))
    hit = rng.random(len(patient)) < rng.random(30)[patient]
    a, b = np.bincount(patient, hit), np.bincount(patient)
    found = of(tuple(zip(a.astype(int).tolist(), b.tolist(), strict=True)))
    groups = {"groups": patient, "use_correction": False}
    fitted = sm.OLS(hit.astype(float), np.ones(len(hit))).fit(cov_type="cluster", cov_kwds=groups)
    assert found is not None
    assert found.patients == pytest.approx(b.sum() ** 2 / (b**2).sum())
    assert found.se**2 == pytest.approx(
        float(fitted.bse[0]) ** 2 * found.patients / (found.patients - 1)
    )


@pytest.mark.parametrize("hits", [0, 1, 7, 12, 13])
def test_where_no_patient_has_two_cases_the_interval_is_wilsons(hits: int) -> None:
    found = clustered_rate(hits, 13, (hits, hits, 13))
    assert found is not None
    expected = proportion_confint(hits, 13, method="wilson")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)
    assert (found.cases, found.patients) == (13, 13)
    assert found.se == pytest.approx(math.sqrt(hits / 13 * (1 - hits / 13) / 13))


def test_two_lesions_called_alike_tell_as_much_as_one() -> None:
    pairs = clustered_rate(2 * 9, 2 * 12, (4 * 9, 4 * 9, 4 * 12))
    assert pairs is not None
    assert (pairs.patients, pairs.cases) == (12, pytest.approx(11))  # 12 less one for the variance


@pytest.mark.parametrize(("hits", "end"), [(0, "low"), (15, "high")])
def test_a_share_of_0_or_1_has_as_many_cases_as_patients(hits: int, end: str) -> None:
    patients = ((0, 4), (0, 4), (0, 1), (0, 6))
    found = of(tuple((b if hits else 0, b) for _, b in patients))
    assert found is not None
    effective = 15**2 / (16 + 16 + 1 + 36)
    assert found.cases == found.patients == pytest.approx(effective)
    assert getattr(found, end) == found.value == hits / 15
    quantile = student.ppf(0.975, effective - 1)
    inner = found.high if hits == 0 else 1 - found.low
    assert inner == pytest.approx(quantile**2 / (effective + quantile**2))


def test_equal_shares_of_all_patients_tell_no_more_than_independent_cases() -> None:
    found = of(((1, 2),) * 10)
    assert found is not None
    assert (found.se, found.cases) == (0, 20)
    assert found.high - found.low > 0.3


@pytest.mark.parametrize("hits", [0, 2, 5])
def test_one_patient_with_all_cases_has_no_interval(hits: int) -> None:
    assert clustered_rate(hits, 5, (hits * hits, hits * 5, 25)) is None
    assert clustered_rate(0, 0, (0, 0, 0)) is None
    # one patient more, with one case
    assert clustered_rate(hits, 6, (hits * hits, hits * 5, 26)) is not None


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=30))
def test_no_interval_is_narrower_than_wilsons(rows: list[tuple[int, int]]) -> None:
    found = of(tuple((a, a + b) for a, b in rows))
    hits, cases = sum(a for a, _ in rows), sum(a + b for a, b in rows)
    if found is None:
        assert sum(a + b > 0 for a, b in rows) < 2
        return
    low, high = proportion_confint(hits, cases, method="wilson")
    assert 0 <= found.low <= low + 1e-9
    assert high - 1e-9 <= found.high <= 1
    assert found.low <= found.value <= found.high


def cohort(seed: int, patients: int) -> tuple[np.ndarray, np.ndarray]:
    """Give each lesion's patient and kind (TN, FP, FN, TP), patients unlike each other."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, 6, patients))
    skill = rng.beta(3, 1, patients)[patient]
    truth = rng.random(len(patient)) < rng.beta(1, 2, patients)[patient]
    right = rng.random(len(patient)) < skill
    return patient, 2 * truth + (truth == right)


def figures(x: np.ndarray) -> dict[str, float]:
    tn, fp, fn, tp = (float(n) for n in x.sum(0))
    a, b = tp / (tp + fn), tn / (tn + fp)
    return {
        "sensitivity": a,
        "specificity": b,
        "ppv": tp / (tp + fp),
        "npv": tn / (tn + fn),
        "accuracy": (tp + tn) / (tp + tn + fp + fn),
        "balanced_accuracy": (a + b) / 2,
        "likelihood_positive": math.log(a / (1 - b)),
        "likelihood_negative": math.log((1 - a) / b),
    }


def test_each_figure_has_the_jackknifes_error_of_its_own_cells() -> None:
    patient, kind = cohort(1, 400)
    x = np.zeros((400, 4), np.int64)
    np.add.at(x, (patient, kind), 1)
    found = call_intervals(x.sum(0).reshape(2, 2), patient_products(patient, 400, kind, 4))
    whole = figures(x)
    without = [figures(np.delete(x, i, 0)) for i in range(400)]
    assert set(found) == set(whole)
    for name, value in whole.items():
        ratio = name.startswith("likelihood")
        spread = sum((w[name] - value) ** 2 for w in without) * 399 / 400
        its = found[name]
        assert its.value == pytest.approx(math.exp(value) if ratio else value)
        se = its.se / its.value if ratio else its.se
        assert se == pytest.approx(math.sqrt(spread), rel=0.02)
        if ratio:
            assert math.log(its.high / its.value) == pytest.approx(math.log(its.value / its.low))


def test_of_independent_cases_the_likelihood_ratios_are_nearly_simels() -> None:
    called = np.array([[320, 80], [50, 250]])
    found = call_intervals(called, np.diag(called.ravel()))
    for name, simel in zip(
        ("likelihood_positive", "likelihood_negative"),
        likelihood_ratios(250, 300, 320, 400),
        strict=True,
    ):
        assert found[name].value == pytest.approx(simel.value)
        assert (found[name].low, found[name].high) == pytest.approx(
            (simel.low, simel.high), rel=0.003
        )


def test_a_likelihood_ratio_with_a_count_of_0_has_no_interval() -> None:
    called = np.array([[9, 0], [2, 5]])
    found = call_intervals(called, np.diag(called.ravel()))
    assert "likelihood_positive" not in found
    assert "likelihood_negative" in found
    called = np.array([[9, 3], [0, 5]])
    assert "likelihood_negative" not in call_intervals(called, np.diag(called.ravel()))


def test_a_class_without_cases_has_no_interval_of_its_rates() -> None:
    called = np.array([[9, 3], [0, 0]])
    found = call_intervals(called, np.diag(called.ravel()))
    assert set(found) == {"specificity", "ppv", "npv", "accuracy"}


def test_right_calls_of_several_classes_are_those_on_the_diagonal() -> None:
    rng = np.random.default_rng(3)
    patient, cell = np.repeat(np.arange(20), 3), rng.integers(0, 9, 60)
    table = np.bincount(cell, minlength=9).reshape(3, 3)
    found = right_interval(table, patient_products(patient, 20, cell, 9))
    right = np.bincount(patient, np.isin(cell, (0, 4, 8))).astype(int)
    assert found == of(tuple((int(a), 3) for a in right))
