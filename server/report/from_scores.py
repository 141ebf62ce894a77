"""A report from score tables, through the same summaries, sums and pooling as a federation's."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Protocol, TypeVar

import numpy as np
from hepafed.common.contract import CLASS_KEYS
from hepafed.common.contract.messages import SiteComparison, SiteSummary
from hepafed.common.disclosure import (
    EXACT,
    Paired,
    add_paired,
    common_rows,
    own_pairs,
    paired_of,
    subgroup_summaries,
    summarise,
)
from hepafed.common.errors import DataError
from hepafed.common.statistics import (
    ONE_SITE,
    Additive,
    ScoreTable,
    add,
    add_products,
    additive_of,
    curves_of,
    products_of,
    rows_of,
)
from hepafed.server.formats import ModelPart, OperatingPoint, Provenance, Report
from hepafed.server.pooling import Compared, Group, Questions, pool

TWO_CLASSES = ("benign", "malignant")


class _OfTask(Protocol):
    """What rows of a report have that are of one task."""

    @property
    def unit(self) -> str: ...
    @property
    def task(self) -> str: ...


R = TypeVar("R", bound=_OfTask)


def report_from_scores(
    table: ScoreTable,
    threshold: float,
    *,
    against: Mapping[str, ScoreTable] | None = None,
    name: str = "scores",
    questions: Questions | None = None,
) -> Report:
    """Return the report of a score table; each of its sites is summarised by itself, finely.

    `against` holds tables of other models on the same cohort, by name; every pair of models,
    `name` for the first, is compared on the lesions that all have scored.

    Raises
    ------
    DataError
        The tables share no lesion, or disagree on the truth of one.
    """
    tables = [table, *(against or {}).values()]
    if len({(t.two_classes, t.lesions, bool((t.site == ONE_SITE).all())) for t in tables}) > 1:
        raise DataError(
            "the score tables are not of the same kind: some have two classes and some three, or "
            "some have no column site or lesion_id",
            "write all of them with the same columns",
        )
    table = _with_calls(table)
    readers = tuple(sorted(table.readers))
    parts = _by_site(table)
    sums = {s: additive_of(p, threshold, readers) for s, p in parts.items()}
    summaries = {s: _summary(p, threshold, sums[s]) for s, p in parts.items()}
    digest = hashlib.sha256(np.ascontiguousarray(table.log_probs).tobytes()).hexdigest()
    point = OperatingPoint(threshold=threshold, rule="given", chosen_on="the command line")
    software = {p: metadata.version(p) for p in ("hepafed", "numpy", "scipy")}
    made = pool(
        summaries,
        ModelPart(id=name, protocol="", sha256="", operating_point=point),
        Provenance(scores_sha256=digest, software=software),
        groups=[Group((s,), v, "plain") for s, v in sums.items()],
        exact=_summary(table, threshold, add(list(sums.values()))),
        compared=compare({name: table, **against}, threshold) if against else None,
        questions=questions,
        notes=[*_notes(table), *_unshared({name: table, **(against or {})})],
    )
    made = _with_direction(made)
    return _of_two_classes(made, table.lesions) if table.two_classes else made


def _with_direction(report: Report) -> Report:
    """Add a note where the scores are clearly those of the opposite."""
    whole = next(r.auc for r in report.results if r.scope == "pooled" and r.unit == "patient")
    if whole.high is None or whole.high >= 0.5:
        return report
    told = (
        "The AUC is below 0.5: the benign cases have the higher scores. Is each column the "
        "probability that its name says, and does 1 mean malignant?"
    )
    return replace(report, notes=(*report.notes, told))


def _of_two_classes(report: Report, lesions: bool) -> Report:
    """Leave out what needs three classes, and of rows that are patients what needs lesions."""

    def kept(rows: Sequence[R]) -> tuple[R, ...]:
        tasks = {("patient", "malignant_vs_benign")}
        if lesions:
            tasks.add(("lesion", "benign_vs_rest"))
        return tuple(r for r in rows if (r.unit, r.task) in tasks)

    sites = [
        replace(s, by_class=dict.fromkeys(CLASS_KEYS) | {"benign": s.by_class["benign"]})
        for s in report.sites
    ]
    return replace(
        report,
        sites=tuple(sites),
        results=kept(report.results),
        confusion=(),
        multiclass=(),
        heterogeneity=kept(report.heterogeneity),
        calibration=kept(report.calibration),
        comparisons=kept(report.comparisons),
        subgroups=kept(report.subgroups),
        classes=TWO_CLASSES,
    )


def compare(models: Mapping[str, ScoreTable], threshold: float) -> Compared:
    """Compare models on the lesions that all tables hold, site by site, in two steps."""
    common, thresholds = common_rows(list(models.values())), [threshold] * len(models)
    by_site = [_by_site(t) for t in common]
    sites = {s: [parts[s] for parts in by_site] for s in by_site[0]}
    paired = {s: paired_of(tables, thresholds) for s, tables in sites.items()}
    whole = add_paired(list(paired.values()))
    curves = [curves_of(s, EXACT) for s in whole.sums]
    products = [products_of(tables, curves) for tables in sites.values()]
    return Compared(
        names=tuple(models),
        sites={s: _site_comparison(tables, paired[s]) for s, tables in sites.items()},
        paired=whole,
        products=add_products(products),
        absent={
            s: "no lesion that every table has"
            for t in models.values()
            for s in _by_site(t)
            if s not in sites
        },
    )


def _unshared(models: Mapping[str, ScoreTable]) -> list[str]:
    """Say for each table how many of its lesions are not compared, as not every table has them."""
    if len(models) < 2:
        return []
    shared = len(common_rows(list(models.values()))[0].truth)
    return [
        f"{len(t.truth) - shared:,} of {len(t.truth):,} lesions of {name} are not compared: another"
        " table lacks them."
        for name, t in models.items()
        if len(t.truth) > shared
    ]


def _site_comparison(tables: list[ScoreTable], paired: Paired) -> SiteComparison:
    patients, lesions = (int(n) for n in paired.sums[0].size)
    return SiteComparison(
        run="scores",
        weights=(),
        patients=patients,
        lesions=lesions,
        minimum_count=1,
        pairs=own_pairs(tables, paired, 1, calls=True),
        form="plain",
    )


def _by_site(table: ScoreTable) -> dict[str, ScoreTable]:
    return {s: rows_of(table, table.site == s) for s in sorted(set(table.site.tolist()))}


def _summary(part: ScoreTable, threshold: float, sums: Additive) -> SiteSummary:
    made = summarise(
        part,
        run="scores",
        model="scores",
        weights="",
        threshold=threshold,
        minimum_count=1,
        sums=sums,
    )
    return replace(made, subgroups=subgroup_summaries(part, tuple(part.groups), threshold, 1))


def _with_calls(table: ScoreTable) -> ScoreTable:
    """Leave out readers without a single call: nothing can be said of them."""
    return replace(table, readers={n: c for n, c in table.readers.items() if (c >= 0).any()})


def _notes(table: ScoreTable) -> list[str]:
    """Return what a reader of the report should know about the table."""
    found = list(table.notes)
    if table.two_classes:
        found.append("The table has two classes, benign and malignant.")
    homes: dict[str, set[str]] = {}
    for patient, site in zip(table.patient.tolist(), table.site.tolist(), strict=True):
        homes.setdefault(patient, set()).add(site)
    several = sum(len(s) > 1 for s in homes.values())
    if several:
        found.append(
            f"{several} patient ids occur at more than one site; each site's is its own patient."
        )
    return found
