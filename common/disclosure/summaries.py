"""What a site releases of its scores: figures, counts, sums, cells (docs/statistics.md)."""

from dataclasses import replace

import numpy as np
from hepafed.common.contract import CLASS_KEYS, TASKS, Cells, Figure, TaskSummary, TuningFigures
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.lesion_intervals import (
    several_of,
    table_intervals,
    task_intervals,
    tells_of_enough,
)
from hepafed.common.disclosure.splits import totals_of
from hepafed.common.disclosure.suppression import FEW_OF_A_CLASS, POOLED_ONLY, enough_of
from hepafed.common.statistics import (
    BINS,
    TASK_ORDER,
    Additive,
    Auc,
    Histogram,
    ScoreTable,
    TaskScores,
    additive_of,
    adjusted_figure,
    auc_from_counts,
    average_precision,
    calibrate,
    cells_of,
    clustered_figures,
    curve_from_mass,
    intervals_of,
    joined,
    partial_auc,
    score_counts,
    sensitivity_at,
    specificity_at,
    task_histogram,
    task_scores,
)

ONE_CLASS = "all of one class"
NO_INTERVAL = "fewer than two of a class: no interval"
READ_AT = (0.90, 0.95)
"""Specificities (sensitivities) at which the sensitivity (specificity) is read off the curve."""

RELEASED = (
    "clusters",
    "decision",
    "reliability",
    "score_sums",
    "squares",
    "confusion_products",
    "called_products",
    "reader_calls",
    "reader_pairs",
)
"""Small sections that a summary may hold; `size`, `confusion` and calls stand in its fields."""


def figure_of(auc: Auc | None) -> Figure:
    """Return an AUC as a releasable figure."""
    if auc is None:
        return Figure(reason=ONE_CLASS)
    low, high = auc.interval or (None, None)
    reason = "" if auc.se is not None else NO_INTERVAL
    return Figure(value=auc.value, low=low, high=high, se=auc.se, reason=reason)


def curve_figures(positives: np.ndarray, negatives: np.ndarray) -> dict[str, Figure]:
    """Return the figures of the curve of counts [k] over ordered scores; {} for one class only."""
    if not positives.sum() or not negatives.sum():
        return {}
    curve = curve_from_mass(positives.astype(float), negatives.astype(float))
    found = {"average_precision": average_precision(curve)}
    for at in READ_AT:
        found[f"partial_auc_{at:.2f}"] = partial_auc(curve, at)
        found[f"sensitivity_at_{at:.2f}"] = sensitivity_at(curve, at)
        found[f"specificity_at_{at:.2f}"] = specificity_at(curve, at)
    return {k: Figure(value=v) for k, v in found.items()}


def calibration_figures(
    logits: np.ndarray, positives: np.ndarray, negatives: np.ndarray
) -> dict[str, Figure]:
    """Return slope, intercept and calibration in the large of counts [k] at logits [k]."""
    fit = calibrate(logits, positives.astype(float), negatives.astype(float))
    names = ("slope", "intercept", "in_the_large")
    if isinstance(fit, str):
        return {n: Figure(reason=fit) for n in names}
    found = [getattr(fit, n) for n in names]
    return {
        n: Figure(value=e.value, low=e.low, high=e.high, se=e.se)
        for n, e in zip(names, found, strict=True)
    }


def _summary(sums: Additive, scores: TaskScores, index: int, minimum: int) -> TaskSummary:
    unit, task = TASK_ORDER[index]
    truth = scores.truth
    values, positives, negatives = score_counts(scores.logits[truth], scores.logits[~truth])
    cases = int(truth.sum()), int((~truth).sum())
    enough = sum(cases) >= minimum and enough_of(minimum, *cases)
    auc = auc_from_counts(positives, negatives)
    return TaskSummary(
        unit=unit,
        task=task,
        positives=cases[0],
        negatives=cases[1],
        auc=figure_of(auc) if enough else Figure(reason=FEW_OF_A_CLASS),
        true_positives=int(sums.called[index, 1, 1]) if sum(cases) >= minimum else None,
        true_negatives=int(sums.called[index, 0, 0]) if sum(cases) >= minimum else None,
        cells=_cells(sums, unit, task, minimum),
        figures=(
            adjusted_figure("logit", auc)
            | curve_figures(positives, negatives)
            | calibration_figures(values, positives, negatives)
            if enough
            else {}
        ),
    )


def _cells(sums: Additive, unit: str, task: str, minimum: int) -> Cells | None:
    positives, negatives = task_histogram(sums, unit, task)
    first = None
    if unit == "lesion":
        k = CLASS_KEYS.index(task.removesuffix("_vs_rest"))
        first = sums.lesion_scores[k, min(c for c in range(len(CLASS_KEYS)) if c != k)]
    return cells_of(Histogram(positives, negatives, first), minimum)


