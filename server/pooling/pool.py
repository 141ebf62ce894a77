"""The whole report from what each site released (schema hepafed.report/1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hepafed.common.contract import Figure, TaskSummary
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.statistics import (
    TASK_ORDER,
    Estimate,
    Intervals,
    Products,
    auc_from_intervals,
)
from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    CalibrationRow,
    ClusteredInterval,
    FormRow,
    HeterogeneityRow,
    ModelPart,
    Provenance,
    Report,
    ResultRow,
    SiteRow,
    SuppressedPart,
)
from hepafed.server.pooling.caution import as_patients
from hepafed.server.pooling.comparisons import Compared, as_in_results, comparison_rows
from hepafed.server.pooling.drift import drift_rows
from hepafed.server.pooling.estimates import (
    auc_estimate,
    auc_figure,
    brief_auc,
    clustered_interval,
    settled,
)
from hepafed.server.pooling.evidence import (
    Evidence,
    Group,
    evidence,
    figure_cells,
    task_of,
)
from hepafed.server.pooling.heterogeneity import heterogeneity, site_mean
from hepafed.server.pooling.joining import readers_judged
from hepafed.server.pooling.multiclass import (
    NOT_ASKED,
    confusion_row,
    macro_row,
    multiclass_row,
    no_mean,
    own_means,
    pooled_means,
)
from hepafed.server.pooling.readers import agreement_rows, reader_rows
from hepafed.server.pooling.reliability import calibration_row
from hepafed.server.pooling.results import pooled_row, site_row
from hepafed.server.pooling.subgroups import subgroup_rows, withheld_rows

Question = tuple[str, str]
LARGEST_LEAVE_OUT = 20
"""Sites up to which the pooled AUC is also computed without each one."""
NO_MEAN = "no interval is computed"


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Questions that the evaluator stated beforehand, and what the figures are held against."""

    margin: float | None = None
    """Non-inferiority to readers: how much lower may the model's sensitivity or specificity be."""
    model_margins: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """By (other model, unit, task): how much lower may the model's AUC be."""
    prevalences: tuple[float, ...] = ()
    """Shares of malignant patients at which PPV and NPV are given."""
    reference: Mapping[tuple[str, str], Intervals] = field(default_factory=dict)
    """By (unit, task), the scores of the tuning data, for the drift check."""


@dataclass(frozen=True)
class _Scope:
    """Scope: all sites, or one of them."""

    site: str | None
    known: Evidence
    tasks: dict[Question, TaskSummary]

    @property
    def name(self) -> str:
        return "pooled" if self.site is None else "site"


def pool(
    summaries: Mapping[str, SiteSummary],
    model: ModelPart,
    provenance: Provenance,
    *,
    groups: Sequence[Group] = (),
    products: Products | None = None,
    exact: SiteSummary | None = None,
    compared: Compared | None = None,
    questions: Questions | None = None,
    notes: Sequence[str] = (),
) -> Report:
    """Return the report of the summaries of each site and the sums of those in `groups`.

    `products` is the sum of step 2 over *all* sites, or None. `exact` is the summary of the whole
    cohort where its score table is at hand: its figures then replace those from bins.
    """
    asked = questions or Questions()
    whole = evidence(summaries, groups)
    sites = [
        _Scope(s, evidence({s: v}, figures=TASK_ORDER), _tasks(v)) for s, v in summaries.items()
    ]
    scopes = [_Scope(None, whole, {} if exact is None else _tasks(exact)), *sites]
    single, means = pooled_means(whole, products)
    means = means if exact is None else own_means(exact)
    site_means = {s: own_means(v) for s, v in summaries.items()}
    results = _results(summaries, scopes, products is not None, single, asked.prevalences)
    results += _macro_rows(summaries, means, site_means)
    pairs = comparison_rows(compared, asked.model_margins, summaries)
    patients = _totals(_by_site(summaries, *TASK_ORDER[0]))
    return Report(
        model=model,
        sites=tuple(_site_row(s, v) for s, v in summaries.items()),
        results=tuple(results),
        confusion=tuple(confusion_row(s.site, s.known) for s in sites),
        multiclass=tuple(
            multiclass_row(s.name, None, whole, means)
            if s.site is None
            else multiclass_row(
                s.name, s.site, s.known, site_means[s.site], summaries[s.site].figures
            )
            for s in scopes
        ),
        heterogeneity=tuple(_heterogeneity(summaries, groups)),
        readers=tuple(readers_judged(reader_rows(whole, asked.margin), patients)),
        reader_agreement=tuple(agreement_rows(whole)),
        calibration=tuple(_calibration(scopes, summaries)),
        comparisons=tuple(as_in_results(pairs, results, model.id)),
        drift=tuple(drift_rows({s.site: s.known for s in scopes}, asked.reference)),
        subgroups=tuple(subgroup_rows(summaries, exact)),
        suppressed=_suppressed(summaries, compared),
        forms=_forms(summaries, groups),
        notes=tuple(notes),
        provenance=provenance,
    )


def _site_row(site: str, v: SiteSummary) -> SiteRow:
    return SiteRow(
        site=site,
        patients=v.patients,
        lesions=v.lesions,
        by_class=dict(v.by_class),
        origin=v.origin,
    )


def _tasks(summary: SiteSummary) -> dict[Question, TaskSummary]:
    return {(t.unit, t.task): t for t in summary.tasks}


def _by_site(summaries: Mapping[str, SiteSummary], unit: str, task: str) -> dict[str, TaskSummary]:
    return {s: t for s, v in summaries.items() if (t := task_of(v, unit, task))}


