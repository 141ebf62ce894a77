"""A site's sums are the counts that a reader of the table in `additive.py` would make by hand."""

import math

import numpy as np
import pytest
from hepafed.common.contract import CLASS_KEYS
from hepafed.common.statistics.additive import DECISION_THRESHOLDS, TASK_ORDER, Additive, from_fixed
from hepafed.common.statistics.bins import bin_logits
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of, argmax_class

THRESHOLD = 0.35
READERS = ("ann", "bo", "cy")
# five patients at two sites, who both have a p1; probabilities of benign, primary, metastatic
LESIONS = [
    ("a", "p1", 0, (0.7, 0.2, 0.1), (0, 1)),
    ("a", "p1", 1, (0.3, 0.6, 0.1), (1, -1)),
    ("b", "p1", 0, (0.9, 0.04, 0.06), (0, 0)),
    ("a", "p2", 2, (0.15, 0.3, 0.55), (1, 1)),
    ("a", "p2", 2, (0.5, 0.25, 0.25), (-1, 0)),
    ("a", "p2", 1, (0.05, 0.45, 0.5), (0, 1)),
    ("b", "p3", 0, (0.65, 0.3, 0.05), (-1, 1)),
    ("b", "p4", 0, (0.55, 0.15, 0.3), (1, 0)),
]
PATIENTS = [("a", "p1"), ("a", "p2"), ("b", "p1"), ("b", "p3"), ("b", "p4")]
TRUTHS = [True, True, False, False, False]
"""Of each patient in turn: whether any lesion is malignant."""
SCORES = [0.7, 0.95, 0.1, 0.35, 0.45]
"""Their largest probability of a malignant lesion; the fourth lies on the threshold."""


def table() -> ScoreTable:
    site, patient, truth, p, calls = zip(*LESIONS, strict=True)
    return ScoreTable(
        site=np.array(site),
        patient=np.array(patient),
        lesion=np.array([str(i) for i in range(len(LESIONS))]),
        truth=np.array(truth),
        log_probs=np.log(np.array(p)),
        readers={r: np.array([c[i] for c in calls], np.int8) for i, r in enumerate(READERS[:2])},
    )


def cases(task: int) -> list[tuple[bool, float, tuple[str, str]]]:
    """Give truth, probability and patient of each case of a task."""
    if task == 0:
        return list(zip(TRUTHS, SCORES, PATIENTS, strict=True))
    k = task - 1
    return [(truth == k, p[k], (site, patient)) for site, patient, truth, p, _ in LESIONS]


@pytest.fixture(name="made")
def made_sums() -> Additive:
    return additive_of(table(), THRESHOLD, READERS)


def test_patients_are_those_of_a_site_and_an_id(made: Additive) -> None:
    assert made.size.tolist() == [5, 8]
    assert made.readers == READERS


def test_a_histogram_has_each_case_in_the_bin_of_its_logit(made: Additive) -> None:
    wanted = np.zeros_like(made.patient_scores)
    for truth, p, _ in cases(0):
        wanted[int(truth), bin_logits(np.array([math.log(p / (1 - p))]))[0]] += 1
    assert (made.patient_scores == wanted).all()
    lesions = np.zeros_like(made.lesion_scores)
    for _, _, truth, p, _ in LESIONS:
        for k in range(len(CLASS_KEYS)):
            lesions[k, truth, bin_logits(np.array([math.log(p[k] / (1 - p[k]))]))[0]] += 1
    assert (made.lesion_scores == lesions).all()


def test_the_confusion_table_has_truth_by_row_and_call_by_column(made: Additive) -> None:
    assert made.confusion.tolist() == [[4, 0, 0], [0, 1, 1], [1, 0, 1]]


def test_of_equal_probabilities_the_first_class_is_called() -> None:
    rows = np.log(np.array([[0.1, 0.45, 0.45], [0.4, 0.2, 0.4]]))
    rows[0, 2] += 1e-15  # what rounding makes of one number
    made = ScoreTable(
        site=np.array(["s", "s"]),
        patient=np.array(["p", "q"]),
        lesion=np.array(["l", "l"]),
        truth=np.array([0, 1]),
        log_probs=rows,
        readers={},
    )
    assert argmax_class(made).tolist() == [1, 0]


def test_patients_are_called_at_the_operating_point_and_lesions_at_one_half(made: Additive) -> None:
    wanted = np.zeros((4, 2, 2), int)
    for task in range(len(TASK_ORDER)):
        for truth, p, _ in cases(task):
            wanted[task, int(truth), int(p >= (THRESHOLD if task == 0 else 0.5))] += 1
    assert (made.called == wanted).all()
    assert made.called[0].tolist() == [[1, 2], [0, 2]]


def test_clusters_are_the_patients_with_a_negative_and_with_a_positive(made: Additive) -> None:
    for task in range(len(TASK_ORDER)):
        for truth in (False, True):
            assert made.clusters[task, int(truth)] == len(
                {patient for t, _, patient in cases(task) if t == truth}
            )


def test_a_decision_step_counts_the_cases_at_or_above_it(made: Additive) -> None:
    assert tuple(pytest.approx(0.05 * i) for i in range(1, 20)) == DECISION_THRESHOLDS
    for task in range(len(TASK_ORDER)):
        for truth in (0, 1):
            wanted = [
                sum(p >= t - 1e-9 for y, p, _ in cases(task) if y == bool(truth))
                for t in DECISION_THRESHOLDS
            ]
            assert made.decision[task, truth].tolist() == wanted


def test_a_tenth_has_its_lower_end(made: Additive) -> None:
    for task in range(len(TASK_ORDER)):
        table, sums = np.zeros((2, 10), int), np.zeros(10)
        for truth, p, _ in cases(task):
            tenth = int(p * 10 + 1e-9)
            table[int(truth), tenth] += 1
            sums[tenth] += p
        assert (made.reliability[task] == table).all()
        assert from_fixed(made.score_sums[task]) == pytest.approx(sums, abs=1e-10)


def test_squares_are_those_of_score_and_truth(made: Additive) -> None:
    wanted = [sum((p - t) ** 2 for t, p, _ in cases(task)) for task in range(4)]
    assert from_fixed(made.squares) == pytest.approx(wanted, abs=1e-10)


CALLS = {"ann": [1, 1, 0, -1, 1], "bo": [1, 1, 0, 1, 0], "cy": [-1] * 5}
"""The readers' calls of each patient: the largest over the lesions."""


def test_a_readers_calls_are_crossed_with_truth_and_model(made: Additive) -> None:
    wanted = np.zeros((3, 2, 2, 2), int)
    for r, reader in enumerate(READERS):
        for truth, p, call in zip(TRUTHS, SCORES, CALLS[reader], strict=True):
            if call >= 0:
                wanted[r, int(truth), int(p >= THRESHOLD), call] += 1
    assert (made.reader_calls == wanted).all()


def test_two_readers_are_crossed_over_the_patients_that_both_have_called(made: Additive) -> None:
    assert made.reader_pairs.tolist() == [[[1, 0], [1, 2]], [[0, 0]] * 2, [[0, 0]] * 2]


def test_without_readers_the_sums_have_no_section_of_theirs() -> None:
    made = additive_of(table(), THRESHOLD)
    assert made.reader_calls.shape == (0, 2, 2, 2)
    assert made.reader_pairs.shape == (0, 2, 2)
    assert additive_of(table(), THRESHOLD, ("ann",)).reader_pairs.shape == (0, 2, 2)
