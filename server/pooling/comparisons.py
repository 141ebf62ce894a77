"""Models compared on the same cohort: paired DeLong, McNemar, Holm, non-inferiority."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from hepafed.common.contract import Figure, PairSummary
from hepafed.common.contract.messages import SiteComparison, SiteSummary
from hepafed.common.disclosure import Paired, pair_summaries, right_alone
from hepafed.common.statistics import Products, Z, clustered_mcnemar, holm, logistic, mcnemar
from hepafed.server.formats import (
    ComparisonRow,
    CoveringInterval,
    McNemarResult,
    NonInferiority,
    ResultRow,
)
from hepafed.server.pooling.caution import with_caution
from hepafed.server.pooling.estimates import LEAST, brief_auc, ends_of, interval_estimate
from hepafed.server.pooling.heterogeneity import combined, has_interval, random_effects
from hepafed.server.pooling.joining import Lost, too_few
from scipy.stats import norm

NO_SITE = "no site has an interval"
NOT_HERE = "withheld: released pooled only, or too few cases"
SAME = "the difference has no variance: nothing can be decided"
PLAIN_DIFFERENCE = "plain interval: it covers too rarely where an AUC is high or few are compared"
NOT_BY_ALL = "withheld by a site"
PAIRED = "paired DeLong"
OF_ALL = f"{PAIRED}, cases of all sites"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Everything that the sites released of a comparison."""

    names: tuple[str, ...]
    """Ids of the models, the validated one first."""
    sites: Mapping[str, SiteComparison]
    paired: Paired | None = None
    """Sum over all of `sites`, where each released paired counts."""
    products: Products | None = None
    """Sums of products of all models' figures, with the curves of `paired.sums`."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Sites of the report that are not in the comparison, with the reason."""


def comparison_rows(
    compared: Compared | None,
    margins: Mapping[tuple[str, str, str], float],
    summaries: Mapping[str, SiteSummary] | None = None,
) -> list[ComparisonRow]:
    """Return `comparisons`, each pooled first; p values are adjusted (Holm) over pairs of models.

    `margins`, by (other model, unit, task), are those by which the validated model may be worse.
    `summaries` are those of the report: what a comparison lost of their cases is counted.
    """
    if compared is None or not compared.sites:
        return []
    by_site = {s: list(v.pairs) for s, v in compared.sites.items()}
    rows = []
    for i, found in enumerate(_pooled_pairs(compared, by_site)):
        pairs = {s: p[i] for s, p in by_site.items()}
        known = Lost(summaries or {}, pairs, {**compared.absent, **found.left_out})
        pooled = _row(compared.names, None, found, margins, known)
        rows.append(replace(pooled, sites=tuple(by_site), absent=tuple(sorted(compared.absent))))
        rows += [
            _row(compared.names, s, _Found(p, PAIRED), margins, known) for s, p in pairs.items()
        ]
    return _adjusted(with_caution(rows, summaries or {}))


def as_in_results(
    rows: Sequence[ComparisonRow], results: Sequence[ResultRow], model: str
) -> list[ComparisonRow]:
    """Give the model's AUC of a comparison the interval that `results` has of the same AUC.

    Both are right; a report has one interval for one figure. A mean of sites is another figure.
    """
    known = {(r.scope, r.site, r.unit, r.task): r for r in results}
    made = []
    for row in rows:
        own, first = known.get((row.scope, row.site, row.unit, row.task)), row.auc_first
        alone = row.first == model and row.method in (PAIRED, OF_ALL)
        if alone and own and own.n == row.n and own.auc.covering and first.covering:
            apart = abs((own.auc.value or 0.0) - (first.value or 0.0))
            if apart <= own.auc.binning_error + row.binning_error + LEAST:
                row = replace(row, auc_first=replace(first, covering=own.auc.covering))
        made.append(row)
    return made


@dataclass(frozen=True)
class _Found:
    """A pair of models in one scope, and how its difference was made."""

    pair: PairSummary
    method: str
    p: float | None = None
    """P value, where it is not that of the difference over its standard error."""
    covering: str = "square-and-add of both covering intervals"
    """How the covering interval of the difference was made."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Sites that are not in the difference, with the reason."""


