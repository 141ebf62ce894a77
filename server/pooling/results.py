"""The rows of `results`: one scope, one unit, one task.

Longer than 300 lines because a row is one record: whatever form a site released, each of its
figures is made here from the same counts.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from hepafed.common.contract import Figure, TaskSummary
from hepafed.common.disclosure import BANDED, READ_AT
from hepafed.common.statistics import (
    DECISION_THRESHOLDS,
    TASK_ORDER,
    Curve,
    Intervals,
    Z,
    auc_from_intervals,
    average_precision,
    call_intervals,
    curves,
    likelihood_ratios,
    matthews,
    middle_curve,
    net_benefit,
    partial_auc,
    pr_points,
    predictive_ends,
    roc_points,
    sensitivity_at,
    sensitivity_interval,
    specificity_at,
    specificity_interval,
    values_at_prevalence,
    wilson,
)
from hepafed.server.formats import (
    AtPrevalence,
    AucEstimate,
    IntervalEstimate,
    NetBenefit,
    PatientInterval,
    ReadAtSensitivity,
    ReadAtSpecificity,
    ResultRow,
)
from hepafed.server.pooling.caution import as_patients
from hepafed.server.pooling.estimates import (
    ONE_CLASS,
    auc_estimate,
    auc_figure,
    clustered_interval,
    ends_of,
    from_error,
    interval_estimate,
    patient_intervals,
    point_estimate,
    rate_estimate,
    settled,
    site_intervals,
)
from hepafed.server.pooling.evidence import Evidence


class _CurveReading(NamedTuple):
    """A figure read off a curve `at` a rate, and how far cells leave it open."""

    at: float
    value: float | None
    least: float | None
    most: float | None
    reason: str = ""


def pooled_row(
    index: int,
    known: Evidence,
    totals: tuple[int, int],
    prevalences: Sequence[float],
    own: TaskSummary | None = None,
) -> ResultRow:
    """Return the pooled row of the task TASK_ORDER[index]; `totals` are its cases by class.

    `own` is the whole cohort's exact part, where its score table is at hand.
    """
    unit, task = TASK_ORDER[index]
    cells = known.cells[unit, task]
    exact: Mapping[str, Figure] = {}
    if own is not None:
        auc, exact = _exact_auc(own), own.figures
    elif isinstance(cells, str):
        auc = auc_estimate(Figure(reason=cells), "delong")
    else:
        found = auc_from_intervals(cells)
        error, adjusted = (found.bound, found.adjusted) if found else (0.0, None)
        auc = auc_estimate(auc_figure(found), "delong", error, adjusted)
    made = _row("pooled", None, (unit, task), totals, _settled(auc, unit, totals, known))
    made = _with_curves(made, cells, exact)
    clustered = _pooled_intervals(index, known) if unit == "lesion" else {}
    return _with_rates(made, index, known, totals, prevalences, clustered)


def _pooled_intervals(index: int, known: Evidence) -> dict[str, PatientInterval]:
    called, products = known.section("called"), known.section("called_products")
    if called is None or products is None:
        return patient_intervals(known.reason("called") or known.reason("called_products"))
    return patient_intervals(call_intervals(called[index], products[index - 1]))


def site_row(
    site: str, index: int, known: Evidence, task: TaskSummary, prevalences: Sequence[float]
) -> ResultRow:
    """Return a site's row: its own exact figures, and what its counts and cells give."""
    totals = (task.positives, task.negatives)
    auc = _settled(_exact_auc(task), task.unit, totals, known)
    made = _row("site", site, (task.unit, task.task), totals, auc)
    made = _with_curves(made, known.cells[task.unit, task.task], task.figures)
    clustered = site_intervals(task.figures) if task.unit == "lesion" else {}
    return _with_rates(made, index, known, totals, prevalences, clustered)


def _row(
    scope: str,
    site: str | None,
    question: tuple[str, str],
    totals: tuple[int, int],
    auc: AucEstimate,
) -> ResultRow:
    unit, task = question
    return ResultRow(
        scope=scope,
        site=site,
        unit=unit,
        task=task,
        n=sum(totals),
        positives=totals[0],
        auc=auc,
    )


def _settled(auc: AucEstimate, unit: str, totals: tuple[int, int], known: Evidence) -> AucEstimate:
    size = known.sections.get("size")
    of = None if size is None or isinstance(size, str) else size.tolist()
    return settled(auc, as_patients(unit, totals, of))