def summarise(
    table: ScoreTable,
    *,
    run: str,
    model: str,
    weights: str,
    threshold: float,
    minimum_count: int,
    sums: Additive | None = None,
) -> SiteSummary:
    """Return all that a site releases of a validation: figures, counts, cells; never a score.

    `sums` is the site's `additive_of` where it is known already.
    """
    readers = tuple(sorted(table.readers))
    sums = sums or additive_of(table, threshold, readers)
    by_task = [
        _summary(sums, task_scores(table, *t), i, minimum_count) for i, t in enumerate(TASK_ORDER)
    ]
    by_class = [int((table.truth == i).sum()) for i in range(len(CLASS_KEYS))]
    several = several_of(table)
    clustered, overall, rates = _clustered(table, sums, minimum_count, several)
    whole = len(table.truth) >= minimum_count
    tasks = tuple(
        replace(t, figures=t.figures | clustered.get(t.task, {}) | rates.get(t.task, {}))
        if t.figures
        else t
        for t in by_task
    )
    sections, withheld = released_sections(sums, minimum_count, several)
    return SiteSummary(
        run=run,
        model=model,
        weights=weights,
        patients=int(sums.size[0]),
        lesions=int(sums.size[1]),
        by_class=dict(zip(CLASS_KEYS, by_class, strict=True)),
        minimum_count=minimum_count,
        tasks=tasks,
        confusion=tuple(map(tuple, sums.confusion.tolist())) if whole else None,
        suppressed=(*(f"{t.unit} {t.task}: cells" for t in tasks if t.cells is None), *withheld),
        figures=overall if enough_of(minimum_count, *by_class) else {},
        sections=sections,
        readers=sums.readers,
    )


def _clustered(
    table: ScoreTable, sums: Additive, minimum: int, several: int
) -> tuple[dict[str, dict[str, Figure]], dict[str, Figure], dict[str, dict[str, Figure]]]:
    """Return figures that know which lesions share a patient: by task, over all, rates by task."""
    if len(table.truth) < minimum:
        return {}, {}, {}
    by_task, overall = clustered_figures(table, sums)
    if not tells_of_enough(several, minimum):
        return by_task, overall, {}
    return by_task, overall | table_intervals(sums), task_intervals(sums)


def released_sections(
    sums: Additive, minimum: int, several: int
) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Return the small sections that have no cell of fewer than `minimum` cases.

    Return them by name, and the names of what is withheld: a tenth of the reliability table, a
    step of the decision curve, a reader, or a site with fewer cases than that; products over
    patients also where fewer than that, of the `several` there are, have several lesions.
    """

    def fine(cases: np.ndarray) -> bool:
        return bool((cases[cases > 0] >= minimum).all())

    whole = sums.decision.sum(1)
    steps = np.concatenate(
        [
            sums.called.sum((1, 2))[:, None] - whole[:, :1],
            whole[:, :-1] - whole[:, 1:],
            whole[:, -1:],
        ],
        axis=1,
    )
    products = fine(sums.size) and tells_of_enough(several, minimum)
    allowed = {
        "clusters": fine(sums.size),
        "decision": fine(steps),
        "reliability": fine(sums.reliability.sum(1)),
        "score_sums": fine(sums.reliability.sum(1)),
        "squares": fine(sums.size),
        "confusion_products": products,
        "called_products": products,
        "reader_calls": fine(sums.reader_calls.sum((1, 2, 3))),
        "reader_pairs": fine(sums.reader_pairs.sum((1, 2))),
    }
    small = sums.small()
    return (
        {n: small[n] for n in RELEASED if allowed[n]},
        tuple(n.replace("_", " ") for n in RELEASED if not allowed[n]),
    )


def tuning_figures(table: ScoreTable, minimum_count: int) -> TuningFigures:
    """Return what a site that does not mask releases of its tuning split: figures and cells."""
    aucs = []
    for task in TASKS["lesion"]:
        scores = task_scores(table, "lesion", task)
        _, m, n = score_counts(scores.logits[scores.truth], scores.logits[~scores.truth])
        few = not enough_of(minimum_count, int(m.sum()), int(n.sum()))
        if not few and (auc := auc_from_counts(m, n)) is not None:
            aucs.append(auc.value)
    patients = task_scores(table, *TASK_ORDER[0])
    return TuningFigures(
        lesions=len(table.truth),
        macro_auc=sum(aucs) / len(aucs) if aucs else None,
        tasks=(_summary(additive_of(table, 0.5), patients, 0, minimum_count),),
    )


def tuning_totals(table: ScoreTable, group: tuple[str, ...]) -> TuningFigures:
    """Return what a site says of its tuning split beside a masked sum: numbers of cases alone.

    `group`: the sites with which its tuning counts were summed before.
    """
    benign, malignant, *_ = totals_of(table)
    task = TaskSummary(
        unit=TASK_ORDER[0][0],
        task=TASK_ORDER[0][1],
        positives=malignant,
        negatives=benign,
        auc=Figure(reason=POOLED_ONLY),
        true_positives=None,
        true_negatives=None,
        cells=None,
    )
    return TuningFigures(
        lesions=len(table.truth), macro_auc=None, tasks=(task,), form="masked", group=group
    )


REFERENCE_CELLS = 40
"""The most cells of tuning scores in a model's card."""


def tuning_scores(figures: list[TuningFigures]) -> dict[str, list[int]] | None:
    """Return the pooled patient scores of the tuning splits for the model's card, in merged cells.

    The scores of a later cohort are compared with these (drift); None where no site released cells.
    """
    cells = [t.cells for f in figures for t in f.tasks if t.cells is not None]
    rows = joined([intervals_of(c) for c in cells])
    total = sum(rows.totals)
    if not total:
        return None
    # a site's cell lies where its lower edge does: coarse enough for a comparison of shares
    p, n = (
        np.bincount(rows.low, weights=w, minlength=BINS).astype(np.int64)
        for w in (rows.positives, rows.negatives)
    )
    merged = cells_of(Histogram(p, n), max(2, -(-total // REFERENCE_CELLS)))
    if merged is None:
        return None
    return {
        "edges": list(merged.edges),
        "positives": list(merged.positives),
        "negatives": list(merged.negatives),
    }
