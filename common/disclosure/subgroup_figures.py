"""Subgroups of patients: their names and levels, and the figures of each that a site releases.

A variable parts the patients into levels that exclude each other. Two things are withheld one
after the other (`suppression.hide`): a level as a whole, chosen by the true classes alone, so that
every model over a cohort withholds the same; then, of the levels that stay, the calls at the
operating point, for malignant and for benign patients separately.
"""

from collections.abc import Sequence

import numpy as np
from hepafed.common.contract import (
    EVERY,
    NOT_STATED,
    SEVERAL,
    SIZES,
    Figure,
    SubgroupSummary,
    in_order,
)
from hepafed.common.disclosure.subgroup_suppression import LevelCounts, choose, narrowing
from hepafed.common.disclosure.summaries import figure_of
from hepafed.common.statistics import (
    ScoreTable,
    TaskScores,
    called,
    delong_auc,
    patients_of,
    task_scores,
)
from numpy.typing import NDArray

UNIT, TASK = "patient", "malignant_vs_benign"
"""Subgroups are of patients: one population, so that no two tables of one report overlap."""
TELLING = "withheld: with the other counts it would give away calls of too few patients"
WITHHELD = "withheld: too few, or the total less this one would show another that is too few"


def levels_of(table: ScoreTable, variable: str) -> NDArray[np.str_]:
    """Return each patient's level of a variable, in the order of `scores.patients_of`."""
    patient, count = patients_of(table)
    found: list[set[str]] = [set() for _ in range(count)]
    for p, value in zip(patient.tolist(), table.groups[variable].tolist(), strict=True):
        if value:
            found[p].add(value)
    return np.array([_level(variable, values) for values in found], np.str_)


def _level(variable: str, values: set[str]) -> str:
    if variable == "lesion_size" and values and values <= {*SIZES}:
        return max(values, key=SIZES.index)
    if len(values) > 1:
        return SEVERAL
    return next(iter(values), NOT_STATED)


def subgroup_summaries(
    table: ScoreTable, variables: Sequence[str], threshold: float, minimum: int
) -> tuple[SubgroupSummary, ...]:
    """Return the figures of every level of `variables`; the table has a column for each.

    `threshold` is the operating point. A cohort of fewer than `minimum` patients releases nothing.
    """
    scores = task_scores(table, UNIT, TASK)
    if len(scores.truth) < minimum:
        return ()
    made: list[SubgroupSummary] = []
    for variable in variables:
        made += _summaries(variable, levels_of(table, variable), scores, threshold, minimum)
    return tuple(made)


def _summaries(
    variable: str, level: NDArray[np.str_], scores: TaskScores, threshold: float, minimum: int
) -> list[SubgroupSummary]:
    truth, call = scores.truth, called(scores, threshold)
    levels = in_order(level.tolist())
    counts = {v: _counted(truth[level == v], call[level == v]) for v in levels}
    released = choose(counts, minimum)
    if not released.levels:
        return [SubgroupSummary(variable=variable, level=EVERY, auc=Figure(reason=WITHHELD))]
    areas = {
        v: delong_auc(scores.logits[truth & (level == v)], scores.logits[~truth & (level == v)])
        for v in released.levels
    }
    telling = narrowing(counts, released, {v: a.value for v, a in areas.items() if a}, minimum)
    made = []
    for v, c in counts.items():
        if v not in released.levels:
            made.append(SubgroupSummary(variable=variable, level=v, auc=Figure(reason=WITHHELD)))
            continue
        made.append(
            SubgroupSummary(
                variable=variable,
                level=v,
                positives=sum(c.malignant),
                negatives=sum(c.benign),
                auc=Figure(reason=TELLING) if v in telling else figure_of(areas[v]),
                true_positives=c.caught if v in released.malignant else None,
                true_negatives=c.cleared if v in released.benign else None,
            )
        )
    return made


def _counted(truth: NDArray[np.bool_], call: NDArray[np.bool_]) -> LevelCounts:
    return LevelCounts(
        caught=int((truth & call).sum()),
        missed=int((truth & ~call).sum()),
        cleared=int((~truth & ~call).sum()),
        alarmed=int((~truth & call).sum()),
    )
