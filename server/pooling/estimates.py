"""Figures of a report made from released figures and counts: a value with interval, or a reason."""

from collections.abc import Mapping
from dataclasses import replace

from hepafed.common.contract import Figure
from hepafed.common.disclosure import CLUSTERED, NO_INTERVAL, unsure
from hepafed.common.statistics import Auc, Clustered, Estimate, Rate, Ratio, rate
from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    ClusteredInterval,
    IntervalEstimate,
    LogitInterval,
    PatientInterval,
    PointEstimate,
    RateEstimate,
)

ONE_CLASS = "one class only"
SEPARATED = "the interval is degenerate: the classes are fully separated"
ONE_PATIENT = "fewer than two patients with a class"
ALL_OF_ONE = "no interval: all of these cases are of one patient"
A_ZERO = "no interval: a count is 0"
FEW_SHARE = "withheld: fewer patients with several lesions than the site's minimum count"
METHODS: Mapping[str, str] = {
    "sensitivity": "rao-scott",
    "specificity": "rao-scott",
    "ppv": "rao-scott",
    "npv": "rao-scott",
    "accuracy": "rao-scott",
    "kappa": "score",
    "balanced_accuracy": "delta",
    "likelihood_positive": "delta",
    "likelihood_negative": "delta",
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
        reason = SEPARATED
    return AucEstimate(
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


def brief_auc(figure: Figure) -> BriefAuc:
    """Return an AUC with its interval alone."""
    return BriefAuc(value=figure.value, low=figure.low, high=figure.high, reason=figure.reason)


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
