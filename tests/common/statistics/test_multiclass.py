"""Means of AUCs over classes have the variance of a mean, and say why where they have none."""

import math

import numpy as np
import pytest
from hepafed.common.contract import Figure
from hepafed.common.statistics.agreement import Estimate
from hepafed.common.statistics.auc import Auc
from hepafed.common.statistics.bins import Intervals
from hepafed.common.statistics.clustered_auc import Sizes, covariance
from hepafed.common.statistics.multiclass import (
    adjusted_figure,
    clustered_figures,
    estimates,
    products_with_exact_squares,
    released,
    sizes_of,
)
from hepafed.common.statistics.placement_sums import FIGURES, Products
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of
from sklearn.metrics import roc_auc_score

NO_INTERVAL = "fewer than two patients with a class: no interval"
ONE_VS_REST = ["benign_vs_rest", "primary_malignant_vs_rest", "metastatic_vs_rest"]


def test_the_figures_are_in_one_order() -> None:
    assert [name for _, name in FIGURES] == [
        "malignant_vs_benign",
        *ONE_VS_REST,
        "benign_vs_primary_malignant",
        "benign_vs_metastatic",
        "primary_malignant_vs_benign",
        "primary_malignant_vs_metastatic",
        "metastatic_vs_benign",
        "metastatic_vs_primary_malignant",
    ]


def test_sizes_are_of_each_figures_own_classes() -> None:
    cells = [Intervals(*np.array([[0], [9], [100 + i], [200 + i]])) for i in range(10)]
    clusters = np.array([[21, 11], [22, 12], [23, 13], [24, 14]])  # with a negative, a positive
    found = sizes_of(cells, np.array([40, 99]), clusters)
    assert found.positives.tolist() == list(range(100, 110))
    assert found.negatives.tolist() == list(range(200, 210))
    assert found.with_positives.tolist() == [11, 12, 13, 14, 12, 12, 13, 13, 14, 14]
    assert found.with_negatives.tolist() == [21, 22, 23, 24, 13, 14, 12, 14, 12, 13]
    assert found.clusters.tolist() == [40] * 10


def sums(seed: int) -> tuple[np.ndarray, np.ndarray, Sizes]:
    """Give the sums over 30 patients of drawn products of ten figures, and their sizes."""
    rng = np.random.default_rng(seed)
    p, n = rng.normal(size=(2, 10, 30))
    crossed = np.stack([p @ p.T, n @ n.T, p @ n.T], axis=2)
    fourth = np.stack([(p**a * n ** (4 - a)).sum(1) for a in (4, 3, 2, 1, 0)], axis=1)
    sizes = Sizes(
        positives=np.arange(20, 30),
        negatives=np.arange(60, 50, -1),
        with_positives=np.arange(12, 22),
        with_negatives=np.arange(25, 15, -1),
        clusters=np.full(10, 30),
    )
    return crossed, fourth, sizes


def test_a_means_variance_is_the_mean_of_its_members_covariances() -> None:
    crossed, fourth, sizes = sums(1)
    values = [Auc(0.5 + i / 40, se=None) for i in range(10)]
    single, means = estimates(values, crossed, fourth, sizes)
    matrix = covariance(crossed, sizes)
    for name, at in (("macro", [1, 2, 3]), ("hand_till", [4, 5, 6, 7, 8, 9])):
        found = means[name]
        assert found is not None
        assert found.value == pytest.approx(np.mean([0.5 + i / 40 for i in at]))
        weights = np.zeros(10)
        weights[at] = 1 / len(at)
        assert found.se == pytest.approx(np.sqrt(weights @ matrix @ weights))
    assert list(single) == ONE_VS_REST
    for i, found in enumerate(single.values(), 1):
        assert found is not None
        assert (found.value, found.se) == (0.5 + i / 40, pytest.approx(matrix[i, i] ** 0.5))


def test_a_mean_without_one_of_its_aucs_is_absent_and_the_other_stays() -> None:
    values: list[Auc | None] = [Auc(0.7, se=None)] * 10
    values[8] = None
    single, means = estimates(values, *sums(2))
    assert (list(single), list(means)) == (ONE_VS_REST, ["macro"])
    values[8], values[2] = values[3], None
    single, means = estimates(values, *sums(2))
    assert (list(single), list(means)) == ([ONE_VS_REST[0], ONE_VS_REST[2]], ["hand_till"])


def test_a_mean_without_a_variance_has_its_value_alone() -> None:
    crossed, fourth, sizes = sums(3)
    sizes.with_positives[2] = 1
    single, means = estimates([Auc(0.7, se=None)] * 10, crossed, fourth, sizes)
    assert means["macro"] == Estimate(pytest.approx(0.7))
    assert single[ONE_VS_REST[1]] is None
    assert single[ONE_VS_REST[0]] is not None


