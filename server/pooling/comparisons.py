"""Models compared on the same cohort: paired DeLong, McNemar, Holm, non-inferiority."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from hepafed.common.contract import Figure, PairSummary
from hepafed.common.contract.messages import SiteComparison, SiteSummary
from hepafed.common.disclosure import (
    Paired,
    pair_summaries,
    pairs_of,
    possible_discordance,
    right_alone,
)
from hepafed.common.errors import DataError
from hepafed.common.statistics import (
    TASK_ORDER,
    Products,
    Z,
    clustered_mcnemar,
    holm,
    logistic,
    mcnemar,
)
from hepafed.server.formats import ComparisonRow, McNemarResult, NonInferiority
from hepafed.server.pooling.check import check_figures
from hepafed.server.pooling.estimates import brief_auc, interval_estimate
from hepafed.server.pooling.heterogeneity import LEAST, combined, has_interval, random_effects
from scipy.stats import norm

NO_SITE = "no site has an interval"
NOT_HERE = "withheld: released pooled only, or too few cases"
NOT_BY_ALL = "withheld by a site"
PAIRED = "paired DeLong"
CLUSTERED_TEST = "clustered"


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


def check_comparison(site: str, found: SiteComparison, models: int, summary: SiteSummary) -> None:
    """Hold a site's comparison to what can be and to its own summary; DataError names the site."""
    wanted = [(a, b, u, t) for a, b in pairs_of(models) for u, t in TASK_ORDER]
    if [(p.first, p.second, p.unit, p.task) for p in found.pairs] != wanted:
        raise DataError(f"{site} released another comparison than was asked for")
    if not (0 < found.patients <= summary.patients and 0 < found.lesions <= summary.lesions) or (
        found.minimum_count != summary.minimum_count
    ):
        raise DataError(f"{site} released a comparison of other cases than it has")
    for p in found.pairs:
        cases = found.patients if p.unit == "patient" else found.lesions
        if min(p.positives, p.negatives) < 0 or p.positives + p.negatives != cases:
            raise DataError(f"{site} released a comparison of other cases than it has")
        check_figures(site, p.auc_first, p.auc_second)
        check_figures(site, p.difference, least=-1.0)
        _check_difference(site, p)
        _check_calls(site, p)


def _check_calls(site: str, p: PairSummary) -> None:
    if p.calls is None:
        if p.discordant is not None:
            raise DataError(f"{site} released how calls fall on patients without the calls")
        return
    counts = (sum(p.calls[:4]), sum(p.calls[4:]))
    if len(p.calls) != 8 or min(p.calls) < 0 or counts != (p.negatives, p.positives):
        raise DataError(f"{site} released crossed calls of other cases than it has")
    if p.discordant is None:
        return
    alone = right_alone(np.array(p.calls, np.int64).reshape(2, 2, 2))
    if len(p.discordant) != 2 or not possible_discordance(*alone, *p.discordant):
        raise DataError(f"{site} released impossible sums of calls over patients")


def _check_difference(site: str, p: PairSummary) -> None:
    gain, first, second = p.difference.value, p.auc_first.value, p.auc_second.value
    fits = 0 <= p.bound <= 1
    if gain is not None:
        fits = fits and first is not None and second is not None
        fits = fits and abs(gain - ((second or 0.0) - (first or 0.0))) <= 1e-9
    if not fits:
        raise DataError(f"{site} released a difference that is not that of its AUCs")


def comparison_rows(
    compared: Compared | None, margins: Mapping[tuple[str, str, str], float]
) -> list[ComparisonRow]:
    """Return `comparisons`, each pooled first; p values are adjusted (Holm) over pairs of models.

    `margins`, by (other model, unit, task), are those by which the validated model may be worse.
    """
    if compared is None or not compared.sites:
        return []
    by_site = {s: list(v.pairs) for s, v in compared.sites.items()}
    rows = []
    for i, (pair, method) in enumerate(_pooled_pairs(compared, by_site)):
        pooled = _row(compared.names, "pooled", None, pair, method, margins)
        rows.append(replace(pooled, sites=tuple(by_site), absent=tuple(sorted(compared.absent))))
        rows += [
            _row(compared.names, "site", s, pairs[i], PAIRED, margins)
            for s, pairs in by_site.items()
        ]
    return _adjusted(rows)


