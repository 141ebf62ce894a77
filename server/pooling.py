"""Pool what sites released into one report (DESIGN §6); nothing here ever sees a score."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from hepafed.common.additive import Additive, task_histogram
from hepafed.common.auc import Auc, auc_from_intervals
from hepafed.common.bins import (
    Histogram,
    Intervals,
    intervals_of,
    intervals_of_histogram,
    joined,
)
from hepafed.common.errors import DataError
from hepafed.common.messages import Figure, SiteSummary, TaskSummary
from hepafed.common.rates import LEVEL, Rate, Z, rate
from hepafed.common.vocabulary import TASKS

ROC_POINTS = 200
SUPPRESSED = "suppressed by a site"
MACRO = "macro"


Sums = Mapping[tuple[str, ...], Additive]
"""Fine counts by the sites whose sum they are (one site: plain)."""


def pool(
    summaries: dict[str, SiteSummary],
    model: dict[str, Any],
    provenance: dict[str, Any],
    sums: Sums | None = None,
) -> dict[str, Any]:
    """Make the report (schema hepafed.report/1) from the summaries of each site.

    `sums` are the fine counts of the sites that released no cells.
    """
    sums = sums or {}
    results: list[dict[str, Any]] = []
    heterogeneity = []
    for unit, names in TASKS.items():
        for task in names:
            by_site = {s: t for s, v in summaries.items() if (t := _task(v, unit, task))}
            results.append(_pooled(unit, task, by_site, sums))
            results += [_site(s, t) for s, t in by_site.items()]
            results.append(_site_mean(unit, task, by_site))
            heterogeneity.append(_heterogeneity(unit, task, by_site))
    results += _macros(results, summaries)
    return {
        "schema": "hepafed.report/1",
        "model": model,
        "sites": [
            {"site": s, "patients": v.patients, "lesions": v.lesions, "by_class": dict(v.by_class)}
            for s, v in summaries.items()
        ],
        "results": results,
        "confusion": [_confusion(s, v) for s, v in summaries.items()],
        "heterogeneity": heterogeneity,
        "readers": [],
        "calibration": [],
        "suppressed": [{"site": s, "what": w} for s, v in summaries.items() for w in v.suppressed],
        "provenance": provenance,
    }


def _task(summary: SiteSummary, unit: str, task: str) -> TaskSummary | None:
    for t in summary.tasks:
        if (t.unit, t.task) == (unit, task):
            return t
    return None


def _auc(figure: Figure, method: str, error: float = 0.0) -> dict[str, Any]:
    made: dict[str, Any] = {
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "level": LEVEL,
        "method": method,
        "binning_error": error,
    }
    if figure.reason:
        made["reason"] = figure.reason
    elif figure.low is not None and figure.low == figure.high:
        made["reason"] = "the interval is degenerate: the classes are fully separated"
    return made


def _rate(numerator: int | None, denominator: int | None) -> dict[str, Any]:
    made = rate(numerator, denominator) if numerator is not None and denominator is not None else (
        Rate(0, 0, None, None, None, None, None)
    )  # fmt: skip
    values: dict[str, Any] = {
        "value": made.value,
        "low": made.low,
        "high": made.high,
        "level": LEVEL,
        "method": "wilson",
        "exact_low": made.exact_low,
        "exact_high": made.exact_high,
        "numerator": numerator,
        "denominator": denominator,
    }
    if made.value is None:
        values["reason"] = SUPPRESSED if numerator is None else "no cases"
    return values


def _rates(p: int, n: int, tp: int | None, tn: int | None) -> dict[str, Any]:
    if tp is None or tn is None:
        return {k: _rate(None, None) for k in ("sensitivity", "specificity", "ppv", "npv",
                                               "accuracy")}  # fmt: skip
    return {
        "sensitivity": _rate(tp, p),
        "specificity": _rate(tn, n),
        "ppv": _rate(tp, tp + n - tn),
        "npv": _rate(tn, tn + p - tp),
        "accuracy": _rate(tp + tn, p + n),
    }


def _row(scope: str, site: str | None, unit: str, task: str, p: int, n: int) -> dict[str, Any]:
    return {
        "scope": scope, "site": site, "unit": unit, "task": task, "n": p + n, "positives": p,
    }  # fmt: skip


def _site(site: str, t: TaskSummary) -> dict[str, Any]:
    made = _row("site", site, t.unit, t.task, t.positives, t.negatives)
    made["auc"] = _auc(t.auc, "delong")
    made |= _rates(t.positives, t.negatives, t.true_positives, t.true_negatives)
    if t.cells is not None:
        made["roc"] = _roc([intervals_of(t.cells)])
    return made


def _figure(auc: Auc | None) -> Figure:
    if auc is None:
        return Figure(reason="one class only")
    low, high = auc.interval or (None, None)
    reason = "" if auc.se is not None else "fewer than two of a class: no interval"
    return Figure(value=auc.value, low=low, high=high, reason=reason)


def _pooled(unit: str, task: str, by_site: dict[str, TaskSummary], sums: Sums) -> dict[str, Any]:
    tasks = list(by_site.values())
    p, n = sum(t.positives for t in tasks), sum(t.negatives for t in tasks)
    made = _row("pooled", None, unit, task, p, n)
    summed = {s for sites in sums for s in sites}
    cells = [
        intervals_of(t.cells) for s, t in by_site.items() if t.cells is not None and s not in summed
    ]
    cells += [
        intervals_of_histogram(Histogram(*task_histogram(v, unit, task))) for v in sums.values()
    ]
    withheld = [
        s for s, t in by_site.items()
        if t.cells is None and s not in summed and t.positives + t.negatives
    ]  # fmt: skip
    if withheld:
        made["auc"] = _auc(Figure(reason=SUPPRESSED), "delong")
    else:
        auc = auc_from_intervals(joined(cells))
        made["auc"] = _auc(_figure(auc), "delong", auc.bound if auc else 0.0)
        made["roc"] = _roc(cells)
    known = all(t.true_positives is not None and t.true_negatives is not None for t in tasks)
    tp = sum(t.true_positives or 0 for t in tasks) if known else None
    tn = sum(t.true_negatives or 0 for t in tasks) if known else None
    return made | _rates(p, n, tp, tn)


def _usable(by_site: dict[str, TaskSummary]) -> list[tuple[float, float]]:
    """AUC and standard error of the sites that gave both, from their DeLong intervals."""
    found = []
    for t in by_site.values():
        if t.auc.value is None or t.auc.low is None or t.auc.high is None:
            continue
        # an end clipped at 0 or 1 says nothing of the error: take the other one
        error = max(t.auc.value - t.auc.low, t.auc.high - t.auc.value) / Z
        if 0 < t.auc.value < 1 and error > 0:
            found.append((t.auc.value, error))
    return found


def _site_mean(unit: str, task: str, by_site: dict[str, TaskSummary]) -> dict[str, Any]:
    """Average the sites' AUCs, each counting the same; the sites are independent."""
    tasks = list(by_site.values())
    made = _row(
        "site-mean", None, unit, task,
        sum(t.positives for t in tasks), sum(t.negatives for t in tasks),
    )  # fmt: skip
    values = [t.auc.value for t in tasks if t.auc.value is not None]
    usable = _usable(by_site)
    if not values:
        made["auc"] = _auc(Figure(reason="no site has both classes"), "mean of sites")
        return made
    mean = sum(values) / len(values)
    if len(usable) == len(values):
        error = math.sqrt(sum(e * e for _, e in usable)) / len(usable)
        figure = Figure(value=mean, low=max(0.0, mean - Z * error), high=min(1.0, mean + Z * error))
    else:
        figure = Figure(value=mean, reason="a site has no standard error: no interval")
    made["auc"] = _auc(figure, "mean of sites, DeLong errors")
    return made


