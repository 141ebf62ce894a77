"""Between sites: their mean, random effects on logit AUC, and what one site's absence changes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hepafed.common.contract import Figure, TaskSummary
from hepafed.common.statistics import LEVEL, Z, logistic
from hepafed.server.formats import (
    BriefAuc,
    HeterogeneityRow,
    LeaveOneOut,
    PredictionInterval,
    ResultRow,
)
from hepafed.server.pooling.estimates import auc_estimate
from scipy.stats import t as student

LEAST = 1e-9
"""A standard error below it is rounding, and an AUC so near to 0 or 1 is no cohort's."""


def has_interval(auc: Figure) -> bool:
    """Return whether an AUC can be pooled on the logit scale: inside 0…1, with a standard error."""
    inside = auc.value is not None and LEAST < auc.value < 1 - LEAST
    return inside and auc.se is not None and auc.se > LEAST


def usable(by_site: Mapping[str, TaskSummary]) -> dict[str, tuple[float, float]]:
    """Return AUC and standard error of the sites that have both, neither degenerate."""
    return {
        s: (t.auc.value or 0.0, t.auc.se or 0.0) for s, t in by_site.items() if has_interval(t.auc)
    }


def site_mean(unit: str, task: str, by_site: Mapping[str, TaskSummary]) -> ResultRow:
    """Return the mean of the sites' AUCs, each counting the same; the sites are independent."""
    tasks = list(by_site.values())
    positives = sum(t.positives for t in tasks)
    figure, method = _mean_figure(tasks)
    return ResultRow(
        scope="site-mean",
        site=None,
        unit=unit,
        task=task,
        n=positives + sum(t.negatives for t in tasks),
        positives=positives,
        auc=auc_estimate(figure, method),
    )


def _mean_figure(tasks: list[TaskSummary]) -> tuple[Figure, str]:
    values = [t.auc.value for t in tasks if t.auc.value is not None]
    errors = [t.auc.se for t in tasks if t.auc.value is not None and t.auc.se is not None]
    if not values:
        return Figure(reason="no site has both classes"), "mean of sites"
    method = "mean of sites, DeLong errors"
    mean = sum(values) / len(values)
    if len(errors) < len(values):
        return Figure(value=mean, reason="a site has no standard error: no interval"), method
    se = math.sqrt(sum(e * e for e in errors)) / len(errors)
    low, high = max(0.0, mean - Z * se), min(1.0, mean + Z * se)
    return Figure(value=mean, low=low, high=high, se=se), method


@dataclass(frozen=True)
class RandomEffects:
    """A mean by random effects (DerSimonian and Laird 1986) and how far its points spread.

    All but `i2` (Higgins 2003; 0 to 1) is on the points' scale.
    """

    mean: float
    se: float
    tau2: float
    q: float
    i2: float


def random_effects(found: list[tuple[float, float]]) -> RandomEffects | None:
    """Pool (AUC, standard error) of k sites on the logit scale; None for fewer than two.

    The variance of logit AUC is (se / (AUC (1 − AUC)))², the delta method.
    """
    return combined([(math.log(a / (1 - a)), (e / (a * (1 - a))) ** 2) for a, e in found])


def combined(points: list[tuple[float, float]]) -> RandomEffects | None:
    """Pool (value, variance) of k sites by random effects; None for fewer than two."""
    if len(points) < 2:
        return None
    weights = [1 / v for _, v in points]
    total = sum(weights)
    fixed = sum(w * y for w, (y, _) in zip(weights, points, strict=True)) / total
    q = sum(w * (y - fixed) ** 2 for w, (y, _) in zip(weights, points, strict=True))
    over = q - (len(points) - 1)
    tau2 = max(0.0, over / (total - sum(w * w for w in weights) / total))
    random = [1 / (v + tau2) for _, v in points]
    mean = sum(w * y for w, (y, _) in zip(random, points, strict=True)) / sum(random)
    return RandomEffects(
        mean, 1 / math.sqrt(sum(random)), tau2, q, max(0.0, over / q) if q > 0 else 0.0
    )


def heterogeneity(
    unit: str, task: str, by_site: Mapping[str, TaskSummary], without: Mapping[str, BriefAuc]
) -> HeterogeneityRow:
    """Return a row of `heterogeneity`; `without` holds the pooled AUC without each site."""
    found = usable(by_site)
    made = HeterogeneityRow(
        unit=unit,
        task=task,
        sites=len(found),
        method="dersimonian-laird",
        value=None,
        leave_one_out=_without(found, without),
    )
    whole = random_effects(list(found.values()))
    if whole is None:
        return replace(made, reason="fewer than two sites with an interval")
    value, low, high = _mean_and_ends(whole)
    return replace(
        made,
        value=value,
        low=low,
        high=high,
        level=LEVEL,
        logit_auc=whole.mean,
        se=whole.se,
        tau2=whole.tau2,
        q=whole.q,
        i2=whole.i2,
        prediction=_prediction(whole, len(found)),
    )


def _mean_and_ends(whole: RandomEffects) -> tuple[float, float, float]:
    """Return the mean AUC and the ends of its 95 % interval."""
    low, high = whole.mean - Z * whole.se, whole.mean + Z * whole.se
    return logistic(whole.mean), logistic(low), logistic(high)


def _prediction(whole: RandomEffects, sites: int) -> PredictionInterval:
    """Return where the AUC of a further site lies with 95 %: t of k − 2 (Higgins et al. 2009)."""
    if sites < 3:
        return PredictionInterval(low=None, high=None, reason="fewer than three sites")
    half = float(student.ppf(0.5 + LEVEL / 2, sites - 2)) * math.sqrt(whole.tau2 + whole.se**2)
    return PredictionInterval(low=logistic(whole.mean - half), high=logistic(whole.mean + half))


def _without(
    found: Mapping[str, tuple[float, float]], pooled: Mapping[str, BriefAuc]
) -> tuple[LeaveOneOut, ...]:
    rows = []
    for site in sorted({*found, *pooled}):
        rest = random_effects([v for s, v in found.items() if s != site])
        value = low = high = None
        if rest is not None:
            value, low, high = _mean_and_ends(rest)
        rows.append(
            LeaveOneOut(
                without=site,
                value=value,
                low=low,
                high=high,
                tau2=rest.tau2 if rest else None,
                i2=rest.i2 if rest else None,
                reason="" if rest else "fewer than two sites remain",
                pooled=pooled.get(site),
            )
        )
    return tuple(rows)