def _results(
    summaries: Mapping[str, SiteSummary],
    scopes: Sequence[_Scope],
    placed: bool,
    single: Mapping[str, Estimate | None],
    prevalences: Sequence[float],
) -> list[ResultRow]:
    """Return the rows of the binary tasks; `single` holds the clustered intervals by task."""
    whole, *sites = scopes
    results = []
    for i, (unit, task) in enumerate(TASK_ORDER):
        by_site = _by_site(summaries, unit, task)
        own = whole.tasks.get((unit, task))
        pooled = pooled_row(i, whole.known, _totals(by_site), prevalences, own)
        if unit == "lesion" and pooled.auc.value is not None and own is None:
            clustered = _clustered(single.get(task), placed)
            auc = replace(pooled.auc, clustered=clustered, covering=None)
            size = [sum(v.patients for v in summaries.values()), sum(_lesions(summaries))]
            cases = as_patients(unit, _totals(by_site), size)
            pooled = replace(pooled, auc=settled(auc, cases))
        results.append(pooled)
        results += [
            site_row(s.site or "", i, s.known, s.tasks[unit, task], prevalences)
            for s in sites
            if (unit, task) in s.tasks
        ]
        results.append(site_mean(unit, task, by_site))
    return results


def _heterogeneity(
    summaries: Mapping[str, SiteSummary], groups: Sequence[Group]
) -> list[HeterogeneityRow]:
    return [
        heterogeneity(
            unit,
            task,
            _by_site(summaries, unit, task),
            _without_each(unit, task, summaries, groups) if i == 0 else {},
        )
        for i, (unit, task) in enumerate(TASK_ORDER)
    ]


def _lesions(summaries: Mapping[str, SiteSummary]) -> list[int]:
    return [v.lesions for v in summaries.values()]


def _suppressed(
    summaries: Mapping[str, SiteSummary], compared: Compared | None
) -> tuple[SuppressedPart, ...]:
    found = compared.sites if compared is not None else {}
    return (
        *(SuppressedPart(site=s, what=w) for s, v in summaries.items() for w in v.suppressed),
        *withheld_rows(summaries),
        *(
            SuppressedPart(site=s, what="crossed calls of the compared models")
            for s, v in found.items()
            if any(p.calls is None for p in v.pairs) and v.form != "masked"
        ),
    )


def _totals(by_site: Mapping[str, TaskSummary]) -> tuple[int, int]:
    return sum(t.positives for t in by_site.values()), sum(t.negatives for t in by_site.values())


def _clustered(found: Estimate | None, placed: bool) -> ClusteredInterval:
    if not placed:
        return ClusteredInterval(low=None, high=None, reason=NOT_ASKED)
    return clustered_interval(found, found.adjusted if found else None)


def _macro_rows(
    summaries: Mapping[str, SiteSummary],
    means: Mapping[str, AucEstimate],
    site_means: Mapping[str, Mapping[str, AucEstimate]],
) -> list[ResultRow]:
    lesions = sum(_lesions(summaries))
    rows = [macro_row("pooled", None, lesions, means["macro"])]
    rows += [macro_row("site", s, v.lesions, site_means[s]["macro"]) for s, v in summaries.items()]
    known = [v for m in site_means.values() if (v := m["macro"].value) is not None]
    figure = Figure(reason=no_mean(m["macro"].reason for m in site_means.values()))
    if known:
        figure = Figure(value=sum(known) / len(known), reason=_of_sites(len(known)))
    return [*rows, macro_row("site-mean", None, lesions, auc_estimate(figure, "mean of sites"))]


def _of_sites(n: int) -> str:
    return f"mean of the {f'{n} sites' if n > 1 else 'one site'} with every class: {NO_MEAN}"


def _without_each(
    unit: str, task: str, summaries: Mapping[str, SiteSummary], groups: Sequence[Group]
) -> dict[str, BriefAuc]:
    """Pool anew without each site; a site under masks cannot be taken out of the sum."""
    if not 2 <= len(summaries) <= LARGEST_LEAVE_OUT:
        return {}
    made: dict[str, BriefAuc] = {}
    masked = {s for g in groups if len(g.sites) > 1 for s in g.sites}
    for site in summaries:
        if site in masked:
            made[site] = brief_auc(Figure(reason="the site is part of a masked sum"))
            continue
        rest = {s: v for s, v in summaries.items() if s != site}
        cells = figure_cells((unit, task), rest, [g for g in groups if site not in g.sites])
        if isinstance(cells, str):
            made[site] = brief_auc(Figure(reason=cells))
            continue
        found = auc_from_intervals(cells)
        made[site] = brief_auc(auc_figure(found), found.adjusted if found else None)
    return made


def _calibration(
    scopes: Sequence[_Scope], summaries: Mapping[str, SiteSummary]
) -> list[CalibrationRow]:
    rows: list[CalibrationRow] = []
    for i, (unit, task) in enumerate(TASK_ORDER):
        by_site = _by_site(summaries, unit, task)
        for s in scopes:
            own = s.tasks.get((unit, task))
            totals = _totals(by_site) if s.site is None else _totals({"": own} if own else {})
            fitted = None if s.site is None and own is None else (own.figures if own else {})
            rows.append(calibration_row(s.name, s.site, i, s.known, totals, fitted))
    return rows


def _forms(summaries: Mapping[str, SiteSummary], groups: Sequence[Group]) -> tuple[FormRow, ...]:
    forms = {s: g.form for g in groups for s in g.sites}
    return tuple(FormRow(site=s, form=forms.get(s, "cells")) for s in summaries)