def _exact_auc(task: TaskSummary) -> AucEstimate:
    """Return the AUC that a score table gave, clustered where lesions share a patient."""
    own, clustered = task.figures, None
    if (found := own.get("clustered")) is not None and task.auc.value is not None:
        clustered = clustered_interval(found, ends_of(own.get("clustered_logit")))
    method = BANDED if task.auc.half_band else "delong"
    ends = ends_of(own.get("logit"))
    made = auc_estimate(task.auc, method, task.auc.half_band, adjusted=ends, clustered=clustered)
    return from_error(made, task)


def _with_curves(made: ResultRow, cells: Intervals | str, own: Mapping[str, Figure]) -> ResultRow:
    """Add the curves and the figures read off them; a site's `own` exact figures go first.

    A site that gave its own figures leaves nothing open: the outer curves are not needed.
    """
    reason = cells if isinstance(cells, str) else ONE_CLASS
    drawn = middle_curve(cells) if isinstance(cells, Intervals) else None
    known = own.get("average_precision")
    precision = known.value if known is not None else None
    if precision is None and drawn is not None:
        precision = average_precision(drawn)
    found = curves(cells) if isinstance(cells, Intervals) and not own else None
    independent = drawn if (made.scope, made.unit) == ("pooled", "patient") else None

    def figures(name: str, function: Callable[[Curve, float], float]) -> list[_CurveReading]:
        return [_read(own.get(f"{name}_{at:.2f}"), found, function, at, reason) for at in READ_AT]

    return replace(
        made,
        roc=() if drawn is None else _points(roc_points(drawn)),
        pr=() if drawn is None else _points(pr_points(drawn)),
        average_precision=point_estimate(precision, reason),
        partial_auc=tuple(map(_at_specificity, figures("partial_auc", partial_auc))),
        sensitivity_at=tuple(
            _with_interval(_at_specificity(r), r, independent, sensitivity_interval)
            for r in figures("sensitivity_at", sensitivity_at)
        ),
        specificity_at=tuple(
            _with_interval(_at_sensitivity(r), r, independent, specificity_interval)
            for r in figures("specificity_at", specificity_at)
        ),
    )


def _at_specificity(r: _CurveReading) -> ReadAtSpecificity:
    return ReadAtSpecificity(
        specificity=r.at, value=r.value, least=r.least, most=r.most, reason=r.reason
    )


def _at_sensitivity(r: _CurveReading) -> ReadAtSensitivity:
    return ReadAtSensitivity(
        sensitivity=r.at, value=r.value, least=r.least, most=r.most, reason=r.reason
    )


R = TypeVar("R", ReadAtSpecificity, ReadAtSensitivity)


def _with_interval(
    made: R,
    read: _CurveReading,
    curve: Curve | None,
    interval: Callable[[Curve, float], tuple[float, float] | None],
) -> R:
    """Add the interval of a curve whose cases are independent; it always holds the value."""
    ends = interval(curve, read.at) if curve is not None and read.value is not None else None
    if ends is None or read.value is None:
        return made
    return replace(made, low=min(ends[0], read.value), high=max(ends[1], read.value))


