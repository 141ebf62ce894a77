"""The clustered interval is Obuchowski's, and its degrees of freedom those of its patients."""

import math

import numpy as np
import pytest
from hepafed.common.statistics.agreement import Estimate
from hepafed.common.statistics.clustered_auc import (
    Sizes,
    clustered_auc,
    covariance,
    fourth_powers,
    interval,
    with_exact_diagonal,
)
from scipy.optimize import brentq
from scipy.stats import t as student

Z = 1.959963984540054


def sizes(**changes: list[int]) -> Sizes:
    """Give the sizes of two figures."""
    good = {
        "positives": [20, 30],
        "negatives": [50, 45],
        "with_positives": [8, 11],
        "with_negatives": [16, 15],
        "clusters": [20, 19],
    }
    return Sizes(**{k: np.array(v) for k, v in {**good, **changes}.items()})


CROSSED = np.array(
    [
        [[4.0, 9.0, -2.0], [3.0, 5.0, 1.5]],
        [[3.0, 5.0, -0.5], [6.0, 7.0, 2.5]],
    ]
)


def test_a_variance_is_made_of_both_classes_and_twice_what_they_share() -> None:
    found = covariance(CROSSED, sizes())
    wanted = 4 * (8 / 7) / 20**2 + 9 * (16 / 15) / 50**2 - 2 * 2 * (20 / 19) / (20 * 50)
    assert found[0, 0] == pytest.approx(wanted)
    wanted = 6 * (11 / 10) / 30**2 + 7 * (15 / 14) / 45**2 + 2 * 2.5 * (19 / 18) / (30 * 45)
    assert found[1, 1] == pytest.approx(wanted)


def test_a_covariance_takes_each_figures_positives_with_the_others_negatives() -> None:
    found = covariance(CROSSED, sizes())
    both = math.sqrt(20 / 19 * 19 / 18)
    wanted = (
        3 * math.sqrt(8 / 7 * 11 / 10) / (20 * 30)
        + 5 * math.sqrt(16 / 15 * 15 / 14) / (50 * 45)
        + 1.5 * both / (20 * 45)  # positives of the first, negatives of the second
        - 0.5 * both / (30 * 50)
    )
    assert found[0, 1] == pytest.approx(wanted)
    assert found[1, 0] == pytest.approx(wanted)


@pytest.mark.parametrize(
    "change",
    [
        {"with_positives": [1, 11]},
        {"with_negatives": [1, 15]},
        {"with_positives": [0, 11], "positives": [0, 30]},
        {"clusters": [1, 19]},
    ],
    ids=str,
)
def test_a_class_of_one_patient_has_no_variance_and_leaves_the_other_figure_its_own(
    change: dict[str, list[int]],
) -> None:
    found = covariance(CROSSED, sizes(**change))
    assert np.isnan(found).tolist() == [[True, True], [True, False]]
    assert found.dtype == np.float64


def test_a_class_of_two_patients_has_a_variance() -> None:
    found = covariance(CROSSED, sizes(with_positives=[2, 11], with_negatives=[2, 15]))
    wanted = 4 * 2 / 20**2 + 9 * 2 / 50**2 - 4 * (20 / 19) / (20 * 50)
    assert found[0, 0] == pytest.approx(wanted)


def test_an_interval_is_cut_to_0_and_1() -> None:
    assert interval(0.95, 0.01) == Estimate(0.95, se=0.1, low=pytest.approx(0.95 - Z / 10), high=1)
    assert interval(0.05, 0.01) == Estimate(0.05, se=0.1, low=0, high=pytest.approx(0.05 + Z / 10))


def test_a_variance_below_nothing_is_nothing_and_none_is_no_interval() -> None:
    assert interval(0.7, -1e-9) == Estimate(0.7, se=0.0, low=0.7, high=0.7)
    assert interval(0.7, math.nan) is None
    assert interval(0.7, math.inf) is None


def test_fourth_powers_add_up_over_clusters() -> None:
    p, n = np.array([[2.0, -1.0], [0.5, 0.0]]), np.array([[3.0, 1.0], [-2.0, 4.0]])
    assert fourth_powers(p, n).tolist() == [
        [17.0, 23.0, 37.0, 53.0, 82.0],
        [0.0625, -0.25, 1.0, -4.0, 272.0],
    ]


def test_exact_squares_replace_those_of_a_coarse_curve_on_the_diagonal_alone() -> None:
    before = CROSSED.copy()
    made = with_exact_diagonal(
        CROSSED, np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.5, 2.25], [2.0, 7.0]])
    )
    assert made[0, 0].tolist() == [4.5, 9.25, -2.0]
    assert made[1, 1].tolist() == [5.0, 10.0, 2.5]
    assert (made[[0, 1], [1, 0]] == CROSSED[[0, 1], [1, 0]]).all()
    assert (before == CROSSED).all()


