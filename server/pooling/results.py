"""The rows of `results`: one scope, one unit, one task."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hepafed.common.contract import Figure, TaskSummary
from hepafed.common.disclosure import READ_AT
from hepafed.common.statistics import (
    DECISION_THRESHOLDS,
    TASK_ORDER,
    Curve,
    Intervals,
    Z,
    auc_from_intervals,
    average_precision,
    curves,
    likelihood_ratios,
    matthews,
    middle_curve,
    net_benefit,
    partial_auc,
    pr_points,
    roc_points,
    sensitivity_at,
    specificity_at,
    values_at_prevalence,
)
from hepafed.server.pooling.estimates import (
    ONE_CLASS,
    auc_figure,
    auc_json,
    ends_of,
    estimate_json,
    logit_json,
    rate_json,
    value_json,
)
from hepafed.server.pooling.evidence import Evidence

Row = dict[str, Any]
RATES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def row(scope: str, site: str | None, unit: str, task: str, p: int, n: int) -> Row:
    """Start a row."""
    return {
        "scope": scope,
        "site": site,
        "unit": unit,
        "task": task,
        "n": p + n,
        "positives": p,
    }


def pooled_row(
    index: int,
    known: Evidence,
    totals: tuple[int, int],
    prevalences: Sequence[float],
    own: TaskSummary | None = None,
) -> Row:
    """Make the pooled row of the task TASK_ORDER[index]; `totals` are its cases by class.

    `own` is the whole cohort's exact part, where its score table is at hand.
    """
    unit, task = TASK_ORDER[index]
    made = row("pooled", None, unit, task, *totals)
    cells = known.cells[unit, task]
    if own is not None:
        return made | _exact(own, cells) | _counted(index, known, totals, prevalences)
    if isinstance(cells, str):
        made["auc"] = auc_json(Figure(reason=cells), "delong")
    else:
        auc = auc_from_intervals(cells)
        error, adjusted = (auc.bound, auc.adjusted) if auc else (0.0, None)
        made["auc"] = auc_json(auc_figure(auc), "delong", error, adjusted)
    return made | _read_off(cells) | _counted(index, known, totals, prevalences)


def site_row(
    site: str, index: int, known: Evidence, task: TaskSummary, prevalences: Sequence[float]
) -> Row:
    """Make a site's row: its own exact figures, and what its counts and cells give."""
    totals = (task.positives, task.negatives)
    made = row("site", site, task.unit, task.task, *totals)
    made |= _exact(task, known.cells[task.unit, task.task])
    return made | _counted(index, known, totals, prevalences)


def _exact(task: TaskSummary, cells: Intervals | str) -> Row:
    """Take the figures that a score table gave; the curves are drawn from the cells."""
    own = task.figures
    auc = auc_json(task.auc, "delong", adjusted=ends_of(own.get("logit")))
    if (found := own.get("clustered")) is not None and task.auc.value is not None:
        adjusted = ends_of(own.get("clustered_logit"))
        auc["clustered"] = clustered_json(found.low, found.high, found.se, adjusted)
    return {"auc": auc} | _read_off(cells, task.figures)


def clustered_json(
    low: float | None,
    high: float | None,
    se: float | None,
    adjusted: tuple[float, float] | None = None,
) -> Row:
    """Give the interval that knows which lesions share a patient."""
    made: Row = {"low": low, "high": high, "se": se, "method": "obuchowski"}
    made["logit"] = logit_json(adjusted)
    return made if low is not None else made | {"reason": "fewer than two patients with a class"}


