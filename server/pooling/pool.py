"""The whole report from what each site released (schema hepafed.report/1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hepafed.common.contract import Figure, SiteSummary, TaskSummary
from hepafed.common.statistics import MEANS, TASK_ORDER, Intervals, Products, auc_from_intervals
from hepafed.server.pooling.comparisons import Compared, comparison_rows
from hepafed.server.pooling.drift import drift_rows
from hepafed.server.pooling.estimates import auc_figure, auc_json
from hepafed.server.pooling.evidence import (
    SUPPRESSED,
    Evidence,
    Group,
    evidence,
    figure_cells,
    task_of,
)
from hepafed.server.pooling.heterogeneity import heterogeneity, site_mean
from hepafed.server.pooling.multiclass import NOT_ASKED, macro_row, multiclass_row, pooled_means
from hepafed.server.pooling.readers import agreement_rows, reader_rows
from hepafed.server.pooling.reliability import calibration_row
from hepafed.server.pooling.results import clustered_json, pooled_row, site_row
from hepafed.server.pooling.subgroups import subgroup_rows, withheld_rows

Row = dict[str, Any]
LARGEST_LEAVE_OUT = 20
"""Sites up to which the pooled AUC is also computed without each one."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What the evaluator stated beforehand, and what else the figures are held against."""

    margin: float | None = None
    """Non-inferiority to readers: how much lower may the model's sensitivity or specificity be."""
    model_margins: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """By (other model, unit, task): how much lower may the model's AUC be."""
    prevalences: tuple[float, ...] = ()
    """At which PPV and NPV are given."""
    reference: Mapping[tuple[str, str], Intervals] = field(default_factory=dict)
    """By (unit, task), the scores of the tuning data, for the drift check."""


@dataclass(frozen=True)
class _Scope:
    site: str | None
    known: Evidence
    tasks: dict[tuple[str, str], TaskSummary]

    @property
    def name(self) -> str:
        return "pooled" if self.site is None else "site"


