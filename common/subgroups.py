"""Subgroups of patients: their names and levels, and the figures of each that a site releases.

A variable parts the patients into levels that exclude each other. Two things are withheld one
after the other (`suppression.hide`): a level as a whole, chosen by the true classes alone, so that
every model over a cohort withholds the same; then, of the levels that stay, the calls at the
operating point, for malignant and for benign patients separately.
"""

from collections.abc import Sequence

import numpy as np
from hepafed.common.auc import delong_auc
from hepafed.common.levels import NOT_STATED, SEVERAL, SIZES, in_order
from hepafed.common.messages import Figure, SubgroupSummary
from hepafed.common.scores import ScoreTable, TaskScores, patients_of, task_scores
from hepafed.common.summaries import figure_of
from hepafed.common.sums import called
from hepafed.common.suppression import hide
from numpy.typing import NDArray

UNIT, TASK = "patient", "malignant_vs_benign"
"""Subgroups are of patients: one population, so that no two tables of one report overlap."""
WITHHELD = "withheld: too few, or the total less this one would show another that is too few"


def levels_of(table: ScoreTable, variable: str) -> NDArray[np.str_]:
    """Give each patient's level of a variable, in the order of `scores.patients_of`."""
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
    """Make the figures of every level of `variables`; the table has a column for each.

    `threshold` is the operating point. Nothing of a cohort of fewer than `minimum` patients.
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
    sides = {
        True: {v: _crossed(level == v, truth, call) for v in levels},
        False: {v: _crossed(level == v, ~truth, ~call) for v in levels},
    }
    classes = {v: tuple(sum(sides[side][v]) for side in (True, False)) for v in levels}
    gone = _hidden(classes, minimum)
    silent = {side: _hidden(rows, minimum, gone) for side, rows in sides.items()}
    made = []
    for v in levels:
        if v in gone:
            made.append(SubgroupSummary(variable=variable, level=v, auc=Figure(reason=WITHHELD)))
            continue
        its = level == v
        made.append(
            SubgroupSummary(
                variable=variable,
                level=v,
                positives=classes[v][0],
                negatives=classes[v][1],
                auc=figure_of(delong_auc(scores.logits[its & truth], scores.logits[its & ~truth])),
                true_positives=None if v in silent[True] else sides[True][v][0],
                true_negatives=None if v in silent[False] else sides[False][v][0],
            )
        )
    return made


def _crossed(
    its: NDArray[np.bool_], of_class: NDArray[np.bool_], right: NDArray[np.bool_]
) -> tuple[int, int]:
    """Count a level's patients of a class that are called rightly, and wrongly."""
    chosen = its & of_class
    return int((chosen & right).sum()), int((chosen & ~right).sum())


def _hidden(
    table: dict[str, tuple[int, ...]], minimum: int, gone: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Choose the levels to withhold.

    Levels that are gone hide others only where their sum, which is known, is not nothing. A level
    that holds all there is has the site's own figures, which stand in the summary anyway.
    """
    block = gone if any(any(table[v]) for v in gone) else frozenset()
    filled = {v for v, row in table.items() if any(row)} - gone
    if len(filled) + bool(block) < 2:
        return gone
    return hide({v: r for v, r in table.items() if v in block | filled}, minimum, block) | gone
