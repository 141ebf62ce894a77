"""What a site releases of its scores: exact figures, counts and cells (DESIGN §6)."""

import math

import numpy as np
from hepafed.common.auc import Auc, delong_auc
from hepafed.common.bins import (
    BINS,
    Histogram,
    bin_logits,
    cells_of,
    intervals_of,
    joined,
    logistic,
    logit_of_bin,
)
from hepafed.common.messages import Figure, SiteSummary, TaskSummary, TuningFigures
from hepafed.common.scores import ScoreTable, TaskScores, task_scores
from hepafed.common.sums import argmax_class, called, threshold_of
from hepafed.common.vocabulary import CLASS_KEYS, CLASSES, TASKS

ONE_CLASS = "all of one class"


def histogram_of(scores: TaskScores) -> Histogram:
    """Count a task's scores by bin."""
    bins = bin_logits(scores.logits)
    return Histogram(
        np.bincount(bins[scores.truth], minlength=BINS),
        np.bincount(bins[~scores.truth], minlength=BINS),
    )


def figure_of(auc: Auc | None) -> Figure:
    """Give an AUC as a releasable figure."""
    if auc is None:
        return Figure(reason=ONE_CLASS)
    low, high = auc.interval or (None, None)
    reason = "" if auc.se is not None else "fewer than two of a class: no interval"
    return Figure(value=auc.value, low=low, high=high, reason=reason)


def _summary(
    table: ScoreTable, unit: str, task: str, threshold: float, minimum: int
) -> TaskSummary:
    scores = task_scores(table, unit, task)
    calls = called(scores, threshold)
    positives, negatives = int(scores.truth.sum()), int((~scores.truth).sum())
    enough = positives + negatives >= minimum
    return TaskSummary(
        unit=unit,
        task=task,
        positives=positives,
        negatives=negatives,
        auc=figure_of(delong_auc(scores.logits[scores.truth], scores.logits[~scores.truth])),
        true_positives=int((calls & scores.truth).sum()) if enough else None,
        true_negatives=int((~calls & ~scores.truth).sum()) if enough else None,
        cells=cells_of(histogram_of(scores), minimum),
    )


def summarise(
    table: ScoreTable, *, run: str, model: str, weights: str, threshold: float, minimum_count: int
) -> SiteSummary:
    """Make all that a site releases of a validation: figures, counts, cells; never a score."""
    tasks = tuple(
        _summary(table, unit, task, threshold_of(unit, threshold), minimum_count)
        for unit, names in TASKS.items()
        for task in names
    )
    classes = len(CLASSES)
    counts = np.bincount(table.truth * classes + argmax_class(table), minlength=classes**2)
    enough = len(table.truth) >= minimum_count
    confusion = counts.reshape(classes, classes).tolist() if enough else None
    patients = task_scores(table, "patient", "malignant_vs_benign").truth
    suppressed = [f"{t.unit} {t.task}: cells" for t in tasks if t.cells is None]
    return SiteSummary(
        run=run,
        model=model,
        weights=weights,
        patients=len(patients),
        lesions=len(table.truth),
        by_class={k: int((table.truth == i).sum()) for i, k in enumerate(CLASS_KEYS)},
        minimum_count=minimum_count,
        tasks=tasks,
        confusion=tuple(map(tuple, confusion)) if confusion else None,
        suppressed=tuple(suppressed),
    )


def tuning_figures(table: ScoreTable, minimum_count: int) -> TuningFigures:
    """Make what a site releases of its tuning split."""
    aucs = []
    for task in TASKS["lesion"]:
        scores = task_scores(table, "lesion", task)
        auc = delong_auc(scores.logits[scores.truth], scores.logits[~scores.truth])
        if auc is not None:
            aucs.append(auc.value)
    patient = _summary(table, "patient", "malignant_vs_benign", 0.5, minimum_count)
    return TuningFigures(
        lesions=len(table.truth),
        macro_auc=sum(aucs) / len(aucs) if aucs else None,
        tasks=(patient,),
    )


def choose_threshold(figures: list[TuningFigures]) -> tuple[float, str]:
    """Choose the operating point with the largest Youden index on pooled tuning cells.

    Candidates are the lower edges of the cells (Youden 1950); 0.5 where nothing can be chosen.
    """
    cells = [t.cells for f in figures for t in f.tasks if t.cells is not None]
    rows = joined([intervals_of(c) for c in cells])
    positives, negatives = rows.totals
    if positives == 0 or negatives == 0:
        return 0.5, "0.5: the tuning data hold one class only"
    best, chosen = -math.inf, 0.5
    for edge in np.unique(rows.low).tolist():
        caught = int(rows.positives[rows.low >= edge].sum()) / positives
        spared = int(rows.negatives[rows.low < edge].sum()) / negatives
        if caught + spared > best:
            best, chosen = caught + spared, logistic(logit_of_bin(edge))
    return chosen, "largest Youden index on the pooled tuning cells"
