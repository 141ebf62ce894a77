"""Models compared on the same cohort: paired DeLong, McNemar, Holm, non-inferiority."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np
from hepafed.common.contract import Figure, PairSummary, SiteComparison, SiteSummary
from hepafed.common.disclosure import Paired, pair_summaries, pairs_of
from hepafed.common.errors import DataError
from hepafed.common.statistics import TASK_ORDER, Products, Z, holm, logistic, mcnemar
from hepafed.server.pooling.check import check_figures
from hepafed.server.pooling.estimates import estimate_json
from hepafed.server.pooling.heterogeneity import LEAST, combined, has_interval, random_effects
from scipy.stats import norm

Row = dict[str, Any]
NO_SITE = "no site has an interval"
NOT_HERE = "withheld: released pooled only, or too few cases"
NOT_BY_ALL = "withheld by a site"
PAIRED = "paired DeLong"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What the sites released of a comparison."""

    names: tuple[str, ...]
    """Ids of the models, the validated one first."""
    sites: Mapping[str, SiteComparison]
    paired: Paired | None = None
    """Sum over all of `sites`, where each released paired counts."""
    products: Products | None = None
    """Of the figures of all models, with the curves of `paired.sums`."""
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
        if p.calls is None:
            continue
        if (
            len(p.calls) != 8
            or min(p.calls) < 0
            or ((sum(p.calls[:4]), sum(p.calls[4:])) != (p.negatives, p.positives))
        ):
            raise DataError(f"{site} released crossed calls of other cases than it has")


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
) -> list[Row]:
    """Make `comparisons`, each pooled first; p values are adjusted (Holm) over pairs of models.

    `margins`, by (other model, unit, task), are those by which the validated model may be worse.
    """
    if compared is None or not compared.sites:
        return []
    by_site = {s: list(v.pairs) for s, v in compared.sites.items()}
    if compared.paired is not None and compared.products is not None:
        whole = list(pair_summaries(compared.paired, compared.products))
        methods = [f"{PAIRED}, cases of all sites"] * len(whole)
    else:
        both = [
            _combined(dict(zip(by_site, parts, strict=True)))
            for parts in zip(*by_site.values(), strict=True)
        ]
        whole, methods = [p for p, _ in both], [m for _, m in both]
    rows = []
    for i, (pair, method) in enumerate(zip(whole, methods, strict=True)):
        pooled = _row(compared.names, "pooled", None, pair, method, margins)
        there = {"sites": list(by_site), "absent": sorted(compared.absent)}
        rows.append(pooled | there)
        rows += [
            _row(compared.names, "site", s, pairs[i], PAIRED, margins)
            for s, pairs in by_site.items()
        ]
    _adjust(rows, lambda r: r)
    _adjust(rows, lambda r: r["mcnemar"])
    return rows


def _adjust(rows: list[Row], part: Callable[[Row], Row]) -> None:
    def family(r: Row) -> tuple[str, str, str]:
        return r["site"] or "", r["unit"], r["task"]

    for _, members in groupby(sorted(rows, key=family), key=family):
        tested = [part(r) for r in members if part(r)["p"] is not None]
        for values, p in zip(tested, holm([v["p"] for v in tested]), strict=True):
            values["p_holm"] = p


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
    return replace(
        parts[0],
        positives=sum(p.positives for p in parts),
        negatives=sum(p.negatives for p in parts),
        auc_first=_auc([p.auc_first for p in parts]),
        auc_second=_auc([p.auc_second for p in parts]),
        difference=gain,
        calls=None if calls is None else tuple(calls),
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
) -> Row:
    made: Row = {
        "scope": scope,
        "site": site,
        "first": names[p.first],
        "second": names[p.second],
        "unit": p.unit,
        "task": p.task,
        "n": p.positives + p.negatives,
        "positives": p.positives,
        "auc_first": _value(p.auc_first),
        "auc_second": _value(p.auc_second),
        "difference": estimate_json(p.difference),
        "binning_error": p.bound,
        "method": method,
        "p": None,
        "p_holm": None,
        "non_inferiority": None,
    }
    gain, reason = p.difference, p.difference.reason
    if gain.value is not None and gain.se:
        made["p"] = float(2 * norm.sf(abs(gain.value) / gain.se))
    elif gain.value is not None and gain.se == 0:
        if abs(gain.value) < 1e-12:
            made["p"] = 1.0
        reason = reason or "the interval is degenerate: the difference has no variance"
    margin = margins.get((names[p.second], p.unit, p.task)) if p.first == 0 else None
    if margin is not None and gain.high is not None:
        # the bins may have moved the difference by the bound: it has to hold even then
        made["non_inferiority"] = {"margin": margin, "holds": bool(gain.high + p.bound < margin)}
    if reason:
        made["reason"] = reason
    return made | {"mcnemar": mcnemar_json(p, pooled=site is None)}


def _value(figure: Figure) -> Row:
    made = {"value": figure.value, "low": figure.low, "high": figure.high}
    return made | ({"reason": figure.reason} if figure.reason else {})


def mcnemar_json(p: PairSummary, *, pooled: bool) -> Row:
    """Compare which calls are right; tested for patients, who are independent of each other."""
    made: Row = dict.fromkeys(
        ("first_right_second_wrong", "first_wrong_second_right", "p", "p_holm")
    )
    if p.calls is None:
        return made | {"reason": NOT_BY_ALL if pooled else NOT_HERE}
    calls = np.array(p.calls, np.int64).reshape(2, 2, 2)
    first = int(calls[1, 1, 0] + calls[0, 0, 1])
    second = int(calls[1, 0, 1] + calls[0, 1, 0])
    made |= {"first_right_second_wrong": first, "first_wrong_second_right": second}
    if p.unit != "patient":
        return made | {"reason": "not tested: lesions of a patient are not independent"}
    return made | {"p": mcnemar(first, second)}
