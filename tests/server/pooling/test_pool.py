"""Pooled figures are those of the pooled score table, whatever the sites and their forms."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import summarise, tuning_figures, tuning_scores
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.records import read_record, write_record
from hepafed.common.statistics.additive import TASK_ORDER, add
from hepafed.common.statistics.auc import delong_auc
from hepafed.common.statistics.bins import intervals_of_histogram
from hepafed.common.statistics.curves import average_precision, curve_from_mass
from hepafed.common.statistics.placement_sums import add_products, curves_of, products_of
from hepafed.common.statistics.scores import ScoreTable, reader_calls, rows_of, task_scores
from hepafed.common.statistics.sums import additive_of
from hepafed.server import pooling
from hepafed.server.formats import ModelPart, OperatingPoint, Provenance, TuningScores
from hepafed.server.pooling import Group, Questions, check_summary, reference_of
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

MODEL = ModelPart(
    id="m",
    protocol="t2",
    sha256="",
    operating_point=OperatingPoint(threshold=0.4, rule="", chosen_on=""),
)
READERS = ("reader_a", "reader_b")
THRESHOLD = 0.4


def table(
    site: str, seed: int, lesions: int, decimals: int, scale: float, classes: int
) -> ScoreTable:
    rng = np.random.default_rng(seed)
    raw = np.round(rng.normal(size=(lesions, 3)), decimals) * scale
    # a reader calls a patient: the same call stands at each of the patient's lesions
    calls = {
        r: np.repeat(rng.integers(-1, 2, lesions), 2)[:lesions].astype(np.int8) for r in READERS
    }
    return ScoreTable(
        site=np.full(lesions, site),
        patient=np.array([f"p{i // 2}" for i in range(lesions)]),
        lesion=np.array([f"l{i}" for i in range(lesions)]),
        truth=rng.integers(0, classes, lesions),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers=calls,
    )


def joined(tables: list[ScoreTable]) -> ScoreTable:
    fields = ("site", "patient", "lesion", "truth", "log_probs")
    return ScoreTable(
        **{f: np.concatenate([getattr(t, f) for t in tables]) for f in fields},
        readers={r: np.concatenate([t.readers[r] for t in tables]) for r in READERS},
    )


def pool(*args: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Pool, and give the report as report.json holds it."""
    return write_record(pooling.pool(*args, **more))


def summary(t: ScoreTable, minimum: int = 1) -> SiteSummary:
    return summarise(t, run="r", model="m", weights="", threshold=THRESHOLD, minimum_count=minimum)


def federated(tables: list[ScoreTable], forms: list[str], minimum: int):  # noqa: ANN201
    """Release, pool and report, as a coordinator would; a `masked` site is seen in a sum alone."""
    summaries = {str(t.site[0]): summary(t, minimum) for t in tables}
    sums = {str(t.site[0]): additive_of(t, THRESHOLD, READERS) for t in tables}
    of_form = {f: [s for s, x in zip(sums, forms, strict=True) if x == f] for f in set(forms)}
    groups = [Group((s,), sums[s], "plain") for s in of_form.get("plain", [])]
    if masked := of_form.get("masked"):
        groups.append(Group(tuple(masked), add([sums[s] for s in masked])))
    curves = curves_of(add(list(sums.values())), 1)
    products = add_products([products_of([t], [curves]) for t in tables])
    return pool(summaries, MODEL, Provenance(), groups=groups, products=products)


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


def test_without_step_two_no_clustered_interval_is_made_up() -> None:
    tables = [table(f"s{i}", i, 40, 3, 2.0, 3) for i in range(3)]
    groups = [Group(("s0", "s1"), add([additive_of(t, THRESHOLD, READERS) for t in tables[:2]]))]
    report = pool(
        {f"s{i}": summary(t, 3) for i, t in enumerate(tables)}, MODEL, Provenance(), groups=groups
    )
    rows = [r for r in report["results"] if r["scope"] == "pooled" and r["unit"] == "lesion"]
    for r in rows:
        if r["task"] != "macro":
            assert r["auc"]["clustered"]["low"] is None
            assert "sums over patients" in r["auc"]["clustered"]["reason"]
        else:
            assert r["auc"]["value"] is not None
            assert r["auc"]["low"] is None
    left_out = {r["without"]: r["pooled"] for r in report["heterogeneity"][0]["leave_one_out"]}
    assert left_out["s0"]["value"] is None
    assert "masked" in left_out["s0"]["reason"]
    assert left_out["s2"]["value"] is not None


def test_a_site_cannot_be_in_two_sums() -> None:
    t = table("a", 1, 30, 3, 1.0, 3)
    group = Group(("a",), additive_of(t, THRESHOLD, READERS))
    with pytest.raises(PayloadError, match="two sums"):
        pool({"a": summary(t)}, MODEL, Provenance(), groups=[group, group])


