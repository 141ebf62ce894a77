"""Kappa's interval: patients as clusters, and width where the plain one has none."""

import math

import numpy as np
import pytest
from hepafed.common.statistics.agreement import kappa
from hepafed.common.statistics.clustered.kappa import clustered_kappa
from hepafed.common.statistics.clustered.products import patient_products
from scipy.stats import t as student
from statsmodels.stats.inter_rater import cohens_kappa

TABLE = np.array([[19, 2, 1], [3, 17, 2], [1, 4, 15]], np.int64)


def test_of_independent_cases_the_error_is_that_of_statsmodels() -> None:
    found, n = clustered_kappa(TABLE), int(TABLE.sum())
    assert found is not None
    expected = cohens_kappa(TABLE)
    assert found.value == pytest.approx(expected.kappa)
    assert found.se**2 == pytest.approx(expected.var_kappa * n / (n - 1))
    assert found.patients == n


def test_the_ends_are_wilsons_of_the_observed_agreement() -> None:
    found, n = clustered_kappa(TABLE), int(TABLE.sum())
    assert found is not None
    chance = float(TABLE.sum(0) @ TABLE.sum(1)) / n**2
    agreed, quantile = np.trace(TABLE) / n, student.ppf(0.975, n - 1)
    variance = (found.se * (1 - chance)) ** 2
    for end in (found.low, found.high):
        at = end * (1 - chance) + chance
        cases = agreed * (1 - agreed) / variance
        assert (agreed - at) ** 2 == pytest.approx(quantile**2 * at * (1 - at) / cases)
    assert found.low < found.value < found.high


def test_the_error_is_the_jackknifes_over_patients() -> None:
    rng = np.random.default_rng(5)
    patient = np.repeat(np.arange(300), rng.integers(1, 6, 300))
    truth = rng.integers(0, 3, 300)[patient]
    right = rng.random(len(patient)) < rng.beta(2, 1, 300)[patient]
    cell = 3 * truth + np.where(right, truth, rng.integers(0, 3, len(patient)))
    x = np.zeros((300, 9), np.int64)
    np.add.at(x, (patient, cell), 1)
    found = clustered_kappa(x.sum(0).reshape(3, 3), patient_products(patient, 300, cell, 9))
    without = [kappa(np.delete(x, i, 0).sum(0).reshape(3, 3)) for i in range(300)]
    assert found is not None
    spread = sum((w.value - found.value) ** 2 for w in without if w is not None) * 299 / 300
    assert found.se == pytest.approx(math.sqrt(spread), rel=0.02)
    plain = kappa(x.sum(0).reshape(3, 3))
    assert plain is not None
    assert plain.se is not None
    assert found.se > 1.15 * plain.se


def test_lesions_in_pairs_called_alike_tell_as_much_as_one_of_each_pair() -> None:
    single, double = clustered_kappa(TABLE), clustered_kappa(2 * TABLE, np.diag(4 * TABLE.ravel()))
    assert single is not None
    assert double is not None
    assert (double.low, double.high) == pytest.approx((single.low, single.high))


def test_perfect_agreement_has_an_interval_below_1() -> None:
    found = clustered_kappa(np.array([[12, 0], [0, 8]]))
    assert found is not None
    quantile = student.ppf(0.975, 19)
    chance = (12**2 + 8**2) / 20**2
    low = 20 / (20 + quantile**2)  # Wilson's of 20 of 20
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx((low - chance) / (1 - chance))


def test_a_reader_who_always_says_the_same_has_an_interval_around_0() -> None:
    found = clustered_kappa(np.array([[12, 0], [8, 0]]))
    assert found is not None
    assert found.value == 0
    assert found.low < -0.2 < 0.2 < found.high


@pytest.mark.parametrize(
    ("table", "products"),
    [
        (np.zeros((2, 2), np.int64), None),
        (np.array([[7, 0], [0, 0]]), None),
        (np.array([[2, 1], [0, 4]]), np.outer([2, 1, 0, 4], [2, 1, 0, 4])),
    ],
    ids=["no case", "chance alone agrees always", "one patient"],
)
def test_no_kappa_or_no_second_patient_is_no_interval(
    table: np.ndarray, products: np.ndarray | None
) -> None:
    assert clustered_kappa(table, products) is None