def _pooled_pairs(compared: Compared, by_site: Mapping[str, list[PairSummary]]) -> list[_Found]:
    """Return each pair of models pooled, and how: over all cases, or over the sites' figures."""
    if compared.paired is not None:
        whole = pair_summaries(compared.paired, compared.products)
        return [_Found(pair, OF_ALL) for pair in whole]
    return [
        _combined(dict(zip(by_site, parts, strict=True)))
        for parts in zip(*by_site.values(), strict=True)
    ]


def _adjusted(rows: list[ComparisonRow]) -> list[ComparisonRow]:
    """Adjust both p values over the pairs of models of one site (or all), unit and task."""
    delong = _holm([(r.site, r.unit, r.task) for r in rows], [r.p for r in rows])
    calls = _holm([(r.site, r.unit, r.task) for r in rows], [r.mcnemar.p for r in rows])
    return [
        replace(r, p_holm=p, mcnemar=replace(r.mcnemar, p_holm=q))
        for r, p, q in zip(rows, delong, calls, strict=True)
    ]


def _holm(
    families: Sequence[tuple[str | None, str, str]], values: Sequence[float | None]
) -> list[float | None]:
    """Return the p values adjusted within each family; None stays None."""
    members: dict[tuple[str | None, str, str], list[int]] = defaultdict(list)
    for i, (family, p) in enumerate(zip(families, values, strict=True)):
        if p is not None:
            members[family].append(i)
    made: list[float | None] = [None] * len(values)
    for tested in members.values():
        found = [p for i in tested if (p := values[i]) is not None]
        for i, p in zip(tested, holm(found), strict=True):
            made[i] = p
    return made


def _combined(by_site: Mapping[str, PairSummary]) -> _Found:
    """Pool the sites' own comparisons: random effects on differences and on logit AUCs."""
    parts = list(by_site.values())
    usable = {s: p.difference for s, p in by_site.items() if (p.difference.se or 0.0) > LEAST}
    gone = {s: p.difference.reason for s, p in by_site.items() if s not in usable}
    left_out = {s: why or "its difference has no variance" for s, why in gone.items()}
    points = [(g.value or 0.0, (g.se or 0.0) ** 2) for g in usable.values()]
    covering, how, p = None, _Found.covering, None
    if (effects := combined(points)) is not None:
        gain = _within(effects.mean, Z * effects.se, effects.se)
        method = f"{PAIRED}, random effects over {len(usable)} sites"
        covering, how, p = _within(effects.mean, effects.half), effects.interval_method, effects.p
    elif usable:
        ((site, gain),) = usable.items()
        covering = by_site[site].covering
        method = f"{PAIRED}, of {site}, the one site that has an interval"
    elif all(p.difference.value == 0 for p in parts):
        gain, method = parts[0].difference, f"{PAIRED}, the same at every site"
    else:
        gain, method = Figure(reason=NO_SITE), f"{PAIRED}, at no site"
    counts = [p.calls for p in parts if p.calls is not None]
    calls = np.sum(counts, axis=0).tolist() if len(counts) == len(parts) else None
    known = [p.discordant for p in parts if p.discordant is not None]
    fallen = np.sum(known, axis=0).tolist() if len(known) == len(parts) else None
    pair = replace(
        parts[0],
        positives=sum(p.positives for p in parts),
        negatives=sum(p.negatives for p in parts),
        auc_first=_auc([p.auc_first for p in parts]),
        auc_second=_auc([p.auc_second for p in parts]),
        difference=gain,
        calls=None if calls is None else tuple(calls),
        discordant=None if fallen is None else tuple(fallen),
        bound=max(p.bound for p in parts),
        covering=covering,
        covering_first=_auc_covering([p.auc_first for p in parts]),
        covering_second=_auc_covering([p.auc_second for p in parts]),
    )
    return _Found(pair, method, p, how, left_out)


def _within(value: float, half: float, se: float | None = None) -> Figure:
    return Figure(value=value, low=max(-1.0, value - half), high=min(1.0, value + half), se=se)


def _auc(figures: Sequence[Figure]) -> Figure:
    usable = [f for f in figures if has_interval(f)]
    whole = random_effects([(f.value or 0.0, f.se or 0.0) for f in usable])
    if whole is None:
        return usable[0] if usable else Figure(reason=figures[0].reason or NO_SITE)
    value, low, high = (logistic(whole.mean + side * Z * whole.se) for side in (0, -1, 1))
    return Figure(value=value, low=low, high=high)


