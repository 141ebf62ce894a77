"""Pooled figures are those of the pooled score table, within the printed bound."""

import dataclasses

import numpy as np
import pytest
from hepafed.common.errors import DataError
from hepafed.common.scores import ScoreTable, task_scores
from hepafed.common.summaries import summarise
from hepafed.server.pooling import check_summary, pool
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

MODEL = {"id": "m", "protocol": "t2", "sha256": "", "operating_point": {"threshold": 0.5}}


def table(
    site: str, seed: int, lesions: int, decimals: int, scale: float, classes: int
) -> ScoreTable:
    rng = np.random.default_rng(seed)
    raw = np.round(rng.normal(size=(lesions, 3)), decimals) * scale
    return ScoreTable(
        site=np.full(lesions, site),
        patient=np.array([f"p{i // 2}" for i in range(lesions)]),
        lesion=np.array([f"l{i}" for i in range(lesions)]),
        truth=rng.integers(0, classes, lesions),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )  # fmt: skip


def joined(tables: list[ScoreTable]) -> ScoreTable:
    fields = ("site", "patient", "lesion", "truth", "log_probs")
    return ScoreTable(
        **{f: np.concatenate([getattr(t, f) for t in tables]) for f in fields}, readers={}
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 40)), min_size=1, max_size=5),
    st.integers(0, 3), st.sampled_from([1.0, 12.0, 60.0]), st.integers(1, 3), st.integers(1, 6),
)  # fmt: skip
def test_pooled_auc_is_scikit_learns_within_the_bound(
    sites: list[tuple[int, int]], decimals: int, scale: float, classes: int, minimum: int
) -> None:
    tables = [
        table(f"s{i}", seed, n, decimals, scale, classes) for i, (seed, n) in enumerate(sites)
    ]
    summaries = {
        f"s{i}": summarise(t, run="r", model="m", weights="", threshold=0.5, minimum_count=minimum)
        for i, t in enumerate(tables)
    }
    report = pool(summaries, MODEL, {})
    whole = joined(tables)
    for r in report["results"]:
        if r["scope"] != "pooled" or r["task"] == "macro":
            continue
        scores = task_scores(whole, r["unit"], r["task"])
        assert (r["n"], r["positives"]) == (len(scores.truth), scores.truth.sum())
        if r["auc"]["value"] is None:
            withheld = any(t.cells is None for v in summaries.values() for t in v.tasks)
            assert withheld or scores.truth.all() or not scores.truth.any()
            assert r["auc"]["reason"]
            continue
        exact = roc_auc_score(scores.truth, scores.logits)
        assert abs(r["auc"]["value"] - exact) <= r["auc"]["binning_error"] + 1e-9
        if r["sensitivity"]["value"] is not None:
            caught = (scores.logits >= 0)[scores.truth].mean()
            assert r["sensitivity"]["value"] == pytest.approx(caught)


def test_counts_that_cannot_be_are_refused() -> None:
    good = summarise(
        table("a", 1, 30, 3, 1.0, 3), run="r", model="m", weights="", threshold=0.5,
        minimum_count=2,
    )  # fmt: skip
    check_summary("a", good)
    task = good.tasks[0]
    for bad in (
        dataclasses.replace(task, true_positives=task.positives + 1),
        dataclasses.replace(task, positives=task.positives + 1),
        dataclasses.replace(task, auc=dataclasses.replace(task.auc, value=1.5)),
    ):
        with pytest.raises(DataError):
            check_summary("a", dataclasses.replace(good, tasks=(bad,)))
