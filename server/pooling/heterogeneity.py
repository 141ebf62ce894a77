"""Between sites: their mean, random effects on logit AUC, and what one site's absence changes.

Longer than 300 lines because mean, intervals and leave-one-out are of one model, read in one piece.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hepafed.common.contract import Figure, TaskSummary
from hepafed.common.disclosure import BANDED, FEW_OF_A_CLASS, POOLED_ONLY
from hepafed.common.statistics import LEVEL, Z, logistic
from hepafed.server.formats import (
    BriefAuc,
    CoveringInterval,
    HeterogeneityRow,
    LeaveOneOut,
    PredictionInterval,
    ResultRow,
    SiteLeftOut,
    SiteWeight,
)
from hepafed.server.pooling.estimates import LEAST, auc_estimate, mean_covering, settled
from scipy.special import stdtrit
from scipy.stats import norm
from scipy.stats import t as student

HKSJ = "hartung-knapp-sidik-jonkman"
GONE = (POOLED_ONLY, FEW_OF_A_CLASS)
FEW_SITES = 5
FEW = (
    "cautious interval: of {} sites like these it can hold the true mean in up to 99 of 100 studies"
)
LEAST_I2 = 0.75
MANY_SITES = 20
UNSEEN = (
    "may be too narrow: of so few sites it holds the AUC of a further one in as few as 86 "
    "of 100 studies"
)

WIDE = (
    "cautious interval: of three sites it holds the AUC of a further one in 99 or more of 100 "
    "studies"
)


def has_interval(auc: Figure) -> bool:
    """Return whether an AUC can be pooled on the logit scale: inside 0…1, with a standard error."""
    inside = auc.value is not None and LEAST < auc.value < 1 - LEAST
    return inside and auc.se is not None and auc.se > LEAST


def site_error(task: TaskSummary) -> float | None:
    """Return the standard error of a site's AUC: of lesions the clustered one where it is known."""
    own = task.figures.get("clustered") if task.unit == "lesion" else None
    return own.se if own is not None and own.se is not None else task.auc.se


def usable(by_site: Mapping[str, TaskSummary]) -> dict[str, tuple[float, float]]:
    """Return AUC and standard error of the sites that have both, neither degenerate."""
    found = {s: replace(t.auc, se=site_error(t)) for s, t in by_site.items()}
    return {s: (a.value or 0.0, a.se or 0.0) for s, a in found.items() if has_interval(a)}


def _left_out(
    by_site: Mapping[str, TaskSummary], found: Mapping[str, object]
) -> tuple[SiteLeftOut, ...]:
    rows = []
    for site, task in by_site.items():
        if site in found:
            continue
        value = task.auc.value
        if value is None:
            why = task.auc.reason or "no AUC"
        elif not LEAST < value < 1 - LEAST:
            why = f"its AUC is {value:.0f}, which has no logit"
        elif site_error(task) is None:
            why = task.auc.reason or "its AUC has no standard error"
        else:
            why = "its AUC has no variance"
        rows.append(SiteLeftOut(site=site, reason=why))
    return tuple(rows)


def _errors(by_site: Mapping[str, TaskSummary], found: Mapping[str, object]) -> str:
    tasks = [by_site[s] for s in found]
    if any(t.auc.half_band for t in tasks):
        own = "delong where a site gave its own AUC"
        return BANDED if all(t.auc.half_band for t in tasks) else f"{BANDED}, {own}"
    known = [site_error(t) is not t.auc.se for t in tasks]
    if not any(known):
        return "delong"
    return "obuchowski" if all(known) else "obuchowski, delong where a site gave no other"


def site_mean(unit: str, task: str, by_site: Mapping[str, TaskSummary]) -> ResultRow:
    """Return the mean of the sites' AUCs, each counting the same; the sites are independent."""
    tasks = list(by_site.values())
    positives = sum(t.positives for t in tasks)
    figure, method = _mean_figure(tasks)
    parts = [
        (t.auc.value, site_error(t) or 0.0, t.positives, t.negatives)
        for t in tasks
        if t.auc.value is not None
    ]
    return ResultRow(
        scope="site-mean",
        site=None,
        unit=unit,
        task=task,
        n=positives + sum(t.negatives for t in tasks),
        positives=positives,
        auc=settled(
            auc_estimate(figure, method, adjusted=mean_covering(figure, parts)),
            (positives, sum(t.negatives for t in tasks)),
        ),
    )


def _mean_figure(tasks: list[TaskSummary]) -> tuple[Figure, str]:
    values = [t.auc.value for t in tasks if t.auc.value is not None]
    errors = [t.auc.se for t in tasks if t.auc.value is not None and t.auc.se is not None]
    if not values:
        return Figure(reason=_no_auc(tasks)), "mean of sites"
    banded = any(t.auc.half_band for t in tasks)
    method = "mean of sites, errors of the bands" if banded else "mean of sites, DeLong errors"
    mean = sum(values) / len(values)
    if len(errors) < len(values):
        return Figure(value=mean, reason="a site has no standard error: no interval"), method
    se = math.sqrt(sum(e * e for e in errors)) / len(errors)
    low, high = max(0.0, mean - Z * se), min(1.0, mean + Z * se)
    return Figure(value=mean, low=low, high=high, se=se), method


