"""Pooled figures are those of the pooled score table, whatever the sites and their forms."""

import numpy as np
import pytest
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.statistics.additive import TASK_ORDER
from hepafed.common.statistics.auc import delong_auc
from hepafed.common.statistics.curves import average_precision, curve_from_mass
from hepafed.common.statistics.scores import ScoreTable, reader_calls, task_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    matthews_corrcoef,
    roc_auc_score,
)

from .tables import READERS, federated, joined, summary, table

site_list = st.lists(
    st.tuples(
        st.integers(0, 10**6), st.integers(1, 40), st.sampled_from(["masked", "plain", "cells"])
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(
    site_list,
    st.integers(0, 3),
    st.sampled_from([1.0, 12.0, 60.0]),
    st.integers(1, 3),
    st.integers(1, 6),
)
def test_federated_figures_are_those_of_the_pooled_table(
    sites: list[tuple[int, int, str]], decimals: int, scale: float, classes: int, minimum: int
) -> None:
    tables = [
        table(f"s{i}", seed, n, decimals, scale, classes) for i, (seed, n, _) in enumerate(sites)
    ]
    forms = [f for _, _, f in sites]
    report = federated(tables, forms, minimum)
    alone = [summary(t, minimum) for t, f in zip(tables, forms, strict=True) if f == "cells"]
    _same_as_central(report, joined(tables), alone)


def test_fifty_sites_pool_as_one_table() -> None:
    tables = [table(f"s{i:02}", i, 5 + i % 30, 2, 3.0, 1 + i % 3) for i in range(50)]
    forms = ["masked", "plain", "cells"]
    report = federated(tables, [forms[i % 3] for i in range(50)], 1)
    _same_as_central(report, joined(tables), [summary(t) for t in tables[2::3]])
    assert {f["form"] for f in report["forms"]} == set(forms)


def _same_as_central(report, whole: ScoreTable, alone: list[SiteSummary]) -> None:  # noqa: ANN001
    """Compare with figures of the whole table; `alone` are the sites that are in no sum."""
    rows = {(r["unit"], r["task"]): r for r in report["results"] if r["scope"] == "pooled"}
    calibration = {
        (r["unit"], r["task"]): r for r in report["calibration"] if r["scope"] == "pooled"
    }
    tasks = [t for s in alone for t in s.tasks]
    cells_gone = {(t.unit, t.task) for t in tasks if t.cells is None}
    calls_gone = any(None in (t.true_positives, t.true_negatives) for t in tasks)
    squares_gone = any("squares" not in s.sections for s in alone)
    assert list(rows) == [*TASK_ORDER, ("lesion", "macro")]
    for key in TASK_ORDER:
        r, scores = rows[key], task_scores(whole, *key)
        truth = scores.truth
        assert (r["n"], r["positives"]) == (len(truth), truth.sum())
        called = scores.logits >= (np.log(2 / 3) if key[0] == "patient" else 0)
        assert (r["accuracy"]["value"] is None) == calls_gone
        if not calls_gone:
            assert r["accuracy"]["value"] == pytest.approx(accuracy_score(truth, called))
            if truth.any():
                assert r["f1"]["value"] == pytest.approx(f1_score(truth, called, zero_division=0))
        brier = calibration[key]["brier"]["value"]
        assert (brier is None) == squares_gone
        if not squares_gone:
            both = brier_score_loss(truth, np.minimum(scores.probabilities, 1.0), labels=[0, 1])
            assert brier == pytest.approx(both, abs=1e-6)
        _same_auc(r["auc"], scores.logits, truth, withheld=key in cells_gone)
    _same_classes(report, whole, withheld=any(s.confusion is None for s in alone))
    _same_readers(report, whole, withheld=any("reader_calls" not in s.sections for s in alone))


def _same_classes(report, whole: ScoreTable, *, withheld: bool) -> None:  # noqa: ANN001
    (found,) = [r for r in report["multiclass"] if r["scope"] == "pooled"]
    called = np.round(whole.log_probs, 12).argmax(1)
    assert (found["confusion"] is None) == withheld
    one_class = len({*whole.truth, *called}) == 1
    assert (found["kappa"]["value"] is None) == (withheld or one_class)
    if not (withheld or one_class):
        kappa = cohen_kappa_score(whole.truth, called)
        assert found["kappa"]["value"] == pytest.approx(kappa)
    one_class = 1 in (len({*whole.truth}), len({*called}))
    assert (found["mcc"]["value"] is None) == (withheld or one_class)
    if not (withheld or one_class):
        mcc = matthews_corrcoef(whole.truth, called)
        assert found["mcc"]["value"] == pytest.approx(mcc)


def _same_readers(report, whole: ScoreTable, *, withheld: bool) -> None:  # noqa: ANN001
    assert [r["reader"] for r in report["readers"]] == ([] if withheld else [*READERS])
    truth = task_scores(whole, "patient", "malignant_vs_benign").truth
    for reader in report["readers"]:
        calls = reader_calls(whole, reader["reader"])
        assert reader["n"] == (calls >= 0).sum()
        assert reader["sensitivity"]["numerator"] == ((calls == 1) & truth).sum()
        assert reader["specificity"]["numerator"] == ((calls == 0) & ~truth).sum()


def _same_auc(auc, logits: np.ndarray, truth: np.ndarray, *, withheld: bool) -> None:  # noqa: ANN001
    one_class = bool(truth.all() or not truth.any())
    if withheld or one_class:
        reason = "suppressed by a site" if withheld else "one class only"
        assert (auc["value"], auc["reason"]) == (None, reason)
        return
    assert abs(auc["value"] - roc_auc_score(truth, logits)) <= auc["binning_error"] + 1e-9
    plain = delong_auc(logits[truth], logits[~truth])
    assert plain is not None
    if auc["binning_error"] <= plain.bound + 1e-12:  # nothing but the scores' own ties
        assert auc["se"] == (None if plain.se is None else pytest.approx(plain.se, abs=1e-6))


def test_the_precision_recall_curve_is_of_the_pooled_cases() -> None:
    tables = [table(f"s{i}", i, 60, 1, 2.0, 3) for i in range(2)]
    report = federated(tables, ["plain", "plain"], 1)
    scores = task_scores(joined(tables), "patient", "malignant_vs_benign")
    values = np.unique(scores.logits)
    p, n = (
        [np.sum((scores.logits == v) & (scores.truth == t)) for v in values] for t in (True, False)
    )
    exact = average_precision(curve_from_mass(np.array(p, float), np.array(n, float)))
    assert report["results"][0]["average_precision"]["value"] == pytest.approx(exact, abs=1e-3)