def _pooled_pairs(
    compared: Compared, by_site: Mapping[str, list[PairSummary]]
) -> list[tuple[PairSummary, str]]:
    """Return each pair of models pooled, and how: over all cases, or over the sites' figures."""
    if compared.paired is not None and compared.products is not None:
        whole = pair_summaries(compared.paired, compared.products)
        return [(pair, f"{PAIRED}, cases of all sites") for pair in whole]
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


def _combined(by_site: Mapping[str, PairSummary]) -> tuple[PairSummary, str]:
    """Pool the sites' own comparisons: random effects on differences and on logit AUCs."""
    parts = list(by_site.values())
    usable = {s: p.difference for s, p in by_site.items() if (p.difference.se or 0.0) > LEAST}
    points = [(g.value or 0.0, (g.se or 0.0) ** 2) for g in usable.values()]
    if (effects := combined(points)) is not None:
        ends = (effects.mean - Z * effects.se, effects.mean + Z * effects.se)
        gain = Figure(
            value=effects.mean, low=max(-1.0, ends[0]), high=min(1.0, ends[1]), se=effects.se
        )
        method = f"{PAIRED}, random effects over {len(usable)} sites"
    elif usable:
        ((site, gain),) = usable.items()
        method = f"{PAIRED}, of {site}, the one site that has an interval"
    elif all(p.difference.value == 0 for p in parts):
        gain, method = parts[0].difference, f"{PAIRED}, the same at every site"
    else:
        gain, method = Figure(reason=NO_SITE), f"{PAIRED}, at no site"
    counts = [p.calls for p in parts if p.calls is not None]
    calls = np.sum(counts, axis=0).tolist() if len(counts) == len(parts) else None
    known = [p.discordant for p in parts if p.discordant is not None]
    fallen = np.sum(known, axis=0).tolist() if len(known) == len(parts) else None
    return replace(
        parts[0],
        positives=sum(p.positives for p in parts),
        negatives=sum(p.negatives for p in parts),
        auc_first=_auc([p.auc_first for p in parts]),
        auc_second=_auc([p.auc_second for p in parts]),
        difference=gain,
        calls=None if calls is None else tuple(calls),
        discordant=None if fallen is None else tuple(fallen),
        bound=max(p.bound for p in parts),
    ), method


def _auc(figures: Sequence[Figure]) -> Figure:
    usable = [f for f in figures if has_interval(f)]
    whole = random_effects([(f.value or 0.0, f.se or 0.0) for f in usable])
    if whole is None:
        return usable[0] if usable else Figure(reason=figures[0].reason or NO_SITE)
    ends = (logistic(whole.mean + side * Z * whole.se) for side in (0, -1, 1))
    value, low, high = ends
    return Figure(value=value, low=low, high=high)


def _row(
    names: Sequence[str],
    scope: str,
    site: str | None,
    p: PairSummary,
    method: str,
    margins: Mapping[tuple[str, str, str], float],
) -> ComparisonRow:
    p_value, reason = _tested(p.difference)
    margin = margins.get((names[p.second], p.unit, p.task)) if p.first == 0 else None
    return ComparisonRow(
        scope=scope,
        site=site,
        first=names[p.first],
        second=names[p.second],
        unit=p.unit,
        task=p.task,
        n=p.positives + p.negatives,
        positives=p.positives,
        auc_first=brief_auc(p.auc_first),
        auc_second=brief_auc(p.auc_second),
        difference=interval_estimate(p.difference),
        binning_error=p.bound,
        method=method,
        p=p_value,
        p_holm=None,
        non_inferiority=_held(p, margin),
        reason=reason,
        mcnemar=mcnemar_result(p, pooled=site is None),
    )


def _tested(gain: Figure) -> tuple[float | None, str]:
    """Return the p value of a difference, and why there is none or no interval."""
    if gain.value is not None and gain.se:
        return float(2 * norm.sf(abs(gain.value) / gain.se)), gain.reason
    if gain.value is not None and gain.se == 0:
        reason = gain.reason or "the interval is degenerate: the difference has no variance"
        return (1.0 if abs(gain.value) < 1e-12 else None), reason
    return None, gain.reason


def _held(p: PairSummary, margin: float | None) -> NonInferiority | None:
    if margin is None or p.difference.high is None:
        return None
    # the bins may have moved the difference by the bound: it has to hold even then
    return NonInferiority(margin=margin, holds=bool(p.difference.high + p.bound < margin))


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
    return replace(made, p=tested, method=CLUSTERED_TEST)