def by_hand(
    scores: np.ndarray, truth: np.ndarray, cluster: np.ndarray
) -> tuple[float, float, tuple[float, float]]:
    """Give AUC, Obuchowski's standard error and the interval on the logit scale, from pairs."""
    wins = (np.sign(scores[truth][:, None] - scores[~truth][None, :]) + 1) / 2
    auc, m, n = float(wins.mean()), int(truth.sum()), int((~truth).sum())
    everyone = np.unique(cluster)
    p = np.array([(wins.mean(1) - auc)[cluster[truth] == c].sum() for c in everyone])
    q = np.array([(wins.mean(0) - auc)[cluster[~truth] == c].sum() for c in everyone])
    a, b, k = len(np.unique(cluster[truth])), len(np.unique(cluster[~truth])), len(everyone)
    variance = p @ p * a / (a - 1) / m**2 + q @ q * b / (b - 1) / n**2
    variance += 2 * (p @ q) * k / (k - 1) / (m * n)
    u = p / m + q / n
    second, fourth = (u**2).sum(), (u**4).sum()
    freedom = max(2.0, 2 * second**2 / (fourth - second**2 / k))
    middle = (m * n * auc + 0.5) / (m * n + 1)
    half = student.ppf(0.975, freedom) * math.sqrt(variance) / (middle * (1 - middle))
    centre = math.log(middle / (1 - middle))
    low, high = (1 / (1 + math.exp(-centre - side * half)) for side in (-1, 1))
    # the end on the side of 0.5: a score interval of as many independent lesions as the lesions
    # of patients are worth at a correlation of 1/2, its variance moderated by 40 degrees
    e, f = m / ((1 + m / a) / 2), n / ((1 + n / b) / 2)

    def expected(x: float) -> float:
        more = ((e + f) / 2 - 1) * ((1 - x) / (2 - x) + x / (1 + x))
        return x * (1 - x) * (1 + more) / (e * f)

    reach = student.ppf(0.975, freedom + 40) ** 2
    reach *= (freedom * variance / expected(auc) + 40) / (freedom + 40)
    assert auc > 0.5
    outer = brentq(lambda x: (auc - x) ** 2 - reach * expected(x), 1e-9, auc)
    return auc, math.sqrt(variance), (min(low, outer), high)


@pytest.mark.parametrize("seed", range(4))
def test_a_clustered_interval_is_that_of_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patient = rng.permutation(np.repeat(np.arange(14), rng.integers(1, 6, 14))) * 3 + 5
    truth = rng.random(len(patient)) < 0.4
    scores = np.round(rng.normal(size=len(patient)) + truth + (patient % 5) / 5, 1)
    found = clustered_auc(scores, truth, patient)
    assert found is not None
    auc, made = found
    assert made is not None
    value, se, ends = by_hand(scores, truth, patient)
    assert (auc.value, made.value) == (pytest.approx(value), pytest.approx(value))
    assert made.se == pytest.approx(se)
    assert (made.low, made.high) == pytest.approx((max(0, value - Z * se), min(1, value + Z * se)))
    assert made.adjusted == pytest.approx(ends)


def test_a_clustered_auc_of_one_class_is_none() -> None:
    scores, patient = np.array([0.1, 0.4, 0.3]), np.array([0, 1, 1])
    assert clustered_auc(scores, np.ones(3, bool), patient) is None
    assert clustered_auc(scores, np.zeros(3, bool), patient) is None


def test_a_clustered_auc_of_one_patient_with_a_positive_has_no_interval() -> None:
    scores, patient = np.array([0.1, 0.4, 0.3, 0.6]), np.array([0, 1, 1, 2])
    found = clustered_auc(scores, np.array([False, True, True, False]), patient)
    assert found is not None
    assert (found[0].value, found[1]) == (pytest.approx(0.5), None)


def test_a_clustered_auc_of_1_has_newcombes_interval_of_patients() -> None:
    """Three patients with positives, four with negatives; lesions do not count."""
    patient = np.array([0, 0, 1, 2, 3, 3, 3, 4, 5, 6])
    truth = patient < 3
    found = clustered_auc(truth * 1.0, truth, patient)
    assert found is not None
    assert found[1] is not None
    assert found[1].adjusted is not None
    low, high = found[1].adjusted
    more = ((3 + 4) / 2 - 1) * ((1 - low) / (2 - low) + low / (1 + low))
    assert high == 1.0
    assert 1 - low == pytest.approx(Z * math.sqrt(low * (1 - low) / (3 * 4) * (1 + more)), rel=1e-6)
