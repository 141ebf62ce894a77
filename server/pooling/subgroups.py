"""The rows of `subgroups`: each level of a variable, pooled over sites, and by site.

Counts add up. AUCs are pooled as the heterogeneity table does, random effects on the logit over
the sites' exact AUCs: pooled histograms would need fine counts of small groups to leave the sites.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hepafed.common.contract import EVERY, Figure, SubgroupSummary, in_order
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure import POOLED_ONLY, TASK, TELLING, UNIT, WITHHELD
from hepafed.common.statistics import Z, logistic
from hepafed.server.formats import (
    AucEstimate,
    CoveringInterval,
    RateEstimate,
    SubgroupRow,
    SuppressedPart,
)
from hepafed.server.pooling.estimates import auc_estimate, ends_of_few, rate_estimate
from hepafed.server.pooling.heterogeneity import has_interval, random_effects

Key = tuple[str, str]
NO_AUC = "no site has an AUC between 0 and 1 with an interval in this level"


def subgroup_rows(
    summaries: Mapping[str, SiteSummary], exact: SiteSummary | None = None
) -> list[SubgroupRow]:
    """Return the rows, each level pooled first; `exact` is of the whole cohort if it is at hand."""
    found: dict[Key, dict[str, SubgroupSummary]] = {}
    for site, summary in summaries.items():
        for g in summary.subgroups:
            found.setdefault((g.variable, g.level), {})[site] = g
    own = {(g.variable, g.level): g for g in exact.subgroups} if exact is not None else {}
    rows = []
    for variable, level in _ordered(k for k in found if k[1] != EVERY):
        key = variable, level
        silent = list(found.get((variable, EVERY), ()))
        rows.append(_pooled(key, found[key], silent, own.get(key)))
        rows += [_row("site", s, key, [g], _site_auc(g)) for s, g in found[key].items()]
    return rows


def withheld_rows(summaries: Mapping[str, SiteSummary]) -> list[SuppressedPart]:
    """Return the entries of `suppressed`; they do not tell a small level from one that hides it."""
    rows = []
    for site, summary in summaries.items():
        for g in summary.subgroups:
            if (what := _gone(g)) != "":
                rows.append(
                    SuppressedPart(
                        site=site,
                        what=f"subgroup {g.variable} {g.level}: {what}",
                        variable=g.variable,
                        level=g.level,
                        reason=POOLED_ONLY if g.auc.reason == POOLED_ONLY else WITHHELD,
                    )
                )
    return rows


def _gone(g: SubgroupSummary) -> str:
    if g.positives is None or g.negatives is None:
        return "all of it"
    if g.auc.reason == POOLED_ONLY:
        return "calls and AUC"
    parts = {
        "calls of malignant": g.true_positives is None,
        "calls of benign": g.true_negatives is None,
        "AUC": g.auc.reason == TELLING,
    }
    return ", ".join(name for name, gone in parts.items() if gone)


def _ordered(keys: Iterable[Key]) -> list[Key]:
    levels: dict[str, list[str]] = {}
    for variable, level in keys:
        levels.setdefault(variable, []).append(level)
    return [(v, level) for v, found in levels.items() for level in in_order(found)]


def _pooled(
    key: Key,
    by_site: Mapping[str, SubgroupSummary],
    silent: list[str],
    own: SubgroupSummary | None,
) -> SubgroupRow:
    """Pool a level; `silent` are sites that name no level of the variable."""
    known = {s: g for s, g in by_site.items() if g.positives is not None}
    auc = _site_auc(own) if own is not None else _pooled_auc(list(known.values()))
    made = _row("pooled", None, key, list(known.values()), auc)
    gone = sorted([*silent, *(s for s in by_site if s not in known)])
    return replace(made, released_by=tuple(known), withheld_by=tuple(gone))


def _row(
    scope: str, site: str | None, key: Key, parts: list[SubgroupSummary], auc: AucEstimate
) -> SubgroupRow:
    counts = [(g.positives, g.negatives) for g in parts]
    beside = any(g.auc.reason == POOLED_ONLY for g in parts)
    why = POOLED_ONLY if beside else WITHHELD
    p, n = (_total(c) for c in zip(*counts, strict=True)) if counts else (None, None)
    return SubgroupRow(
        scope=scope,
        site=site,
        unit=UNIT,
        task=TASK,
        variable=key[0],
        level=key[1],
        n=None if p is None or n is None else p + n,
        positives=p,
        auc=auc,
        sensitivity=_rate([(g.true_positives, g.positives) for g in parts], why),
        specificity=_rate([(g.true_negatives, g.negatives) for g in parts], why),
    )


def _total(counts: Iterable[int | None]) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if known else None


def _rate(parts: list[tuple[int | None, int | None]], why: str) -> RateEstimate:
    """Add up the sites whose calls are there; a site's denominator counts with its numerator."""
    known = [(k, n) for k, n in parts if k is not None and n is not None]
    if not known:
        return rate_estimate(None, None, why)
    return rate_estimate(sum(k for k, _ in known), sum(n for _, n in known))


def _site_auc(g: SubgroupSummary) -> AucEstimate:
    return auc_estimate(g.auc, "delong", adjusted=_ends(g))


def _ends(g: SubgroupSummary) -> tuple[float, float] | None:
    """Return the ends that cover; None where the level's counts are withheld."""
    if g.positives is None or g.negatives is None:
        return None
    return ends_of_few(g.auc, g.positives, g.negatives)


def _pooled_auc(parts: list[SubgroupSummary]) -> AucEstimate:
    usable = [(g.auc.value or 0.0, g.auc.se or 0.0) for g in parts if has_interval(g.auc)]
    if not parts:
        return auc_estimate(Figure(reason=WITHHELD), "random effects")
    if not usable:
        beside = any(g.auc.reason == POOLED_ONLY for g in parts)
        return auc_estimate(Figure(reason=POOLED_ONLY if beside else NO_AUC), "random effects")
    whole = random_effects(usable)
    if whole is None:
        (g,) = [g for g in parts if (g.auc.value, g.auc.se) == usable[0]]
        method = "delong, of the one site that has an interval"
        return auc_estimate(g.auc, method, adjusted=_ends(g))
    ends = (whole.mean + side * Z * whole.se for side in (0, -1, 1))
    value, low, high = (logistic(x) for x in ends)
    made = auc_estimate(
        Figure(value=value, low=low, high=high), f"random effects over {len(usable)} sites"
    )
    low, high = (logistic(x) for x in whole.ends)
    chosen = CoveringInterval(low=low, high=high, method=whole.interval_method, decides=True)
    return replace(made, covering=chosen)