def _heterogeneity(unit: str, task: str, by_site: dict[str, TaskSummary]) -> dict[str, Any]:
    """Pool logit AUCs with random effects (DerSimonian and Laird 1986); I² (Higgins 2003)."""
    made: dict[str, Any] = {"unit": unit, "task": task, "sites": 0, "method": "dersimonian-laird"}
    usable = [(math.log(a / (1 - a)), (e / (a * (1 - a))) ** 2) for a, e in _usable(by_site)]
    made["sites"] = len(usable)
    if len(usable) < 2:
        return made | {"value": None, "reason": "fewer than two sites with an interval"}
    weights = [1 / v for _, v in usable]
    fixed = sum(w * y for w, (y, _) in zip(weights, usable, strict=True)) / sum(weights)
    q = sum(w * (y - fixed) ** 2 for w, (y, _) in zip(weights, usable, strict=True))
    scale = sum(weights) - sum(w * w for w in weights) / sum(weights)
    tau2 = max(0.0, (q - (len(usable) - 1)) / scale)
    random = [1 / (v + tau2) for _, v in usable]
    mean = sum(w * y for w, (y, _) in zip(random, usable, strict=True)) / sum(random)
    error = 1 / math.sqrt(sum(random))
    i2 = max(0.0, (q - (len(usable) - 1)) / q) if q > 0 else 0.0
    return made | {
        "value": _logistic(mean),
        "low": _logistic(mean - Z * error),
        "high": _logistic(mean + Z * error),
        "tau2": tau2,
        "q": q,
        "i2": i2,
    }


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _macros(
    results: list[dict[str, Any]], summaries: dict[str, SiteSummary]
) -> list[dict[str, Any]]:
    """Average the three one-vs-rest AUCs of each scope; they share lesions: no interval."""
    scopes: list[tuple[str, str | None]] = [("pooled", None)]
    scopes += [("site", s) for s in summaries] + [("site-mean", None)]
    made = []
    for scope, site in scopes:
        rows = [
            r for r in results
            if (r["scope"], r["site"], r["unit"]) == (scope, site, "lesion")
        ]  # fmt: skip
        values = [r["auc"]["value"] for r in rows]
        errors = [r["auc"]["binning_error"] for r in rows]
        row = _row(scope, site, "lesion", MACRO, 0, 0) | {
            "n": max((r["n"] for r in rows), default=0), "positives": None,
        }  # fmt: skip
        if rows and all(v is not None for v in values):
            figure = Figure(
                value=sum(values) / len(values),
                reason="the three tasks share lesions: an interval needs their covariance",
            )
            row["auc"] = _auc(figure, "mean of one-vs-rest", sum(errors) / len(errors))
        else:
            row["auc"] = _auc(Figure(reason="a class is missing"), "mean of one-vs-rest")
        made.append(row)
    return made


