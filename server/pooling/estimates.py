"""Figures of a report made from released figures and counts: a value with interval, or a reason."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hepafed.common.contract import Figure, TaskSummary
from hepafed.common.disclosure import BANDED, CLUSTERED, NO_INTERVAL, unsure
from hepafed.common.statistics import (
    Auc,
    Clustered,
    Estimate,
    Rate,
    Ratio,
    Z,
    adjusted_interval,
    covering_ends,
    expected_variance,
    half_pair_added,
    rate,
    score_ends,
)
from hepafed.server.formats import (
    NOT_CLUSTERED,
    AucEstimate,
    BriefAuc,
    ClusteredInterval,
    CoveringInterval,
    IntervalEstimate,
    LogitInterval,
    PatientInterval,
    PointEstimate,
    RateEstimate,
    covering,
)
from hepafed.server.pooling.caution import CAUTIOUS, few_lost

LEAST = 1e-9
"""A standard error below it is rounding, and an AUC so near to 0 or 1 is no cohort's."""
ONE_CLASS = "one class only"
ONE_PATIENT = "fewer than two patients with a class"
ALL_OF_ONE = "no interval: all of these cases are of one patient"
A_ZERO = "no interval: a count is 0"
FEW_SHARE = "withheld: fewer patients with several lesions than the site's minimum count"
SHARES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
METHODS: Mapping[str, str] = {
    **dict.fromkeys(SHARES, "rao-scott"),
    **dict.fromkeys(("balanced_accuracy", "likelihood_positive", "likelihood_negative"), "delta"),
    "kappa": "score",
}
"""How the interval from the spread between patients is made, by figure."""


def auc_estimate(
    figure: Figure,
    method: str,
    error: float = 0.0,
    adjusted: tuple[float, float] | None = None,
    clustered: ClusteredInterval | None = None,
) -> AucEstimate:
    """Return an AUC with the plain interval; `adjusted` is the one on the logit scale."""
    reason = figure.reason
    if not reason and figure.low is not None and figure.low == figure.high:
        reason = without_width(figure.low)
    return settled(
        AucEstimate(
            value=figure.value,
            low=figure.low,
            high=figure.high,
            se=figure.se,
            method=method,
            binning_error=error,
            logit=logit_interval(adjusted),
            reason=reason,
            clustered=clustered,
        )
    )


def without_width(auc: float) -> str:
    """Say why the plain interval of an AUC has no width; only 0 and 1 are full separation."""
    why = {
        1.0: "every positive scores above every negative",
        0.0: "every positive scores below every negative",
    }.get(auc, "the cases of a class all rank alike among those of the other")
    return f"the plain interval is degenerate (no width): {why}"


def settled(auc: AucEstimate, cases: tuple[int, int] | None = None) -> AucEstimate:
    """Return an AUC with the interval that is printed and judged; one that it has stays.

    `cases`, positives and negatives, tell where an interval is cautious.
    """
    if auc.value is None:
        return auc
    chosen = covering(auc)
    few = cases is not None and few_lost(auc.value, cases)
    if few and chosen.decides:
        chosen = replace(chosen, warning=CAUTIOUS)
    return replace(auc, covering=chosen)


def brief_auc(figure: Figure, ends: tuple[float, float] | None = None) -> BriefAuc:
    """Return an AUC with its plain interval, and `ends`, those that cover, where they are known."""
    made = BriefAuc(value=figure.value, low=figure.low, high=figure.high, reason=figure.reason)
    if ends is None or figure.value is None:
        return made
    low, high = ends
    chosen = CoveringInterval(low=low, high=high, method="logit", decides=True)
    return replace(made, covering=chosen)


def ends_of_few(figure: Figure, positives: int, negatives: int) -> tuple[float, float] | None:
    """Return the ends that cover of an AUC whose degrees of freedom are not known: the fewest.

    Satterthwaite's are at least those of the smaller class.
    """
    if figure.value is None:
        return None
    fewest = max(min(positives, negatives) - 1.0, 1.0)
    pairs = positives * negatives
    return adjusted_interval(figure.value, figure.se, fewest, positives, negatives, pairs)


def from_error(auc: AucEstimate, task: TaskSummary) -> AucEstimate:
    """Return a site's AUC with an interval from its standard error, where it gave no better one."""
    if auc.logit is not None or auc.clustered is not None:
        return auc
    ends, method = ends_of_few(task.auc, task.positives, task.negatives), "logit"
    if task.auc.half_band:
        ends, method = ends_of(task.auc), BANDED
    if ends is None:
        return auc
    chosen = CoveringInterval(
        low=ends[0],
        high=ends[1],
        method=method,
        decides=task.unit != "lesion",
        warning=NOT_CLUSTERED if task.unit == "lesion" else "",
    )
    return replace(auc, covering=chosen)


