"""The audit finds a planted shortcut, and none where there is none."""

from collections.abc import Callable

import numpy as np
import pytest
from hepafed.client.cohort.store import Cohort
from hepafed.client.quality.contact_sheet import contact_sheet
from hepafed.client.quality.findings import quality
from hepafed.client.quality.shortcuts import (
    ACQUISITION,
    BORDER_LEVELS,
    FEWEST_PATIENTS,
    WHOLE_LEVELS,
    Shortcut,
    audit,
    shortcuts,
)
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Make = Callable[..., Cohort]
Made = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]


def made(seed: int, patients: int = 70, planted: float = 0.0) -> Made:
    """Make one to three lesions a patient; one figure may tell the class."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    malignant = (rng.random(patients) < 0.4)[owner]
    table = rng.normal(size=(patients, 6))[owner]
    table[:, 4] += planted * malignant
    return table, malignant, owner


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_shortcut_is_measured_as_scikit_learn_measures_it(seed: int) -> None:
    table, malignant, owner = made(seed, planted=2.0)
    found = audit("x", table, malignant, owner)
    oracle = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression()),
        table,
        malignant,
        groups=owner,
        cv=GroupKFold(10),
        method="decision_function",
    )
    expected = roc_auc_score(malignant, oracle)
    assert found.auc == pytest.approx(expected, abs=0.03)
    assert found.interval is not None
    assert 0.6 < found.interval[0] < expected < found.interval[1]
    assert found.is_finding


def test_without_a_shortcut_the_interval_holds_one_half() -> None:
    found = [audit("x", *made(seed)) for seed in range(8)]
    held = [f.interval is not None and f.interval[0] <= 0.5 <= f.interval[1] for f in found]
    assert sum(held) >= 7
    assert not any(f.is_finding for f in found)


def test_a_patient_s_lesions_are_never_tried_on_what_was_learned_from_that_patient() -> None:
    _, malignant, owner = made(1)
    told_apart = np.eye(owner.max() + 1)[owner]
    found = audit("x", told_apart, malignant, owner)
    assert found.auc is not None
    assert found.auc < 0.65


def test_a_figure_that_some_lesions_lack_is_used_for_the_others() -> None:
    table, malignant, owner = made(2, planted=3.0)
    table[owner % 4 == 0, 4] = np.nan
    found = audit("x", table, malignant, owner)
    assert found.auc is not None
    assert 0.8 < found.auc < 0.97


def test_the_result_does_not_depend_on_the_run() -> None:
    assert audit("x", *made(5)) == audit("x", *made(5))


@pytest.mark.parametrize("short", [0, 1])
def test_below_the_fewest_patients_of_a_class_nothing_is_calculated(short: int) -> None:
    patients = 50
    malignant = np.arange(patients) < FEWEST_PATIENTS - short
    table = np.random.default_rng(0).normal(size=(patients, 2))
    found = audit("x", table, malignant, np.arange(patients))
    assert (found.benign, found.malignant) == (30 + short, 20 - short)
    assert (found.auc is None) == bool(short)
    assert ("20 of each are needed" in found.text) == bool(short)


def test_a_patient_with_lesions_of_both_classes_counts_for_both() -> None:
    owner = np.repeat(np.arange(20), 2)
    malignant = np.tile([True, False], 20)
    found = audit("x", np.random.default_rng(0).normal(size=(40, 2)), malignant, owner)
    assert (found.benign, found.malignant) == (20, 20)
    assert found.auc is not None


def test_where_nothing_differs_the_class_cannot_be_told() -> None:
    _, malignant, owner = made(0)
    found = audit("x", np.empty((len(owner), 0)), malignant, owner)
    assert found.auc is None
    assert "cannot be told" in found.text


def by_kind(store: Cohort) -> dict[str, Shortcut]:
    return {s.known: s for s in shortcuts(store, store.rows(), store.acquisitions())}


def test_malignant_lesions_from_another_scanner_are_a_finding_with_what_to_do(
    cohort: Make,
) -> None:
    rng = np.random.default_rng(3)
    other = {k: {"manufacturer": "ge"} for k in range(66) if rng.random() < (0.85 if k % 3 else 0)}
    store = cohort(66, changes=other, sequences=("t2",))
    found = by_kind(store)
    assert found[ACQUISITION].auc is not None
    assert found[ACQUISITION].auc > 0.85
    assert not found[BORDER_LEVELS].is_finding
    (finding,) = [f for f in quality(store).findings if f.kind == "shortcut"]
    assert finding.where == "the cohort"
    assert "acquisition facts alone" in finding.text
    assert "may learn the scanner" in finding.hint
    page = contact_sheet(store)
    assert finding.text.partition(": ")[2] in page
    assert "may learn the scanner" in page


def test_a_brighter_surrounding_of_one_class_is_a_finding(cohort: Make) -> None:
    pictures = {}
    for k in range(60):
        picture = cohort.picture(k).copy()  # type: ignore[attr-defined]
        picture[:30] += 1.5 * (k % 3 == 0)
        pictures[k] = picture
    found = by_kind(cohort(60, pictures=pictures, sequences=("t2",)))
    assert found[BORDER_LEVELS].is_finding
    assert "cannot be told" in found[ACQUISITION].text


def test_brightness_of_the_lesion_itself_is_shown_and_is_no_finding(cohort: Make) -> None:
    pictures = {}
    for k in range(60):
        picture = cohort.picture(k).copy()  # type: ignore[attr-defined]
        picture[50:110, 50:110] += 4 * (k % 3 == 0)
        pictures[k] = picture
    found = by_kind(cohort(60, pictures=pictures, sequences=("t2",)))
    assert found[WHOLE_LEVELS].auc is not None
    assert found[WHOLE_LEVELS].auc > 0.9
    assert not any(s.is_finding for s in found.values())
