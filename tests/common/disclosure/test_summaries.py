"""What a summary holds: each section by its own smallest cell, cells, and an operating point."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.contract.figures import Cells, Figure, TaskSummary, TuningFigures
from hepafed.common.disclosure.summaries import (
    RELEASED,
    released_sections,
    summarise,
    tuning_figures,
    tuning_scores,
)
from hepafed.common.statistics.additive import Additive
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of

READERS = ("a", "b")


def table(patients: int, seed: int = 3, classes: int = 3) -> ScoreTable:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, patients)
    raw = rng.normal(size=(patients, 3)) + np.eye(3)[truth]
    return ScoreTable(
        site=np.full(patients, "s"),
        patient=np.array([f"p{i}" for i in range(patients)]),
        lesion=np.full(patients, "l"),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={r: rng.integers(0, 2, patients).astype(float) for r in READERS},
    )


def filled(minimum: int) -> Additive:
    """Give sums in which every cell that is looked at holds exactly the minimum of cases."""
    made = additive_of(table(30), 0.5, READERS)
    steps = made.decision.shape[-1]
    called, decision = np.zeros_like(made.called), np.zeros_like(made.decision)
    called[:, 1, 1] = minimum * (steps + 1)
    decision[:, 1, :] = minimum * np.arange(steps, 0, -1)
    reliability = np.zeros_like(made.reliability)
    reliability[:, 1, :] = minimum
    calls, pairs = np.zeros_like(made.reader_calls), np.zeros_like(made.reader_pairs)
    calls[:, 0, 0, 0] = pairs[:, 0, 0] = minimum
    return replace(
        made,
        size=np.full_like(made.size, minimum),
        called=called,
        decision=decision,
        reliability=reliability,
        reader_calls=calls,
        reader_pairs=pairs,
    )


def test_sections_whose_smallest_cell_is_the_minimum_are_released() -> None:
    sections, withheld = released_sections(filled(5), 5, 0)
    assert tuple(sections) == RELEASED
    assert withheld == ()
    assert sections["clusters"] == tuple(filled(5).clusters.ravel().tolist())


OVER_PATIENTS = ("clusters", "squares", "confusion_products", "called_products")
LESS = {
    "patients": (("size", (0,)), OVER_PATIENTS),
    "lesions": (("size", (1,)), OVER_PATIENTS),
    "first step": (("called", (2, 1, 1)), ("decision",)),
    "middle step": (("decision", (2, 1, slice(0, 8))), ("decision",)),
    "last step": (("decision", (1, 1, slice(None))), ("decision",)),
    "tenth": (("reliability", (3, 1, 9)), ("reliability", "score_sums")),
    "first tenth": (("reliability", (0, 1, 0)), ("reliability", "score_sums")),
    "reader": (("reader_calls", (1, 0, 0, 0)), ("reader_calls",)),
    "pair of readers": (("reader_pairs", (0, 0, 0)), ("reader_pairs",)),
}


@pytest.mark.parametrize(("cell", "gone"), LESS.values(), ids=LESS)
def test_one_cell_of_fewer_cases_withholds_its_section_and_no_other(
    cell: tuple[str, tuple[int, ...]], gone: tuple[str, ...]
) -> None:
    name, place = cell
    sums = filled(5)
    getattr(sums, name)[place] -= 1
    sections, withheld = released_sections(sums, 5, 0)
    assert withheld == tuple(n.replace("_", " ") for n in gone)
    assert set(sections) == set(RELEASED) - set(gone)


@pytest.mark.parametrize(
    ("name", "place"),
    [("reliability", (3, 1, 9)), ("reader_calls", (0, 0, 0, 0)), ("reader_pairs", (0, 0, 0))],
)
def test_a_cell_of_nobody_tells_of_nobody(name: str, place: tuple[int, ...]) -> None:
    sums = filled(5)
    getattr(sums, name)[place] = 0
    assert released_sections(sums, 5, 0)[1] == ()


@pytest.mark.parametrize(("patients", "enough"), [(12, True), (11, False)])
def test_a_summary_below_the_minimum_holds_no_figure(patients: int, enough: bool) -> None:
    made = summarise(
        table(patients), run="r", model="m", weights="w", threshold=0.5, minimum_count=12
    )
    assert (made.confusion is not None) == enough
    assert not made.figures  # twelve cases have no twelve of each class
    for task in made.tasks:
        assert (task.true_positives is not None) == enough
        assert (task.true_negatives is not None) == enough
        fine = enough and min(task.positives, task.negatives) >= 12
        assert bool(task.figures) == fine
        assert (task.cells is not None) == enough
        assert (task.auc.value is not None) == fine
    assert made.minimum_count == 12


def test_a_summary_counts_what_is_there() -> None:
    scores = table(25)
    made = summarise(scores, run="r", model="m", weights="w", threshold=0.5, minimum_count=1)
    assert (made.patients, made.lesions, made.readers) == (25, 25, READERS)
    malignant = scores.truth > 0
    probability = 1 - np.exp(scores.log_probs[:, 0])
    whole = made.tasks[0]
    assert (whole.positives, whole.negatives) == (malignant.sum(), (~malignant).sum())
    assert whole.true_positives == (probability[malignant] >= 0.5).sum()
    assert whole.true_negatives == (probability[~malignant] < 0.5).sum()
    assert tuple(made.by_class.values()) == tuple(np.bincount(scores.truth, minlength=3))


def test_a_tuning_split_is_released_in_cells_of_the_minimum() -> None:
    made = tuning_figures(table(31), 7)
    (task,) = made.tasks
    assert task.cells is not None
    assert min(np.add(task.cells.positives, task.cells.negatives)) >= 7
    assert len(task.cells.positives) > 1
    assert made.lesions == 31
    (small,) = tuning_figures(table(6), 7).tasks
    assert small.cells is None


def test_the_macro_auc_is_the_mean_over_classes_that_are_there() -> None:
    from sklearn.metrics import roc_auc_score

    for classes in (3, 2):
        scores = table(60, 5, classes)
        probability = np.exp(scores.log_probs)
        there = [c for c in range(3) if (scores.truth == c).any()]
        assert len(there) == classes
        aucs = [roc_auc_score(scores.truth == c, probability[:, c]) for c in there]
        assert tuning_figures(scores, 1).macro_auc == pytest.approx(np.mean(aucs), abs=1e-3)
    assert tuning_figures(table(9, 5, 1), 1).macro_auc is None


def tuned(*cells: Cells) -> list[TuningFigures]:
    return [
        TuningFigures(
            lesions=9,
            macro_auc=0.5,
            tasks=(
                TaskSummary(
                    unit="patient",
                    task="malignant_vs_benign",
                    positives=sum(c.positives),
                    negatives=sum(c.negatives),
                    auc=Figure(value=0.5),
                    true_positives=None,
                    true_negatives=None,
                    cells=c,
                ),
            ),
        )
        for c in cells
    ]


def test_the_scores_on_a_card_are_those_of_all_sites_in_few_cells() -> None:
    edges = (0, *range(1_000, 65_000, 500), 65_536)
    count = len(edges) - 1
    cells = Cells(edges=edges, positives=(1,) * count, negatives=(2,) * count)
    made = tuning_scores(tuned(cells, cells))
    assert made is not None
    assert (sum(made["positives"]), sum(made["negatives"])) == (2 * count, 4 * count)
    assert 20 <= len(made["positives"]) <= 40
    assert tuning_scores([]) is None