def test_predictive_values_and_drift_are_given_where_they_were_asked_for() -> None:
    t = table("a", 1, 3000, 3, 1.0, 3)
    same = additive_of(t, THRESHOLD, READERS)
    histogram = intervals_of_histogram_of(same)
    report = pool(
        {"a": summary(t)},
        MODEL,
        Provenance(),
        questions=Questions(
            prevalences=(0.1,), reference={("patient", "malignant_vs_benign"): histogram}
        ),
    )
    pooled = report["results"][0]
    (given_at,) = pooled["at_prevalence"]
    s, c = pooled["sensitivity"]["value"], pooled["specificity"]["value"]
    assert given_at["ppv"] == pytest.approx(s * 0.1 / (s * 0.1 + (1 - c) * 0.9))
    assert {r["class"] for r in report["drift"]} == {"positives", "negatives"}
    for r in report["drift"]:  # a cohort does not drift from itself
        assert (r["psi"], r["ks"]) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9))


def intervals_of_histogram_of(sums):  # noqa: ANN001, ANN201
    from hepafed.common.statistics.bins import Histogram

    return intervals_of_histogram(Histogram(sums.patient_scores[1], sums.patient_scores[0]))


def test_a_card_keeps_the_tuning_scores_in_cells_and_the_same_cohort_does_not_drift() -> None:
    t = table("a", 1, 3000, 3, 1.0, 3)
    kept = tuning_scores([tuning_figures(t, 5)])
    assert kept is not None
    held = np.array(kept["positives"]) + np.array(kept["negatives"])
    assert held.min() >= 5
    assert held.sum() == 1500
    reference = reference_of(read_record(TuningScores, kept, DataError))
    drift = pool({"a": summary(t)}, MODEL, Provenance(), questions=Questions(reference=reference))[
        "drift"
    ]
    assert len(drift) == 4
    assert all(r["psi"] < 0.1 for r in drift)
    assert tuning_scores([]) is None
    assert reference_of(None) == {}


def test_scores_that_moved_are_called_drift() -> None:
    t = table("a", 1, 3000, 3, 1.0, 3)
    moved = dataclasses.replace(
        t,
        log_probs=np.log(np.exp(t.log_probs) * [0.2, 1, 1])
        - np.log((np.exp(t.log_probs) * [0.2, 1, 1]).sum(1, keepdims=True)),
    )
    reference = intervals_of_histogram_of(additive_of(t, THRESHOLD, READERS))
    asked = Questions(reference={("patient", "malignant_vs_benign"): reference})
    drift = pool({"a": summary(moved)}, MODEL, Provenance(), questions=asked)["drift"]
    assert [(r["site"], r["class"], r["n"] > 0) for r in drift] == [
        (None, "positives", True),
        (None, "negatives", True),
        ("a", "positives", True),
        ("a", "negatives", True),
    ]
    assert min(r["psi"] for r in drift) > 0.25
    assert min(r["ks"] for r in drift) > 0.2


def test_counts_that_cannot_be_are_refused() -> None:
    good = summary(table("a", 1, 30, 3, 1.0, 3), 2)
    check_summary("a", good)
    task = good.tasks[1]
    cells = task.cells
    assert cells is not None
    for bad in (
        dataclasses.replace(task, true_positives=task.positives + 1),
        dataclasses.replace(task, positives=task.positives + 1),
        dataclasses.replace(task, auc=dataclasses.replace(task.auc, value=1.5)),
        dataclasses.replace(
            task, cells=dataclasses.replace(cells, first_rest=tuple(n + 1 for n in cells.negatives))
        ),
    ):
        with pytest.raises(DataError):
            check_summary("a", dataclasses.replace(good, tasks=(good.tasks[0], bad)))
    whole = summary(table("a", 1, 30, 3, 1.0, 3), 1)
    check_summary("a", whole)
    for name in ("decision", "reliability", "squares"):
        values = (-1, *whole.sections[name][1:])
        for broken in (values, whole.sections[name][:-1]):
            with pytest.raises(DataError):
                check_summary(
                    "a", dataclasses.replace(whole, sections={**whole.sections, name: broken})
                )


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


def test_one_class_everywhere_gives_reasons_and_no_figure() -> None:
    t = table("a", 1, 24, 3, 1.0, 1)
    report = pool({"a": summary(rows_of(t, np.arange(24)))}, MODEL, Provenance())
    for r in report["results"]:
        assert r["auc"]["value"] is None
        assert r["auc"]["reason"]
    for r in report["calibration"]:
        assert r["slope"]["value"] is None
        assert r["slope"]["reason"]
