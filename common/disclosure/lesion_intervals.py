"""A site's own intervals of rates and kappa of lesions, and when sums over patients may leave."""

import numpy as np
from hepafed.common.contract import Figure
from hepafed.common.statistics import (
    TASK_ORDER,
    Additive,
    Clustered,
    ScoreTable,
    call_intervals,
    clustered_kappa,
    patients_of,
    right_interval,
)

CLUSTERED = "clustered_"
"""Begins the names of these figures: `clustered_sensitivity`, …, `clustered_kappa`."""
FEWEST_PATIENTS = 15
"""Below so many patients that count, an interval from their spread covers too rarely."""
FEW_PATIENTS = "read this interval with care: few patients, or few patients have most of the cases"


def several_of(table: ScoreTable) -> int:
    """Return how many patients have several lesions."""
    index, count = patients_of(table)
    return int((np.bincount(index, minlength=count) > 1).sum())


def tells_of_enough(several: int, minimum: int) -> bool:
    """Return whether sums over each patient's lesions tell of nobody, or of `minimum` patients.

    The products of a single lesion's counts are these counts. What else the sums tell is of the
    patients with several lesions.
    """
    return several == 0 or several >= minimum


def task_intervals(sums: Additive) -> dict[str, dict[str, Figure]]:
    """Return the intervals of each lesion task's rates at 0.5, by task."""
    made: dict[str, dict[str, Figure]] = {}
    for i, (unit, task) in enumerate(TASK_ORDER):
        if unit == "lesion":
            found = call_intervals(sums.called[i], sums.called_products[i - 1])
            made[task] = {CLUSTERED + n: _figure(c) for n, c in found.items()}
    return made


def table_intervals(sums: Additive) -> dict[str, Figure]:
    """Return the intervals of accuracy and kappa of the three classes."""
    made = {
        "accuracy": right_interval(sums.confusion, sums.confusion_products),
        "kappa": clustered_kappa(sums.confusion, sums.confusion_products),
    }
    return {CLUSTERED + n: _figure(c) for n, c in made.items() if c is not None}


def unsure(found: Clustered) -> str:
    """Return the remark on an interval of few patients; "" where it has enough."""
    return FEW_PATIENTS if found.patients < FEWEST_PATIENTS else ""


def _figure(found: Clustered) -> Figure:
    return Figure(
        value=found.value, low=found.low, high=found.high, se=found.se, reason=unsure(found)
    )
