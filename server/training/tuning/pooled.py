"""The pooled tuning figures of an opened masked sum: exact to the bin, with errors above 0."""

import math

from hepafed.common.contract import Figure, TaskSummary, TuningFigures
from hepafed.common.statistics import (
    TASK_ORDER,
    Additive,
    Auc,
    Histogram,
    auc_from_counts,
    cells_of,
    expected_variance,
    half_pair_added,
    task_histogram,
)


def expected_error(value: float, positives: int, negatives: int) -> float:
    """Return the standard error that an AUC of so many cases has by Newcombe's (2006) model.

    Half a pair counts as won and half a pair as lost, so that it is above 0 also at an AUC of 1,
    where DeLong's is 0: another sample might have had a pair lost.
    """
    m, n = max(positives, 1), max(negatives, 1)
    return math.sqrt(expected_variance(half_pair_added(value, m * n), m, n))


def pooled_figures(sums: Additive) -> TuningFigures:
    """Return the figures of all tuning patients of a sum: each occupied bin is a cell of its own.

    `macro_auc` is None where no lesion task has both classes.
    """
    unit, task = TASK_ORDER[0]
    positives, negatives = task_histogram(sums, unit, task)
    auc = auc_from_counts(positives, negatives)
    values = [a.value for _, a in _lesion_aucs(sums)]
    summary = TaskSummary(
        unit=unit,
        task=task,
        positives=int(positives.sum()),
        negatives=int(negatives.sum()),
        auc=Figure(value=auc.value, se=auc.se) if auc is not None else Figure(),
        true_positives=None,
        true_negatives=None,
        cells=cells_of(Histogram(positives, negatives), 1),
    )
    return TuningFigures(
        lesions=int(sums.size[1]),
        macro_auc=sum(values) / len(values) if values else None,
        tasks=(summary,),
    )


def macro_error(sums: Additive) -> float:
    """Return a standard error of the macro AUC that is rather too large than too small.

    It is the mean of the tasks' errors, as if these moved together. A task's is the larger one of
    DeLong's, with patients in the place of lesions, and `expected_error` of so many patients.
    """
    errors = [_error(a, *sums.clusters[i].tolist()) for i, a in _lesion_aucs(sums)]
    return sum(errors) / len(errors) if errors else 0.5


def _lesion_aucs(sums: Additive) -> list[tuple[int, Auc]]:
    """Return the AUC of each lesion task that has both classes, by the task's place."""
    places = [(i, *task_histogram(sums, *t)) for i, t in enumerate(TASK_ORDER) if i]
    return [(i, a) for i, m, n in places if (a := auc_from_counts(m, n)) is not None]


def _error(auc: Auc, with_negatives: int, with_positives: int) -> float:
    """Return a task's error; the patients that have a negative, and those that have a positive."""
    m, n = max(with_positives, 1), max(with_negatives, 1)
    shared = math.sqrt(max(auc.positives / m, auc.negatives / n))
    return max((auc.se or 0.0) * shared, expected_error(auc.value, m, n))