def _points(found: list[list[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(p) for p in found)


def _read(
    own: Figure | None,
    found: tuple[Curve, Curve, Curve] | None,
    function: Callable[[Curve, float], float],
    at: float,
    reason: str,
) -> _CurveReading:
    if own is not None and own.value is not None:
        return _CurveReading(at, own.value, own.value, own.value)
    if found is None:
        return _CurveReading(at, None, None, None, reason)
    middle, worst, best = (function(c, at) for c in found)
    return _CurveReading(at, middle, min(worst, middle), max(best, middle))


def _with_rates(
    made: ResultRow,
    index: int,
    known: Evidence,
    totals: tuple[int, int],
    prevalences: Sequence[float],
    clustered: Mapping[str, PatientInterval],
) -> ResultRow:
    """Add what follows from the calls at the operating point.

    `clustered` holds the intervals from the spread between patients, of a lesion task.
    """
    p, n = totals
    called = known.section("called")
    if called is None:
        return _without_rates(made, known.reason("called"))
    (tn, fp), (fn, tp) = called[index].tolist()
    f1 = 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None
    positive, negative = likelihood_ratios(tp, p, tn, n)
    one_class = "" if p and n else ONE_CLASS
    made = replace(
        made,
        sensitivity=rate_estimate(
            tp, p, "there is no positive case", clustered=clustered.get("sensitivity")
        ),
        specificity=rate_estimate(
            tn, n, "there is no negative case", clustered=clustered.get("specificity")
        ),
        ppv=rate_estimate(
            tp, tp + fp, "the model called no case positive", clustered=clustered.get("ppv")
        ),
        npv=rate_estimate(
            tn, tn + fn, "the model called no case negative", clustered=clustered.get("npv")
        ),
        accuracy=rate_estimate(tp + tn, p + n, clustered=clustered.get("accuracy")),
        balanced_accuracy=balanced(tp, p, tn, n, clustered.get("balanced_accuracy")),
        f1=point_estimate(f1, "no positives"),
        mcc=point_estimate(matthews(called[index]), "truth or calls are all of one class"),
        likelihood_positive=interval_estimate(
            positive,
            one_class or "no negative is called positive",
            clustered.get("likelihood_positive"),
        ),
        likelihood_negative=interval_estimate(
            negative,
            one_class or "no negative is called negative",
            clustered.get("likelihood_negative"),
        ),
        net_benefit=_net_benefit(index, known, totals),
    )
    return replace(made, at_prevalence=_at_prevalence(made, prevalences) if p and n else ())


def _without_rates(made: ResultRow, why: str) -> ResultRow:
    rate, interval = rate_estimate(None, None, why), interval_estimate(None, why)
    point = point_estimate(None, why)
    return replace(
        made,
        sensitivity=rate,
        specificity=rate,
        ppv=rate,
        npv=rate,
        accuracy=rate,
        balanced_accuracy=interval,
        f1=point,
        mcc=point,
        likelihood_positive=interval,
        likelihood_negative=interval,
        at_prevalence=(),
        net_benefit=(),
    )


def balanced(
    tp: int, p: int, tn: int, n: int, clustered: PatientInterval | None = None
) -> IntervalEstimate:
    """Return the mean of sensitivity and specificity, of independent shares.

    Its interval is made from both Wilson intervals (square-and-add, Zou and Donner 2008).
    """
    if not p or not n:
        return interval_estimate(None, ONE_CLASS)
    a, b = tp / p, tn / n
    (low_a, high_a), (low_b, high_b) = wilson(a, p, Z), wilson(b, n, Z)
    value, se = (a + b) / 2, math.sqrt(a * (1 - a) / p + b * (1 - b) / n) / 2
    low = max(0.0, value - math.hypot(a - low_a, b - low_b) / 2)
    high = min(1.0, value + math.hypot(high_a - a, high_b - b) / 2)
    return interval_estimate(Figure(value=value, low=low, high=high, se=se), clustered=clustered)


def _at_prevalence(row: ResultRow, prevalences: Sequence[float]) -> tuple[AtPrevalence, ...]:
    """Return predictive values at stated prevalences; their intervals are made from the rates'."""
    pair = row.sensitivity, row.specificity
    values = [e.value for e in pair if e is not None and e.value is not None]
    if len(values) < 2:
        return ()
    shown = [(e.clustered or e) for e in pair if e is not None]
    ends = [(v, s.low, s.high) for v, s in zip(values, shown, strict=True)]
    rates = [(v, a, b) for v, a, b in ends if a is not None and b is not None]
    made = []
    for prevalence in prevalences:
        ppv, npv = values_at_prevalence(values[0], values[1], prevalence)
        part = AtPrevalence(prevalence=prevalence, ppv=ppv, npv=npv)
        if len(rates) == len(ends):
            of_ppv, of_npv = predictive_ends(rates[0], rates[1], prevalence)
            (a, b), (c, d) = of_ppv or (None, None), of_npv or (None, None)
            part = replace(part, ppv_low=a, ppv_high=b, npv_low=c, npv_high=d)
        else:
            part = replace(part, reason=next(s.reason for s in shown if s.low is None))
        made.append(part)
    return tuple(made)


def _net_benefit(index: int, known: Evidence, totals: tuple[int, int]) -> tuple[NetBenefit, ...]:
    decision = known.section("decision")
    p, n = totals
    if decision is None or p + n == 0:
        return ()
    return tuple(
        NetBenefit(
            threshold=t,
            model=net_benefit(int(tp), int(fp), p + n, t),
            all=net_benefit(p, n, p + n, t),
        )
        for t, fp, tp in zip(DECISION_THRESHOLDS, *decision[index], strict=True)
    )