def pool(
    summaries: Mapping[str, SiteSummary],
    model: dict[str, Any],
    provenance: dict[str, Any],
    *,
    groups: Sequence[Group] = (),
    products: Products | None = None,
    exact: SiteSummary | None = None,
    compared: Compared | None = None,
    questions: Questions | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Make the report from the summaries of each site and the sums of those in `groups`.

    `products` is the sum of step 2 over *all* sites (`common/clusters.py`), or None. `exact` is
    the summary of the whole cohort where its score table is at hand (a re-analysis): its figures
    then stand in place of those from bins.
    """
    asked = questions or Questions()
    whole = evidence(summaries, groups)
    sites = [
        _Scope(s, evidence({s: v}, figures=TASK_ORDER), {(t.unit, t.task): t for t in v.tasks})
        for s, v in summaries.items()
    ]
    single, means = pooled_means(whole, products)
    if exact is not None:
        means = _own_means(exact)
    results, uneven = [], []
    for i, (unit, task) in enumerate(TASK_ORDER):
        by_site = {s: t for s, v in summaries.items() if (t := task_of(v, unit, task))}
        totals = _totals(by_site)
        own = task_of(exact, unit, task) if exact is not None else None
        pooled = pooled_row(i, whole, totals, asked.prevalences, own)
        if unit == "lesion" and pooled["auc"]["value"] is not None and own is None:
            pooled["auc"]["clustered"] = _clustered(single.get(task), products)
        results.append(pooled)
        results += [
            site_row(s.site or "", i, s.known, s.tasks[unit, task], asked.prevalences)
            for s in sites
            if (unit, task) in s.tasks
        ]
        results.append(site_mean(unit, task, by_site))
        without = _without_each(unit, task, summaries, groups) if i == 0 else {}
        uneven.append(heterogeneity(unit, task, by_site, without))
    site_means = {s: _own_means(v) for s, v in summaries.items()}
    lesions = sum(v.lesions for v in summaries.values())
    results += _macro_rows(summaries, means, site_means, lesions)
    tasks = {(t.unit, t.task): t for t in exact.tasks} if exact is not None else {}
    scopes = [_Scope(None, whole, tasks), *sites]
    return {
        "schema": "hepafed.report/1",
        "model": model,
        "sites": [
            {"site": s, "patients": v.patients, "lesions": v.lesions, "by_class": dict(v.by_class)}
            for s, v in summaries.items()
        ],
        "results": results,
        "confusion": [_confusion(s) for s in sites],
        "multiclass": [
            multiclass_row(s.name, s.site, s.known, means if s.site is None else site_means[s.site])
            for s in scopes
        ],
        "heterogeneity": uneven,
        "readers": reader_rows(whole, asked.margin),
        "reader_agreement": agreement_rows(whole),
        "calibration": _calibration(scopes, summaries),
        "comparisons": comparison_rows(compared, asked.model_margins),
        "drift": drift_rows({s.site: s.known for s in scopes}, asked.reference),
        "subgroups": subgroup_rows(summaries, exact),
        "suppressed": [
            *({"site": s, "what": w} for s, v in summaries.items() for w in v.suppressed),
            *withheld_rows(summaries),
            *_withheld_calls(compared),
        ],
        "forms": _forms(summaries, groups),
        "notes": list(notes),
        "provenance": provenance,
    }


def _withheld_calls(compared: Compared | None) -> list[Row]:
    found = compared.sites if compared is not None else {}
    return [
        {"site": s, "what": "crossed calls of the compared models"}
        for s, v in found.items()
        if any(p.calls is None for p in v.pairs) and v.form != "masked"
    ]


def _own_means(summary: SiteSummary) -> dict[str, Row]:
    """Give the means over classes as a summary states them."""
    gone = Figure(reason=SUPPRESSED)
    return {n: auc_json(summary.figures.get(n, gone), f"{n}, clustered by patient") for n in MEANS}


def _totals(by_site: Mapping[str, TaskSummary]) -> tuple[int, int]:
    tasks = by_site.values()
    return sum(t.positives for t in tasks), sum(t.negatives for t in tasks)


def _clustered(found: Any, products: Products | None) -> Row:  # noqa: ANN401
    if products is None:
        return clustered_json(None, None, None) | {"reason": NOT_ASKED}
    if found is None:
        return clustered_json(None, None, None)
    return clustered_json(found.low, found.high, found.se, found.adjusted)


def _macro_rows(
    summaries: Mapping[str, SiteSummary],
    means: dict[str, Row],
    site_means: dict[str, dict[str, Row]],
    lesions: int,
) -> list[Row]:
    rows = [macro_row("pooled", None, lesions, means["macro"])]
    rows += [macro_row("site", s, v.lesions, site_means[s]["macro"]) for s, v in summaries.items()]
    values = [m["macro"]["value"] for m in site_means.values()]
    known = [v for v in values if v is not None]
    figure = Figure(reason="no site has every class")
    if known:
        figure = Figure(
            value=sum(known) / len(known), reason=f"mean of the {len(known)} sites with every class"
        )
    return [*rows, macro_row("site-mean", None, lesions, auc_json(figure, "mean of sites"))]


def _without_each(
    unit: str, task: str, summaries: Mapping[str, SiteSummary], groups: Sequence[Group]
) -> dict[str, Row]:
    """Pool anew without each site; a site under masks cannot be taken out of the sum."""
    if not 2 <= len(summaries) <= LARGEST_LEAVE_OUT:
        return {}
    made: dict[str, Row] = {}
    masked = {s for g in groups if len(g.sites) > 1 for s in g.sites}
    for site in summaries:
        if site in masked:
            why = "the site is part of a masked sum"
            made[site] = {"value": None, "low": None, "high": None, "reason": why}
            continue
        rest = {s: v for s, v in summaries.items() if s != site}
        others = [g for g in groups if site not in g.sites]
        cells = figure_cells((unit, task), rest, others)
        figure = (
            Figure(reason=cells)
            if isinstance(cells, str)
            else auc_figure(auc_from_intervals(cells))
        )
        made[site] = {"value": figure.value, "low": figure.low, "high": figure.high}
        if figure.reason:
            made[site]["reason"] = figure.reason
    return made


def _calibration(scopes: Sequence[_Scope], summaries: Mapping[str, SiteSummary]) -> list[Row]:
    rows = []
    for i, (unit, task) in enumerate(TASK_ORDER):
        by_site = {s: t for s, v in summaries.items() if (t := task_of(v, unit, task))}
        for s in scopes:
            own = s.tasks.get((unit, task))
            totals = _totals(by_site) if s.site is None else _totals({"": own} if own else {})
            fitted = None if s.site is None and own is None else (own.figures if own else {})
            rows.append(calibration_row(s.name, s.site, i, s.known, totals, fitted))
    return rows


def _confusion(scope: _Scope) -> Row:
    table = scope.known.section("confusion")
    counts = None if table is None else table.tolist()
    return {"site": scope.site, "counts": counts, "reason": scope.known.reason("confusion")}


def _forms(summaries: Mapping[str, SiteSummary], groups: Sequence[Group]) -> list[Row]:
    forms = {s: g.form for g in groups for s in g.sites}
    return [{"site": s, "form": forms.get(s, "cells")} for s in summaries]