def test_exact_squares_come_from_the_histograms_where_a_figure_has_both_classes() -> None:
    both = Intervals(*np.array([[0, 5], [1, 6], [1, 3], [2, 2]]))
    one = Intervals(*np.array([[0], [1], [4], [0]]))
    zeros = {"crossed": (10, 10, 3), "within": (10, 2), "fourth": (10, 5)}
    products = Products(**{k: np.zeros(s, np.int64) for k, s in zeros.items()})
    products.within[:] = 1 << 36  # 1 in fixed point
    products.crossed[:] = 3 << 36
    made = products_with_exact_squares([both, *[one] * 9], products)
    # wins: 1 of 4 positives ties two of 4 negatives and loses two; 3 beat two and tie two
    v10, v01 = np.array([0.25, 0.75, 0.75, 0.75]), np.array([0.875, 0.875, 0.375, 0.375])
    assert made[0, 0].tolist() == pytest.approx(
        [3 - 1 + ((v10 - 0.625) ** 2).sum(), 3 - 1 + ((v01 - 0.625) ** 2).sum(), 3]
    )
    made[0, 0] = 3
    assert (made == 3).all()


def table(truth: list[int], patients: int) -> ScoreTable:
    rng = np.random.default_rng(6)
    n = len(truth)
    raw = rng.normal(size=(n, 3)) + np.eye(3)[truth]
    return ScoreTable(
        site=np.full(n, "s"),
        patient=np.array([f"p{i % patients}" for i in range(n)]),
        lesion=np.array([f"l{i}" for i in range(n)]),
        truth=np.array(truth),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def test_a_sites_own_figures_are_exact_and_have_clustered_intervals() -> None:
    made = table([0, 1, 2, 0, 0, 1, 2, 2, 0, 1, 0, 2, 1, 0, 0, 1, 2, 0, 1, 1], 7)
    by_task, means = clustered_figures(made, additive_of(made, 0.5))
    p = np.exp(made.log_probs)
    aucs = [roc_auc_score(made.truth == c, p[:, c]) for c in range(3)]
    assert list(by_task) == ONE_VS_REST
    for figures, auc in zip(by_task.values(), aucs, strict=True):
        assert list(figures) == ["clustered", "clustered_logit"]
        plain, logit = figures.values()
        assert plain.value == pytest.approx(auc)
        assert logit.value == pytest.approx(auc)
        assert plain.se is not None
        assert logit.low is not None
        assert logit.high is not None
        assert 0 < logit.low < auc < logit.high < 1
    assert means["macro"].value == pytest.approx(np.mean(aucs))
    pairs = [
        roc_auc_score(made.truth[k] == a, p[k, a])
        for a in range(3)
        for b in range(3)
        if a != b
        for k in [(made.truth == a) | (made.truth == b)]
    ]
    assert means["hand_till"].value == pytest.approx(np.mean(pairs))
    assert means["macro"].se is not None
    assert list(means) == ["macro", "hand_till", "macro_logit", "hand_till_logit"]
    for name in ("macro", "hand_till"):
        whole, ends = means[name], means[f"{name}_logit"]
        assert whole.value is not None
        assert whole.se is not None
        assert ends.low is not None
        assert ends.high is not None
        assert 0 < ends.low < whole.value < ends.high < 1
        # few patients: the interval is wider than 1.96 standard errors to each side of the logit
        slope = whole.value * (1 - whole.value)
        assert (
            math.log(whole.value / (1 - whole.value)) - math.log(ends.low / (1 - ends.low))
            > 1.96 * whole.se / slope
        )


def test_a_site_without_a_class_says_that_it_is_missing() -> None:
    made = table([0, 1, 0, 0, 1, 1, 0, 1], 4)
    by_task, means = clustered_figures(made, additive_of(made, 0.5))
    assert list(by_task) == ONE_VS_REST[:2]
    assert means == dict.fromkeys(("macro", "hand_till"), Figure(reason="a class is missing"))


def test_a_figure_without_an_interval_says_why() -> None:
    assert released(None) == Figure(reason=NO_INTERVAL)
    assert released(Estimate(0.8)) == Figure(value=0.8, reason=NO_INTERVAL)
    whole = Estimate(0.8, se=0.1, low=0.6, high=0.95)
    assert released(whole) == Figure(value=0.8, low=0.6, high=0.95, se=0.1)


def test_an_interval_on_the_logit_scale_is_released_where_there_is_one() -> None:
    found = Estimate(0.8, se=0.1, low=0.6, high=0.9, adjusted=(0.5, 0.875))
    assert adjusted_figure("x", found) == {"x": Figure(value=0.8, low=0.5, high=0.875)}
    assert adjusted_figure("x", Estimate(0.8)) == {}
    assert adjusted_figure("x", Auc(0.8, se=None)) == {}
    assert adjusted_figure("x", None) == {}