def _no_auc(tasks: list[TaskSummary]) -> str:
    """Say why no site has an AUC."""
    return next((t.auc.reason for t in tasks if t.auc.reason in GONE), "no site has both classes")


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
    half: float
    """Half the 95 % interval (Hartung and Knapp 2001, Sidik and Jonkman 2002)."""
    weights: tuple[float, ...]
    """Shares of the points, in their order."""
    freedom: float
    """Degrees of freedom of `half`: k − 1, or infinite for that of one common value."""

    @property
    def p(self) -> float:
        """The two-sided p value of a mean of 0; below 0.05 where `ends` leave 0 out."""
        if math.isinf(self.freedom):
            return float(2 * norm.sf(abs(self.mean) / self.half * Z))
        quantile = float(stdtrit(self.freedom, 0.5 + LEVEL / 2))
        return float(2 * student.sf(abs(self.mean) / self.half * quantile, self.freedom))

    @property
    def interval_method(self) -> str:
        """How `half` was made."""
        return "fixed effect" if math.isinf(self.freedom) else HKSJ

    @property
    def ends(self) -> tuple[float, float]:
        """The 95 % interval of the mean."""
        return self.mean - self.half, self.mean + self.half


def random_effects(found: list[tuple[float, float]]) -> RandomEffects | None:
    """Pool (AUC, standard error) of k sites on the logit scale; None for fewer than two.

    The variance of logit AUC is (se / (AUC (1 − AUC)))², the delta method.
    """
    return combined([(math.log(a / (1 - a)), (e / (a * (1 - a))) ** 2) for a, e in found])


def combined(points: list[tuple[float, float]]) -> RandomEffects | None:
    """Pool (value, variance) of k sites by random effects; None for fewer than two.

    The variance between sites is DerSimonian and Laird's. The interval takes the weighted spread
    of the points about the mean and Student's t of k − 1 (Hartung and Knapp 2001, Sidik and
    Jonkman 2002): with few sites 1.96 standard errors are too few. It is never narrower than that
    of one common value, mean ± 1.96 / √Σ(1/variance) (Jackson et al. 2017).
    """
    if len(points) < 2:
        return None
    weights = [1 / v for _, v in points]
    total = sum(weights)
    fixed = sum(w * y for w, (y, _) in zip(weights, points, strict=True)) / total
    q = sum(w * (y - fixed) ** 2 for w, (y, _) in zip(weights, points, strict=True))
    over = q - (len(points) - 1)
    tau2 = max(0.0, over / (total - sum(w * w for w in weights) / total))
    random = [1 / (v + tau2) for _, v in points]
    whole = sum(random)
    mean = sum(w * y for w, (y, _) in zip(random, points, strict=True)) / whole
    spread = sum(w * (y - mean) ** 2 for w, (y, _) in zip(random, points, strict=True))
    freedom = len(points) - 1
    half = float(stdtrit(freedom, 0.5 + LEVEL / 2)) * math.sqrt(spread / (freedom * whole))
    least = Z / math.sqrt(total)
    return RandomEffects(
        mean=mean,
        se=1 / math.sqrt(whole),
        tau2=tau2,
        q=q,
        i2=max(0.0, over / q) if q > 0 else 0.0,
        half=max(half, least),
        weights=tuple(w / whole for w in random),
        freedom=freedom if half >= least else math.inf,
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
        left_out=_left_out(by_site, found),
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
        covering=_covering(whole),
        errors=_errors(by_site, found),
        weights=tuple(
            SiteWeight(site=s, weight=w) for s, w in zip(found, whole.weights, strict=True)
        ),
        prediction=_prediction(whole, len(found)),
    )


def _mean_and_ends(whole: RandomEffects) -> tuple[float, float, float]:
    """Return the mean AUC and the ends of DerSimonian and Laird's interval."""
    low, high = whole.mean - Z * whole.se, whole.mean + Z * whole.se
    return logistic(whole.mean), logistic(low), logistic(high)


def _covering(whole: RandomEffects) -> CoveringInterval:
    few = len(whole.weights) <= FEW_SITES or whole.tau2 == 0
    return CoveringInterval(
        low=logistic(whole.ends[0]),
        high=logistic(whole.ends[1]),
        method=whole.interval_method,
        decides=True,
        warning=FEW.format(len(whole.weights)) if few else "",
    )


def _prediction(whole: RandomEffects, sites: int) -> PredictionInterval:
    """Return where the AUC of a further site lies with 95 %: t of k − 2 (Higgins et al. 2009)."""
    if sites < 3:
        return PredictionInterval(low=None, high=None, reason="fewer than three sites")
    half = float(stdtrit(sites - 2, 0.5 + LEVEL / 2)) * math.sqrt(whole.tau2 + whole.se**2)
    low, high = logistic(whole.mean - half), logistic(whole.mean + half)
    unseen = 3 < sites <= MANY_SITES and whole.i2 < LEAST_I2
    warning = WIDE if sites == 3 else (UNSEEN if unseen else "")
    return PredictionInterval(low=low, high=high, warning=warning)


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
                covering=_covering(rest) if rest else None,
                pooled=pooled.get(site),
            )
        )
    return tuple(rows)
