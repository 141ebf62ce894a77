"""Figures over the three classes: of the confusion table, and means of AUCs over classes."""

from typing import Any

import numpy as np
import pytest
from hepafed.common.contract import Figure
from hepafed.common.statistics import (
    FIGURES,
    Estimate,
    Intervals,
    Products,
    ScoreTable,
    additive_of,
    auc_from_intervals,
    clustered_figures,
    curves_of,
    products_of,
)
from hepafed.server.formats import MulticlassRow
from hepafed.server.pooling.estimates import auc_estimate
from hepafed.server.pooling.evidence import Evidence, Group, evidence
from hepafed.server.pooling.multiclass import (
    confusion_row,
    macro_row,
    mean_auc,
    multiclass_row,
    pooled_means,
)
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    matthews_corrcoef,
)

TABLE = np.array([[9, 2, 1], [3, 7, 0], [2, 4, 5]], np.int64)
MEANS = {n: auc_estimate(Figure(value=v), n) for n, v in (("macro", 0.7), ("hand_till", 0.8))}


def cells(*counts: tuple[int, int], width: int = 1) -> Intervals:
    """Positives and negatives of bins 10, 20, …, each so wide."""
    low = np.arange(1, len(counts) + 1) * 10
    positives, negatives = np.array(counts, np.int64).reshape(-1, 2).T
    return Intervals(low, low + width, positives, negatives)


def known(found: Any = "", **sections: Any) -> Evidence:  # noqa: ANN401
    whole = found if isinstance(found, dict) else dict.fromkeys(FIGURES, found)
    return Evidence(cells=whole, sections=sections, readers=())


def row(table: np.ndarray | str, size: Any = (19, 33)) -> MulticlassRow:  # noqa: ANN401
    products = table if isinstance(table, str) else np.diag(np.array(table).ravel())
    its = known(
        confusion=table,
        confusion_products=products,
        size=size if isinstance(size, str) else np.array(size),
    )
    return multiclass_row("pooled", None, its, MEANS)


def test_figures_of_a_confusion_table_are_scikit_learns() -> None:
    truth = np.repeat([0, 1, 2], TABLE.sum(1))
    called = np.concatenate([np.repeat([0, 1, 2], r) for r in TABLE])
    made = row(TABLE)
    assert made.kappa.value == pytest.approx(cohen_kappa_score(truth, called))
    assert made.mcc.value == pytest.approx(matthews_corrcoef(truth, called))
    assert made.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(truth, called))
    assert made.f1_macro.value == pytest.approx(f1_score(truth, called, average="macro"))
    assert made.f1_micro.value == pytest.approx(accuracy_score(truth, called))
    assert (made.accuracy.numerator, made.accuracy.denominator) == (21, 33)
    for figure in (made.kappa, made.mcc, made.balanced_accuracy, made.f1_macro, made.f1_micro):
        assert figure.reason == ""


def test_a_row_holds_the_table_by_true_class_and_the_means_of_aucs() -> None:
    made = row(TABLE)
    assert made.confusion == ((9, 2, 1), (3, 7, 0), (2, 4, 5))
    assert (made.scope, made.site, made.n) == ("pooled", None, 33)  # lesions, not patients
    assert (made.macro, made.hand_till) == (MEANS["macro"], MEANS["hand_till"])
    its = known(confusion=TABLE, size="x")
    assert multiclass_row("site", "b", its, MEANS, {}).site == "b"


def test_a_withheld_table_takes_its_figures_with_it_but_not_the_number_of_lesions() -> None:
    made = row("gone")
    assert (made.confusion, made.n) == (None, 33)
    assert (made.macro, made.hand_till) == (MEANS["macro"], MEANS["hand_till"])
    for figure in (
        made.accuracy, made.kappa, made.balanced_accuracy, made.f1_macro, made.f1_micro, made.mcc,
    ):  # fmt: skip
        assert (figure.value, figure.reason) == (None, "gone")
    assert (made.accuracy.numerator, made.accuracy.denominator) == (None, None)


def test_a_withheld_number_of_lesions_is_null() -> None:
    made = row(TABLE, "gone")
    assert made.n is None
    assert made.accuracy.denominator == 33


def test_no_lesion_at_all_has_a_reason_for_each_figure() -> None:
    made = row(np.zeros((3, 3), np.int64))
    assert [f.reason for f in (made.accuracy, made.f1_micro)] == ["no cases", "no cases"]
    assert made.kappa.reason == "one class only, in truth and calls"
    assert made.balanced_accuracy.reason == "a class is missing"
    assert made.f1_macro.reason == "a class neither true nor called"
    assert made.mcc.reason == "truth or calls are all of one class"
    assert made.f1_micro.value is None


def test_a_class_that_no_lesion_has_leaves_no_mean_over_classes() -> None:
    made = row(np.array([[4, 1, 2], [0, 0, 0], [1, 0, 3]]))
    assert (made.balanced_accuracy.value, made.balanced_accuracy.reason) == (
        None,
        "a class is missing",
    )
    # the class was called once, so that its F1 is 0
    assert made.f1_macro.value == pytest.approx((8 / 12 + 0 + 6 / 9) / 3)


def test_calls_that_are_never_right_have_shares_of_0() -> None:
    made = row(np.array([[0, 3], [2, 0]]))
    assert (made.f1_micro.value, made.accuracy.value, made.balanced_accuracy.value) == (0, 0, 0)


def test_a_sites_confusion_table_or_why_it_is_missing() -> None:
    found = confusion_row("b", known(confusion=TABLE))
    assert (found.site, found.counts, found.reason) == ("b", ((9, 2, 1), (3, 7, 0), (2, 4, 5)), "")
    gone = confusion_row("b", known(confusion="gone"))
    assert (gone.site, gone.counts, gone.reason) == ("b", None, "gone")