def _read_off(cells: Intervals | str, exact: Mapping[str, Figure] | None = None) -> Row:
    """Read the curves' figures off intervals, or take a site's own exact ones."""
    own = exact or {}
    reason = cells if isinstance(cells, str) else ONE_CLASS
    drawn = middle_curve(cells) if isinstance(cells, Intervals) else None
    made: Row = {"roc": [], "pr": []}
    if drawn is not None:
        made = {"roc": roc_points(drawn), "pr": pr_points(drawn)}
    known = own.get("average_precision")
    precision = known.value if known is not None else None
    if precision is None and drawn is not None:
        precision = average_precision(drawn)
    made["average_precision"] = value_json(precision, reason)
    # a site that gave its own figures leaves nothing open: the outer curves are not needed
    found = curves(cells) if isinstance(cells, Intervals) and not own else None
    for name, key, function in (
        ("partial_auc", "specificity", partial_auc),
        ("sensitivity_at", "specificity", sensitivity_at),
        ("specificity_at", "sensitivity", specificity_at),
    ):
        made[name] = [
            {key: at} | _read(own.get(f"{name}_{at:.2f}"), found, function, at, reason)
            for at in READ_AT
        ]
    return made


def _read(
    own: Figure | None,
    found: tuple[Curve, Curve, Curve] | None,
    function: Callable[[Curve, float], float],
    at: float,
    reason: str,
) -> Row:
    if own is not None and own.value is not None:
        return {"value": own.value, "least": own.value, "most": own.value}
    if found is None:
        return {"value": None, "least": None, "most": None, "reason": reason}
    middle, worst, best = (function(c, at) for c in found)
    return {"value": middle, "least": min(worst, middle), "most": max(best, middle)}


def _counted(
    index: int, known: Evidence, totals: tuple[int, int], prevalences: Sequence[float]
) -> Row:
    """Make what follows from the calls at the operating point."""
    p, n = totals
    called = known.section("called")
    if called is None:
        why = known.reason("called")
        gone = {k: rate_json(None, None, why) for k in RATES}
        for name in ("balanced_accuracy", "likelihood_positive", "likelihood_negative"):
            gone[name] = estimate_json(None, why)
        gone |= {k: value_json(None, why) for k in ("f1", "mcc")}
        return gone | {"at_prevalence": [], "net_benefit": []}
    (tn, fp), (fn, tp) = called[index].tolist()
    made: Row = {
        "sensitivity": rate_json(tp, p),
        "specificity": rate_json(tn, n),
        "ppv": rate_json(tp, tp + fp),
        "npv": rate_json(tn, tn + fn),
        "accuracy": rate_json(tp + tn, p + n),
        "balanced_accuracy": balanced(tp, p, tn, n),
        "f1": value_json(2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None, "no positives"),
        "mcc": value_json(matthews(called[index]), "truth or calls are all of one class"),
    }
    positive, negative = likelihood_ratios(tp, p, tn, n)
    made["likelihood_positive"] = estimate_json(positive, "no negative is called positive")
    made["likelihood_negative"] = estimate_json(negative, "no negative is called negative")
    made["at_prevalence"] = []
    if p and n:
        for prevalence in prevalences:
            ppv, npv = values_at_prevalence(tp / p, tn / n, prevalence)
            made["at_prevalence"].append({"prevalence": prevalence, "ppv": ppv, "npv": npv})
    return made | {"net_benefit": _net_benefit(index, known, totals)}


def balanced(tp: int, p: int, tn: int, n: int) -> Row:
    """Give the mean of sensitivity and specificity, of independent shares."""
    if not p or not n:
        return estimate_json(None, ONE_CLASS)
    a, b = tp / p, tn / n
    se = float(np.sqrt(a * (1 - a) / p + b * (1 - b) / n) / 2)
    value = (a + b) / 2
    found = Figure(value=value, low=max(0.0, value - Z * se), high=min(1.0, value + Z * se), se=se)
    return estimate_json(found)


def _net_benefit(index: int, known: Evidence, totals: tuple[int, int]) -> list[Row]:
    decision = known.section("decision")
    p, n = totals
    if decision is None or p + n == 0:
        return []
    return [
        {
            "threshold": t,
            "model": net_benefit(int(tp), int(fp), p + n, t),
            "all": net_benefit(p, n, p + n, t),
        }
        for t, fp, tp in zip(DECISION_THRESHOLDS, *decision[index], strict=True)
    ]