def mean_covering(
    mean: Figure, parts: Sequence[tuple[float, float, int, int]]
) -> tuple[float, float] | None:
    """Return the covering interval of a mean of independent AUCs (`auc.covering_ends`).

    `parts`: AUC, standard error, positives and negatives of each. One whose AUC has no variance,
    as where the classes are separated, counts with the variance that is expected of so many
    cases with half a pair lost; that is known, not sampled. A mean of 0 or 1 has Newcombe's
    (2006) interval with the expected variance of the mean.
    """
    if mean.value is None or mean.se is None:
        return None
    k = len(parts)

    def expected(t: float) -> float:
        return sum(expected_variance(t, m, n) for _, _, m, n in parts) / k**2

    if not LEAST < mean.value < 1 - LEAST:
        return score_ends(round(mean.value), Z, expected)
    middles = [half_pair_added(value, m * n) for value, _, m, n in parts]
    total = over = 0.0
    for x, (_, se, m, n) in zip(middles, parts, strict=True):
        total += se * se if se > LEAST else expected_variance(x, m, n)
        over += se**4 / max(min(m, n) - 1.0, 1.0) if se > LEAST else 0.0
    freedom = total**2 / over if over > 0 else math.inf
    return covering_ends(mean.value, sum(middles) / k, math.sqrt(total) / k, freedom, expected)


def logit_interval(ends: tuple[float, float] | None) -> LogitInterval | None:
    """Return an interval on the logit scale, or None where there is none."""
    return None if ends is None else LogitInterval(low=ends[0], high=ends[1])


def clustered_interval(
    found: Estimate | Figure | None, adjusted: tuple[float, float] | None = None
) -> ClusteredInterval:
    """Return the interval that knows which lesions share a patient, or none and the reason."""
    if found is None:
        return ClusteredInterval(low=None, high=None, reason=ONE_PATIENT)
    return ClusteredInterval(
        low=found.low,
        high=found.high,
        se=found.se,
        logit=logit_interval(adjusted),
        reason=ONE_PATIENT if found.low is None else "",
    )


def ends_of(figure: Figure | None) -> tuple[float, float] | None:
    """Return the ends of a released figure, or None where it lacks one."""
    if figure is None or figure.low is None or figure.high is None:
        return None
    return figure.low, figure.high


def auc_figure(auc: Auc | None) -> Figure:
    """Return a pooled AUC in the form of a released one."""
    if auc is None:
        return Figure(reason=ONE_CLASS)
    low, high = auc.interval or (None, None)
    reason = "" if auc.se is not None else NO_INTERVAL
    return Figure(value=auc.value, low=low, high=high, se=auc.se, reason=reason)


def patient_interval(
    found: Clustered | Figure | None, method: str, reason: str = ""
) -> PatientInterval:
    """Return an interval from the spread between patients, or none and the reason.

    A figure as a site released it tells no effective numbers.
    """
    if found is None or found.low is None:
        return PatientInterval(low=None, high=None, method=method, reason=reason or ALL_OF_ONE)
    made = PatientInterval(low=found.low, high=found.high, se=found.se, method=method)
    if isinstance(found, Figure):
        return replace(made, reason=found.reason)
    return replace(made, cases=found.cases, patients=found.patients, reason=unsure(found))


def patient_intervals(
    found: Mapping[str, Clustered] | Mapping[str, Figure] | str,
) -> dict[str, PatientInterval]:
    """Return the intervals of the figures in `METHODS`; or, of a reason, none and that reason."""
    made = {}
    for name, method in METHODS.items():
        if isinstance(found, str):
            made[name] = patient_interval(None, method, found)
        else:
            why = A_ZERO if name.startswith("likelihood") else ALL_OF_ONE
            made[name] = patient_interval(found.get(name), method, why)
    return made


def site_intervals(figures: Mapping[str, Figure]) -> dict[str, PatientInterval]:
    """Return the intervals that a site released with its figures, or that it withheld them."""
    own = {n: f for n in METHODS if (f := figures.get(CLUSTERED + n)) is not None}
    return patient_intervals(own or FEW_SHARE)


def rate_estimate(
    numerator: int | None,
    denominator: int | None,
    reason: str = "",
    clustered: PatientInterval | None = None,
) -> RateEstimate:
    """Return a share of counts with Wilson's interval, the exact one and the `clustered` one."""
    made = Rate(0, 0, None, None, None, None, None)
    if numerator is not None and denominator is not None:
        made = rate(int(numerator), int(denominator))
    return RateEstimate(
        value=made.value,
        low=made.low,
        high=made.high,
        exact_low=made.exact_low,
        exact_high=made.exact_high,
        numerator=None if numerator is None else int(numerator),
        denominator=None if denominator is None else int(denominator),
        reason=(reason or "no cases") if made.value is None else "",
        clustered=clustered if made.value is not None else None,
    )


def interval_estimate(
    found: Estimate | Ratio | Figure | None,
    reason: str = "",
    clustered: PatientInterval | None = None,
) -> IntervalEstimate:
    """Return a figure with its interval, or none and the reason; its own reason goes first."""
    if found is None:
        return IntervalEstimate(value=None, low=None, high=None, reason=reason)
    own = found.reason if isinstance(found, Figure) else ""
    if isinstance(found, Ratio) and found.value is not None and found.low is None:
        own = A_ZERO
    return IntervalEstimate(
        value=found.value,
        low=found.low,
        high=found.high,
        se=None if isinstance(found, Ratio) else found.se,
        reason=own or (reason if found.value is None else ""),
        clustered=clustered if found.value is not None else None,
    )


def point_estimate(value: float | None, reason: str) -> PointEstimate:
    """Return a figure without an interval, or none and the reason."""
    return PointEstimate(value=value, reason=reason if value is None else "")
