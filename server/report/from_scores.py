"""A report from score tables, through the same summaries, sums and pooling as a federation's."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata

import numpy as np
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
from hepafed.common.statistics import (
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
    readers = tuple(sorted(table.readers))
    parts = _by_site(table)
    sums = {s: additive_of(p, threshold, readers) for s, p in parts.items()}
    summaries = {s: _summary(p, threshold, sums[s]) for s, p in parts.items()}
    digest = hashlib.sha256(np.ascontiguousarray(table.log_probs).tobytes()).hexdigest()
    point = OperatingPoint(threshold=threshold, rule="given", chosen_on="the command line")
    software = {p: metadata.version(p) for p in ("hepafed", "numpy", "scipy")}
    return pool(
        summaries,
        ModelPart(id=name, protocol="", sha256="", operating_point=point),
        Provenance(scores_sha256=digest, software=software),
        groups=[Group((s,), v, "plain") for s, v in sums.items()],
        exact=_summary(table, threshold, add(list(sums.values()))),
        compared=compare({name: table, **against}, threshold) if against else None,
        questions=questions,
        notes=[*_notes(table), *_unshared({name: table, **(against or {})})],
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


def _notes(table: ScoreTable) -> list[str]:
    """Return what a reader of the report should know about the table."""
    homes: dict[str, set[str]] = {}
    for patient, site in zip(table.patient.tolist(), table.site.tolist(), strict=True):
        homes.setdefault(patient, set()).add(site)
    several = sum(len(s) > 1 for s in homes.values())
    if not several:
        return []
    return [f"{several} patient ids occur at more than one site; each site's is its own patient."]
