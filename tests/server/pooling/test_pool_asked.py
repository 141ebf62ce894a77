"""A pooled report has what was asked for, or the reason; counts that cannot be are refused."""

import dataclasses

import numpy as np
import pytest
from hepafed.common.disclosure.summaries import tuning_figures, tuning_scores
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.records import read_record
from hepafed.common.statistics.additive import add
from hepafed.common.statistics.bins import intervals_of_histogram
from hepafed.common.statistics.scores import rows_of
from hepafed.common.statistics.sums import additive_of
from hepafed.server.formats import Provenance, TuningScores
from hepafed.server.pooling import Group, Questions, check_summary, reference_of

from .tables import MODEL, READERS, THRESHOLD, pool, summary, table


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


def test_one_class_everywhere_gives_reasons_and_no_figure() -> None:
    t = table("a", 1, 24, 3, 1.0, 1)
    report = pool({"a": summary(rows_of(t, np.arange(24)))}, MODEL, Provenance())
    for r in report["results"]:
        assert r["auc"]["value"] is None
        assert r["auc"]["reason"]
    for r in report["calibration"]:
        assert r["slope"]["value"] is None
        assert r["slope"]["reason"]