def test_a_macro_row_counts_lesions_and_has_no_positives() -> None:
    made = macro_row("site", "b", 33, MEANS["macro"])
    assert (made.scope, made.site, made.unit, made.task) == ("site", "b", "lesion", "macro")
    assert (made.n, made.positives, made.auc) == (33, None, MEANS["macro"])


ONE = auc_from_intervals(cells((0, 3), (2, 1)))
OTHER = auc_from_intervals(cells((1, 1), (3, 2)))
"""Two AUCs: 6 of 8 pairs won and 2 tied; 3 of 12 pairs won and 7 tied."""


def test_a_mean_auc_is_the_plain_mean_and_so_is_its_bound() -> None:
    # a tie counts half, and can be half a pair off
    made = mean_auc("macro", [ONE, OTHER], None)
    assert made.value == pytest.approx((7 / 8 + 6.5 / 12) / 2)
    assert made.binning_error == pytest.approx((1 / 8 + 3.5 / 12) / 2)


@pytest.mark.parametrize("interval", [None, Estimate(0.5)], ids=["none", "without error"])
def test_a_mean_auc_without_an_interval_says_that_step_two_is_missing(
    interval: Estimate | None,
) -> None:
    made = mean_auc("macro", [ONE, OTHER], interval)
    assert (made.low, made.high, made.se) == (None, None, None)
    assert made.reason == "not every site sent the sums over patients that an interval needs"


def test_a_mean_auc_takes_the_interval_that_knows_the_patients() -> None:
    made = mean_auc("hand_till", [ONE, OTHER], Estimate(0.1, se=0.04, low=0.6, high=0.8))
    assert made.value == pytest.approx((7 / 8 + 6.5 / 12) / 2)
    assert (made.low, made.high, made.se, made.reason) == (0.6, 0.8, 0.04, "")
    assert made.method == "hand_till, clustered by patient"
    assert made.binning_error == pytest.approx((1 / 8 + 3.5 / 12) / 2)
    assert mean_auc("hand_till", [ONE, OTHER], None).method == "hand_till"


def test_one_withheld_or_missing_class_leaves_no_mean() -> None:
    interval = Estimate(0.1, se=0.04, low=0.6, high=0.8)
    gone = mean_auc("macro", "gone", interval)
    assert (gone.value, gone.low, gone.reason) == (None, None, "gone")
    assert gone.method == "macro, clustered by patient"
    missing = mean_auc("macro", [ONE, auc_from_intervals(cells((0, 4)))], interval)
    assert (missing.value, missing.low, missing.reason) == (None, None, "a class is missing")
    assert missing.method == "macro, clustered by patient"


def clustered() -> tuple[ScoreTable, Evidence, Products]:
    """Give 150 lesions of 50 patients, all that a coordinator knows of them, and step two."""
    rng = np.random.default_rng(11)
    truth = rng.choice(3, 150, p=[0.5, 0.2, 0.3])
    shift = np.repeat(rng.normal(size=(50, 3)), 3, axis=0)  # lesions of a patient are alike
    raw = rng.normal(size=(150, 3)) + shift + 0.9 * np.eye(3)[truth]
    table = ScoreTable(
        site=np.full(150, "a"),
        patient=np.array([f"p{i // 3}" for i in range(150)]),
        lesion=np.array([f"l{i}" for i in range(150)]),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )
    sums = additive_of(table, 0.5)
    return (
        table,
        evidence({}, [Group(("a", "b"), sums)]),
        products_of([table], [curves_of(sums, 1)]),
    )


def test_pooled_means_and_clustered_intervals_are_those_of_the_scores() -> None:
    table, its, products = clustered()
    single, means = pooled_means(its, products)
    by_task, whole = clustered_figures(table, additive_of(table, 0.5))
    assert [*single] == ["benign_vs_rest", "primary_malignant_vs_rest", "metastatic_vs_rest"]
    for task, found in single.items():
        assert found is not None
        assert found.se == pytest.approx(by_task[task]["clustered"].se, rel=1e-3)
        assert found.low == pytest.approx(by_task[task]["clustered"].low, abs=1e-3)
    assert [*means] == ["macro", "hand_till"]
    for name, made in means.items():
        assert made.value == pytest.approx(whole[name].value, abs=1e-3)
        assert made.se == pytest.approx(whole[name].se, rel=1e-3)
        assert (made.low, made.high) == (
            pytest.approx(whole[name].low, abs=1e-3),
            pytest.approx(whole[name].high, abs=1e-3),
        )


@pytest.mark.parametrize("gone", ["products", "size", "clusters", "patients", "pair"])
def test_without_all_of_step_two_no_mean_has_an_interval(gone: str) -> None:
    _, its, products = clustered()
    held = {n: "gone" if n == gone else v for n, v in its.sections.items()}
    missing = {"patients": FIGURES[0], "pair": FIGURES[-1]}.get(gone)
    found = {f: "gone" if f == missing else v for f, v in its.cells.items()}
    single, means = pooled_means(
        Evidence(cells=found, sections=held, readers=()), None if gone == "products" else products
    )
    assert single == {}
    assert (means["macro"].low, means["macro"].se, means["hand_till"].se) == (None, None, None)
    assert means["macro"].value is not None
    assert (means["hand_till"].value is None) == (gone == "pair")
    assert means["hand_till"].reason == (
        "gone"
        if gone == "pair"
        else "not every site sent the sums over patients that an interval needs"
    )