def _auc_covering(figures: Sequence[Figure]) -> Figure | None:
    """Return the interval of the mean that is printed; None for one site or none."""
    usable = [(f.value or 0.0, f.se or 0.0) for f in figures if has_interval(f)]
    whole = random_effects(usable)
    if whole is None:
        return None
    value, low, high = (logistic(x) for x in (whole.mean, *whole.ends))
    return Figure(value=value, low=low, high=high)


def _row(
    names: Sequence[str],
    site: str | None,
    found: _Found,
    margins: Mapping[tuple[str, str, str], float],
    known: Lost,
) -> ComparisonRow:
    p = found.pair
    p_value, reason = _tested(p.difference, found.p)
    margin = margins.get((names[p.second], p.unit, p.task)) if p.first == 0 else None
    covering = _covering(p, found.covering)
    return ComparisonRow(
        scope="pooled" if site is None else "site",
        site=site,
        first=names[p.first],
        second=names[p.second],
        unit=p.unit,
        task=p.task,
        n=p.positives + p.negatives,
        positives=p.positives,
        auc_first=brief_auc(p.auc_first, ends_of(p.covering_first)),
        auc_second=brief_auc(p.auc_second, ends_of(p.covering_second)),
        difference=interval_estimate(p.difference),
        covering=covering,
        binning_error=p.bound,
        method=found.method,
        p=p_value,
        p_holm=None,
        non_inferiority=_held(p, margin, covering, too_few(known.share(site, p))),
        reason=reason,
        mcnemar=mcnemar_result(p, pooled=site is None),
        of=known.of(site, p),
        lost=known.rows(site, p),
    )


def _covering(p: PairSummary, method: str) -> CoveringInterval | None:
    """Return the interval of a difference that is judged; one of width zero decides nothing."""
    gain = p.difference
    if gain.value is None:
        return None
    own = p.covering if p.covering is not None else gain
    if own.low is None or own.high is None or own.low == own.high:
        why = own.reason or SAME
        return CoveringInterval(low=None, high=None, method="", decides=False, warning=why)
    warning, how = ("", method) if p.covering is not None else (PLAIN_DIFFERENCE, PAIRED)
    return CoveringInterval(low=own.low, high=own.high, method=how, decides=True, warning=warning)


def _tested(gain: Figure, p: float | None = None) -> tuple[float | None, str]:
    """Return the p value of a difference, and why there is none or no interval."""
    if gain.value is not None and gain.se:
        made = float(2 * norm.sf(abs(gain.value) / gain.se))
        return (made if p is None else p), gain.reason
    if gain.value is not None and gain.se == 0:
        reason = gain.reason or "the difference has no variance in these cases"
        return (1.0 if abs(gain.value) < 1e-12 else None), reason
    return None, gain.reason


def _held(
    p: PairSummary, margin: float | None, covering: CoveringInterval | None, why: str
) -> NonInferiority | None:
    if margin is None or covering is None or (p.difference.high is None and covering.high is None):
        return None
    why = why or ("" if covering.decides else covering.warning)
    # the bins may have moved the difference by the bound: it has to hold even then
    holds = not why and covering.high is not None and covering.high + p.bound < margin
    return NonInferiority(margin=margin, holds=bool(holds), why=why)


def mcnemar_result(p: PairSummary, *, pooled: bool) -> McNemarResult:
    """Compare which calls are right: exact for patients, who are independent of each other.

    For lesions, the test is over patients (`clustered_mcnemar`).
    """
    made = McNemarResult(
        first_right_second_wrong=None, first_wrong_second_right=None, p=None, p_holm=None
    )
    if p.calls is None:
        return replace(made, reason=NOT_BY_ALL if pooled else NOT_HERE)
    first, second = right_alone(np.array(p.calls, np.int64).reshape(2, 2, 2))
    made = replace(made, first_right_second_wrong=first, first_wrong_second_right=second)
    if p.unit == "patient":
        return replace(made, p=mcnemar(first, second))
    if p.discordant is None:
        why = "not tested: how the lesions fall on patients is "
        return replace(made, reason=why + (NOT_BY_ALL if pooled else NOT_HERE))
    tested = clustered_mcnemar(first - second, *p.discordant)
    if tested is None:
        return replace(made, reason="not tested: the calls differ in one patient only")
    return replace(made, p=tested, method="clustered")
