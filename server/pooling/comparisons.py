"""Models compared on the same cohort: paired DeLong, McNemar, Holm, non-inferiority."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np
from hepafed.common.additive import TASK_ORDER
from hepafed.common.agreement import holm, mcnemar
from hepafed.common.bins import logistic
from hepafed.common.clusters import Products
from hepafed.common.errors import DataError
from hepafed.common.figures import Figure, PairSummary
from hepafed.common.messages import SiteComparison
from hepafed.common.paired import WITHHELD, Paired, pair_summaries, pairs_of
from hepafed.common.rates import Z
from hepafed.server.pooling.between import combined, random_effects
from hepafed.server.pooling.figures import estimate_json
from numpy.typing import NDArray
from scipy.stats import norm

Row = dict[str, Any]
NO_SITE = "no site has an interval"
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


def check_comparison(site: str, found: SiteComparison, models: int) -> None:
    """Check that a site's comparison can be; DataError names the site when it cannot."""
    wanted = [(a, b, u, t) for a, b in pairs_of(models) for u, t in TASK_ORDER]
    if [(p.first, p.second, p.unit, p.task) for p in found.pairs] != wanted:
        raise DataError(f"{site} released another comparison than was asked for")
    for p in found.pairs:
        cases = found.patients if p.unit == "patient" else found.lesions
        if min(p.positives, p.negatives) < 0 or p.positives + p.negatives != cases:
            raise DataError(f"{site} released a comparison of other cases than it has")
        aucs = [v for f in (p.auc_first, p.auc_second) for v in (f.value, f.low, f.high)]
        gains = [v for v in (p.difference.value, p.difference.low, p.difference.high) if v]
        if any(v is not None and not 0 <= v <= 1 for v in aucs) or any(abs(v) > 1 for v in gains):
            raise DataError(f"{site} released an AUC outside 0…1")
        if not 0 <= p.bound <= 1:
            raise DataError(f"{site} released a bound outside 0…1")
        if p.calls is None:
            continue
        if len(p.calls) != 8 or min(p.calls) < 0 or (
            (sum(p.calls[:4]), sum(p.calls[4:])) != (p.negatives, p.positives)
        ):  # fmt: skip
            raise DataError(f"{site} released crossed calls of other cases than it has")


def comparison_rows(compared: Compared | None, margin: float | None) -> list[Row]:
    """Make `comparisons`, each pooled first; p values are adjusted (Holm) over pairs of models."""
    if compared is None or not compared.sites:
        return []
    by_site = {s: list(v.pairs) for s, v in compared.sites.items()}
    if compared.paired is not None and compared.products is not None:
        whole = list(pair_summaries(compared.paired, compared.products))
        methods = [f"{PAIRED}, cases of all sites"] * len(whole)
    else:
        both = [_combined(parts) for parts in zip(*by_site.values(), strict=True)]
        whole, methods = [p for p, _ in both], [m for _, m in both]
    rows = []
    for i, (pair, method) in enumerate(zip(whole, methods, strict=True)):
        pooled = _row(compared.names, "pooled", None, pair, method, margin)
        there = {"sites": list(by_site), "absent": sorted(compared.absent)}
        rows.append(pooled | there)
        rows += [
            _row(compared.names, "site", s, pairs[i], PAIRED, margin)
            for s, pairs in by_site.items()
        ]  # fmt: skip
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


def _combined(parts: Sequence[PairSummary]) -> tuple[PairSummary, str]:
    """Pool the sites' own comparisons: random effects on differences and on logit AUCs."""
    gains = [p.difference for p in parts]
    usable = [(g.value, g.se**2) for g in gains if g.value is not None and g.se]
    one = next((g for g in gains if g.se), Figure(reason=gains[0].reason or NO_SITE))
    method = f"{PAIRED}, of the one site that has an interval"
    if (effects := combined(usable)) is not None:
        ends = (effects.mean - Z * effects.se, effects.mean + Z * effects.se)
        one = Figure(
            value=effects.mean, low=max(-1.0, ends[0]), high=min(1.0, ends[1]), se=effects.se
        )
        method = f"{PAIRED}, random effects over {len(usable)} sites"
    counts = [p.calls for p in parts if p.calls is not None]
    calls = np.sum(counts, axis=0).tolist() if len(counts) == len(parts) else None
    return replace(
        parts[0],
        positives=sum(p.positives for p in parts),
        negatives=sum(p.negatives for p in parts),
        auc_first=_auc([p.auc_first for p in parts]),
        auc_second=_auc([p.auc_second for p in parts]),
        difference=one,
        calls=None if calls is None else tuple(calls),
        bound=max(p.bound for p in parts),
    ), method


def _auc(figures: Sequence[Figure]) -> Figure:
    usable = [f for f in figures if f.value is not None and f.se and 0 < f.value < 1]
    whole = random_effects([(f.value or 0.0, f.se or 0.0) for f in usable])
    if whole is None:
        return usable[0] if usable else Figure(reason=figures[0].reason or NO_SITE)
    ends = (logistic(whole.mean + side * Z * whole.se) for side in (0, -1, 1))
    value, low, high = ends
    return Figure(value=value, low=low, high=high)


def _row(
    names: Sequence[str], scope: str, site: str | None, p: PairSummary, method: str,
    margin: float | None,
) -> Row:  # fmt: skip
    made: Row = {
        "scope": scope, "site": site, "first": names[p.first], "second": names[p.second],
        "unit": p.unit, "task": p.task, "n": p.positives + p.negatives, "positives": p.positives,
        "auc_first": _value(p.auc_first), "auc_second": _value(p.auc_second),
        "difference": estimate_json(p.difference), "binning_error": p.bound, "method": method,
        "p": None, "p_holm": None, "non_inferiority": None,
    }  # fmt: skip
    gain, reason = p.difference, p.difference.reason
    if gain.value is not None and gain.se:
        made["p"] = float(2 * norm.sf(abs(gain.value) / gain.se))
    elif gain.value is not None and gain.se == 0:
        if abs(gain.value) < 1e-12:
            made["p"] = 1.0
        reason = reason or "the interval is degenerate: the difference has no variance"
    if margin is not None and gain.low is not None:
        # the bins may have moved the difference by the bound: it has to hold even then
        made["non_inferiority"] = {"margin": margin, "holds": bool(gain.low - p.bound > -margin)}
    if reason:
        made["reason"] = reason
    crossed = None if p.calls is None else np.array(p.calls, np.int64).reshape(2, 2, 2)
    return made | {"mcnemar": mcnemar_json(crossed)}


def _value(figure: Figure) -> Row:
    made = {"value": figure.value, "low": figure.low, "high": figure.high}
    return made | ({"reason": figure.reason} if figure.reason else {})


def mcnemar_json(calls: NDArray[np.int64] | None) -> Row:
    """Compare correctness of two raters; calls int64[2, 2, 2] by truth, first, second."""
    if calls is None:
        gone: Row = dict.fromkeys(
            ("first_right_second_wrong", "first_wrong_second_right", "p", "p_holm")
        )
        return gone | {"reason": WITHHELD}
    first = int(calls[1, 1, 0] + calls[0, 0, 1])
    second = int(calls[1, 0, 1] + calls[0, 1, 0])
    return {
        "first_right_second_wrong": first,
        "first_wrong_second_right": second,
        "p": mcnemar(first, second),
        "p_holm": None,
    }
