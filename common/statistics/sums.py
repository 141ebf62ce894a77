"""A site's part of every sum: the additive components (`additive.py`) of its score table."""

import numpy as np
from hepafed.common.contract import CLASS_KEYS
from hepafed.common.statistics.additive import (
    DECISION_THRESHOLDS,
    TASK_ORDER,
    TENTHS,
    Additive,
    reader_pairs,
    to_fixed,
)
from hepafed.common.statistics.bins import BINS, bin_logits
from hepafed.common.statistics.clustered import patient_products
from hepafed.common.statistics.scores import (
    ScoreTable,
    TaskScores,
    logit_of,
    patients_of,
    reader_calls,
    task_scores,
)
from numpy.typing import NDArray

LESION_THRESHOLD = 0.5
"""The threshold of lesion tasks; the locked operating point is for the patient task alone."""


def threshold_of(unit: str, threshold: float) -> float:
    """Return the operating point of a unit's tasks."""
    return threshold if unit == "patient" else LESION_THRESHOLD


def called(scores: TaskScores, threshold: float) -> NDArray[np.bool_]:
    """Return which cases are called positive: score ≥ threshold, compared as logits."""
    made: NDArray[np.bool_] = scores.logits >= logit_of(threshold)
    return made


def additive_of(table: ScoreTable, threshold: float, readers: tuple[str, ...] = ()) -> Additive:
    """Return the additive components of a site; `threshold` is the patients' operating point."""
    all_scores = [task_scores(table, unit, task) for unit, task in TASK_ORDER]
    rows = [_task_rows(table, *st) for st in zip(TASK_ORDER, all_scores, strict=True)]
    patients, classes = all_scores[0], len(CLASS_KEYS)
    lesion_bins = [bin_logits(s.logits) for s in all_scores[1:]]
    lesion_scores = np.stack(
        [
            np.bincount(table.truth * BINS + bins, minlength=classes * BINS).reshape(classes, BINS)
            for bins in lesion_bins
        ]
    )
    pairs = patients.truth * BINS + bin_logits(patients.logits)
    confusion = table.truth * classes + argmax_class(table)
    index, count = patients_of(table)
    calls = [reader_calls(table, r) for r in readers]
    model = called(patients, threshold)
    return Additive(
        readers=readers,
        patient_scores=np.bincount(pairs, minlength=2 * BINS).reshape(2, BINS),
        lesion_scores=lesion_scores,
        size=np.array([len(patients.truth), len(table.truth)], np.int64),
        confusion=np.bincount(confusion, minlength=classes**2).reshape(classes, classes),
        called=np.stack(
            [
                _crossed([s.truth, called(s, threshold_of(unit, threshold))])
                for (unit, _), s in zip(TASK_ORDER, all_scores, strict=True)
            ]
        ),
        clusters=np.stack([r["clusters"] for r in rows]),
        decision=np.stack([r["decision"] for r in rows]),
        reliability=np.stack([r["reliability"] for r in rows]),
        score_sums=to_fixed(np.stack([r["score_sums"] for r in rows])),
        squares=to_fixed(np.stack([r["squares"] for r in rows])),
        confusion_products=patient_products(index, count, confusion, classes**2),
        called_products=np.stack(
            [
                patient_products(index, count, 2 * s.truth + called(s, LESION_THRESHOLD), 4)
                for s in all_scores[1:]
            ]
        ),
        reader_calls=np.array(
            [_crossed([patients.truth, model, c > 0], c >= 0) for c in calls], np.int64
        ).reshape(len(readers), 2, 2, 2),
        reader_pairs=np.array(
            [_crossed([a > 0, b > 0], (a >= 0) & (b >= 0)) for a, b in _pairs(readers, calls)],
            np.int64,
        ).reshape(-1, 2, 2),
    )


def argmax_class(table: ScoreTable) -> NDArray[np.int64]:
    """Return each lesion's class of the largest probability, ties to the first class."""
    # rounded as logits are: equal probabilities must stay equal
    return np.asarray(np.round(table.log_probs, 12).argmax(1), np.int64)


def _pairs(
    readers: tuple[str, ...], calls: list[NDArray[np.int8]]
) -> list[tuple[NDArray[np.int8], NDArray[np.int8]]]:
    by_name = dict(zip(readers, calls, strict=True))
    return [(by_name[a], by_name[b]) for a, b in reader_pairs(readers)]


def _crossed(
    marks: list[NDArray[np.bool_]], kept: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Return the number of cases by several yes-or-no marks: int64[2, 2, …]."""
    index = np.zeros(len(marks[0]), np.int64)
    for m in marks:
        index = index * 2 + m
    if kept is not None:
        index = index[kept]
    return np.bincount(index, minlength=2 ** len(marks)).reshape((2,) * len(marks))


def _task_rows(
    table: ScoreTable, unit_task: tuple[str, str], scores: TaskScores
) -> dict[str, NDArray[np.int64] | NDArray[np.float64]]:
    truth, p = scores.truth, np.minimum(scores.probabilities, 1.0)
    index, count = patients_of(table)
    if unit_task[0] == "patient":
        index = np.arange(count)
    at = np.array([logit_of(t) for t in DECISION_THRESHOLDS])
    over = np.searchsorted(at, scores.logits, side="right")  # how many thresholds are reached
    reached = _by_truth(truth, over, len(at) + 1)[:, ::-1].cumsum(1)[:, ::-1][:, 1:]
    # a tenth's lower end belongs to it, as a threshold does: by logit, so that ties stay together
    inner = np.array([logit_of(i / TENTHS) for i in range(1, TENTHS)])
    tenth = np.searchsorted(inner, scores.logits, side="right")
    return {
        "clusters": np.array([len(np.unique(index[~truth])), len(np.unique(index[truth]))]),
        "decision": reached,
        "reliability": _by_truth(truth, tenth, TENTHS),
        "score_sums": np.bincount(tenth, weights=p, minlength=TENTHS),
        "squares": np.square(p - truth).sum(),
    }


def _by_truth(truth: NDArray[np.bool_], index: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.bincount(truth * size + index, minlength=2 * size).reshape(2, size)