def _confusion(site: str, summary: SiteSummary) -> dict[str, Any]:
    counts = [list(r) for r in summary.confusion] if summary.confusion else None
    return {"site": site, "counts": counts, "reason": "" if counts else SUPPRESSED}


def _roc(cells: list[Intervals]) -> list[list[float]]:
    """Points (false positive rate, sensitivity) at the cells' lower edges, 200 at most."""
    rows = joined(cells)
    positives, negatives = rows.totals
    if positives == 0 or negatives == 0:
        return []
    order = np.argsort(-rows.low, kind="stable")
    low, p, n = rows.low[order], rows.positives[order].cumsum(), rows.negatives[order].cumsum()
    last = np.append(low[1:] != low[:-1], True)
    points = [[0.0, 0.0], *np.stack([n / negatives, p / positives], 1)[last].tolist()]
    step = max(1, math.ceil(len(points) / ROC_POINTS))
    return [*points[:-1:step], points[-1]]


def check_summary(site: str, summary: SiteSummary) -> None:
    """Check that a summary's numbers can be; DataError names the site when they cannot."""
    for t in summary.tasks:
        counts = (t.positives, t.negatives, t.true_positives or 0, t.true_negatives or 0)
        if min(counts) < 0 or (t.true_positives or 0) > t.positives or (
            (t.true_negatives or 0) > t.negatives
        ):  # fmt: skip
            raise DataError(f"{site} released counts that cannot be")
        if t.cells is not None and intervals_of(t.cells).totals != (t.positives, t.negatives):
            raise DataError(f"{site} released cells that do not add up to its counts")
        for value in (t.auc.value, t.auc.low, t.auc.high):
            if value is not None and not 0 <= value <= 1:
                raise DataError(f"{site} released an AUC outside 0…1")
