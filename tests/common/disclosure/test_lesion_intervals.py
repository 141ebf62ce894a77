"""A site's own intervals of rates and kappa, and when its sums over patients may leave."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.lesion_intervals import (
    FEW_PATIENTS,
    FEWEST_PATIENTS,
    several_of,
    table_intervals,
    task_intervals,
    tells_of_enough,
    unsure,
)
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.statistics import Clustered, ScoreTable, additive_of, rows_of

PRODUCTS = ("confusion_products", "called_products")


def table(several: int, single: int = 30) -> ScoreTable:
    """Give patients of 2 to 4 lesions, then patients of one, in no order."""
    rng = np.random.default_rng(6)
    sizes = [2 + i % 3 for i in range(several)] + [1] * single
    patient = np.repeat([f"p{i}" for i in range(len(sizes))], sizes)
    truth = rng.integers(0, 3, len(patient))
    raw = rng.normal(size=(len(patient), 3)) + np.eye(3)[truth]
    made = ScoreTable(
        site=np.full(len(patient), "a"),
        patient=patient,
        lesion=np.array([f"l{i}" for i in range(len(patient))]),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )
    return rows_of(made, rng.permutation(len(patient)))


def summary(found: ScoreTable, minimum: int) -> SiteSummary:
    return summarise(found, run="r", model="m", weights="w", threshold=0.5, minimum_count=minimum)


def test_patients_of_several_lesions_are_counted() -> None:
    assert several_of(table(7)) == 7
    assert several_of(table(0)) == 0
    assert several_of(rows_of(table(3), np.zeros(0, np.int64))) == 0


@pytest.mark.parametrize(
    ("several", "told"), [(0, True), (1, False), (4, False), (5, True), (6, True)]
)
def test_sums_over_patients_need_none_or_the_minimum_with_several_lesions(
    several: int, told: bool
) -> None:
    assert tells_of_enough(several, 5) == told
    made = summary(table(several), 5)
    assert all((name in made.sections) == told for name in PRODUCTS)
    assert all((name.replace("_", " ") in made.suppressed) != told for name in PRODUCTS)
    assert ("clustered_kappa" in made.figures) == told
    assert {"clustered_ppv" in t.figures for t in made.tasks if t.unit == "lesion"} == {told}
    assert "clusters" in made.sections  # the other sections stay


def test_a_site_of_too_few_lesions_tells_no_interval() -> None:
    made = summary(table(0, 9), 10)
    assert not [n for n in made.figures if n.startswith("clustered")]
    assert not [n for t in made.tasks for n in t.figures if n.startswith("clustered_")]
    assert not set(PRODUCTS) & set(made.sections)


def test_the_intervals_of_a_site_are_of_its_own_calls() -> None:
    found = table(20)
    sums = additive_of(found, 0.5)
    by_task = task_intervals(sums)
    assert list(by_task) == ["benign_vs_rest", "primary_malignant_vs_rest", "metastatic_vs_rest"]
    truth, call = found.truth == 2, found.log_probs[:, 2] >= np.log(0.5)
    figure = by_task["metastatic_vs_rest"]["clustered_sensitivity"]
    assert figure.value == (truth & call).sum() / truth.sum()
    accuracy = table_intervals(sums)["clustered_accuracy"]
    assert accuracy.value == (found.log_probs.argmax(1) == found.truth).mean()
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low < accuracy.value < accuracy.high


def test_no_lesion_at_all_has_no_interval() -> None:
    nobody = additive_of(rows_of(table(3), np.zeros(0, np.int64)), 0.5)
    assert table_intervals(nobody) == {}
    assert list(task_intervals(nobody).values()) == [{}] * 3


def test_an_interval_of_few_patients_says_so() -> None:
    enough = Clustered(0.5, 0.3, 0.7, se=0.1, cases=25.0, patients=float(FEWEST_PATIENTS))
    assert unsure(enough) == ""
    assert unsure(replace(enough, patients=FEWEST_PATIENTS - 0.1)) == FEW_PATIENTS
