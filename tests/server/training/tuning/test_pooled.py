"""Pooled tuning figures: exact to the bin, and an error that is never 0."""

import math

import numpy as np
import pytest
from hepafed.common.disclosure.operating_point import choose_threshold
from hepafed.common.statistics.additive import add
from hepafed.common.statistics.auc import delong_auc
from hepafed.common.statistics.bins import bin_logits
from hepafed.common.statistics.scores import ScoreTable, task_scores
from hepafed.common.statistics.sums import additive_of
from hepafed.server.training.checks import check_figures
from hepafed.server.training.tuning.pooled import expected_error, macro_error, pooled_figures
from sklearn.metrics import roc_auc_score

from tests.server.federation import joined, table_of

KEYS = ("benign", "primary_malignant", "metastatic")


def newcombe(auc: float, m: float, n: float) -> float:
    more = ((m + n) / 2 - 1) * ((1 - auc) / (2 - auc) + auc / (1 + auc))
    return math.sqrt(auc * (1 - auc) / (m * n) * (1 + more))


def of(truth: list[int], patients: list[int], raw: np.ndarray) -> ScoreTable:
    return ScoreTable(
        site=np.full(len(truth), "a"),
        patient=np.array([f"p{i}" for i in patients]),
        lesion=np.array([f"l{i}" for i in range(len(truth))]),
        truth=np.array(truth),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def one_by_one(table: ScoreTable) -> list[float]:
    """Give scikit-learn's AUC of each class that is present and absent, of the scores' bins."""
    aucs = []
    for k, key in enumerate(KEYS):
        positive = table.truth == k
        if positive.any() and not positive.all():
            bins = bin_logits(task_scores(table, "lesion", f"{key}_vs_rest").logits)
            aucs.append(float(roc_auc_score(positive, bins)))
    return aucs


def test_the_figures_are_those_of_one_table_of_all_sites() -> None:
    tables = [table_of(s, n, 31 + 12 * n) for n, s in enumerate("abc")]
    found = pooled_figures(add([additive_of(t, 0.5) for t in tables]))
    whole = joined(tables)
    assert found.macro_auc == pytest.approx(np.mean(one_by_one(whole)), abs=1e-12)
    patients = task_scores(whole, "patient", "malignant_vs_benign")
    (task,) = found.tasks
    assert (task.positives, task.negatives) == (patients.truth.sum(), (~patients.truth).sum())
    assert task.auc.value == pytest.approx(
        roc_auc_score(patients.truth, bin_logits(patients.logits)), abs=1e-12
    )
    assert (found.lesions, found.form) == (129, "cells")
    check_figures(found)


def test_the_pooled_cells_part_every_two_scores() -> None:
    """Cells of five patients would part the two sites' 24 at three places."""
    tables = [table_of(s, n, 24) for n, s in enumerate("ab")]
    found = pooled_figures(add([additive_of(t, 0.5) for t in tables]))
    chosen = choose_threshold([found], sites=[2])
    assert (chosen.sites, chosen.positives + chosen.negatives) == (2, 24)
    scores = task_scores(joined(tables), "patient", "malignant_vs_benign")
    up, down = scores.logits[scores.truth], scores.logits[~scores.truth]
    best = max((up >= x).mean() + (down < x).mean() for x in scores.logits)
    at = math.log(chosen.threshold / (1 - chosen.threshold))
    assert (up >= at).mean() + (down < at).mean() == pytest.approx(best, abs=1e-12)


def test_a_class_that_is_missing_leaves_the_mean_of_the_other_tasks() -> None:
    rng = np.random.default_rng(3)
    table = of([0, 1, 0, 1, 1, 0, 0, 1, 1], list(range(9)), rng.normal(size=(9, 3)))
    found = pooled_figures(additive_of(table, 0.5))
    assert len(one_by_one(table)) == 2
    assert found.macro_auc == pytest.approx(np.mean(one_by_one(table)))
    one = of([1] * 4, [0, 1, 2, 3], rng.normal(size=(4, 3)))
    alone = pooled_figures(additive_of(one, 0.5))
    assert (alone.macro_auc, alone.tasks[0].negatives) == (None, 0)
    assert macro_error(additive_of(one, 0.5)) == 0.5


@pytest.mark.parametrize(
    ("auc", "m", "n", "wanted"),
    [
        (1.0, 5, 5, newcombe(25.5 / 26, 5, 5)),
        (0.0, 5, 4, newcombe(0.5 / 21, 5, 4)),
        (0.8, 10, 30, newcombe(240.5 / 301, 10, 30)),
        (0.5, 0, 3, newcombe(2 / 4, 1, 3)),
        (1.0, 0, 0, newcombe(1.5 / 2, 1, 1)),
    ],
)
def test_the_expected_error_is_newcombes_with_half_a_pair_each_way(
    auc: float, m: int, n: int, wanted: float
) -> None:
    assert expected_error(auc, m, n) == pytest.approx(wanted, rel=1e-12)
    assert wanted > 0


def test_where_the_classes_are_parted_the_error_is_the_expected_one() -> None:
    """Every task has an AUC of 1 and a DeLong error of 0; four, three and two patients a class."""
    truth = [0, 0, 0, 0, 1, 1, 1, 2, 2]
    table = of(truth, list(range(9)), 20.0 * np.eye(3)[truth] + np.linspace(0, 1, 9)[:, None])
    sums = additive_of(table, 0.5)
    assert pooled_figures(sums).macro_auc == 1
    cases = ((4, 5), (3, 6), (2, 7))
    wanted = np.mean([newcombe((m * n + 0.5) / (m * n + 1), m, n) for m, n in cases])
    assert macro_error(sums) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("classes", [(0, 1, 2), (0, 0, 0, 0, 1, 2)], ids=["even", "many benign"])
def test_lesions_of_a_patient_count_as_the_patient(classes: tuple[int, ...]) -> None:
    """Each of 36 patients has three lesions of one class: DeLong's error grows by √3."""
    rng = np.random.default_rng(8)
    truth = np.repeat(classes * (36 // len(classes)), 3)
    raw = np.repeat(rng.normal(size=(36, 3)), 3, axis=0) + 0.8 * np.eye(3)[truth]
    table = of(truth.tolist(), np.repeat(np.arange(36), 3).tolist(), raw)
    wanted = []
    for k, key in enumerate(KEYS):
        bins = bin_logits(task_scores(table, "lesion", f"{key}_vs_rest").logits).astype(float)
        auc = delong_auc(bins[truth == k], bins[truth != k])
        assert auc is not None
        assert auc.se is not None
        m = int((truth == k).sum()) // 3
        shrunk = (m * (36 - m) * auc.value + 0.5) / (m * (36 - m) + 1)
        wanted.append(max(auc.se * math.sqrt(3), newcombe(shrunk, m, 36 - m)))
    assert macro_error(additive_of(table, 0.5)) == pytest.approx(np.mean(wanted), rel=1e-9)
