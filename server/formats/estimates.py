"""A figure as it stands in report.json: a value with or without interval, or null and a reason."""

from dataclasses import dataclass, replace
from typing import ClassVar

from hepafed.common.records import optional
from hepafed.common.statistics import LEVEL
from hepafed.server.formats.values import REASON_WHERE_NULL, Count, Level, NotNegative, Probability


@dataclass(frozen=True, kw_only=True)
class PointEstimate:
    """A figure without an interval."""

    value: float | None
    """The figure; null where it cannot be computed."""
    reason: str = optional("")
    """Why there is no value."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)


@dataclass(frozen=True, kw_only=True)
class PatientInterval:
    """A 95 % interval from the spread between patients, of whom each may have several cases.

    Where a figure has it, it is the one that is printed, drawn and judged (docs/statistics.md).
    """

    low: float | None
    """Lower end; null where there is no interval."""
    high: float | None
    """Upper end; null where there is no interval."""
    se: NotNegative | None = None
    """Standard error from the spread between patients."""
    cases: NotNegative | None = None
    """Effective number of cases: so many independent ones would tell as much (pooled shares)."""
    patients: NotNegative | None = None
    """Effective number of patients: so many with equally many cases would tell as much (pooled)."""
    method: str
    """`rao-scott` of a share, `score` of kappa, `delta` of another figure."""
    reason: str = optional("")
    """Why there is no interval, or what makes it unsure."""


@dataclass(frozen=True, kw_only=True)
class IntervalEstimate:
    """A figure with its 95 % interval."""

    value: float | None
    """The figure; null where it cannot be computed."""
    low: float | None
    """Lower end of the interval."""
    high: float | None
    """Upper end of the interval."""
    se: float | None = None
    """Standard error, where the interval comes from one."""
    reason: str = optional("")
    """Why there is no value, or no interval."""
    clustered: PatientInterval | None = optional(None)
    """The interval from the spread between patients; of kappa and of lesion tasks alone."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)


@dataclass(frozen=True, kw_only=True)
class CoveringInterval:
    """The 95 % interval that the report prints, draws and judges (docs/statistics.md)."""

    low: float | None
    """Lower end; null where no interval can be given."""
    high: float | None
    """Upper end; null where no interval can be given."""
    method: str
    """How it was made, e.g. `logit` or `obuchowski, logit`; empty where there is none."""
    decides: bool
    """Whether a goal or a margin may be judged by it."""
    warning: str = optional("")
    """Why it decides nothing, or in which way it may be off; empty where it covers."""


@dataclass(frozen=True, kw_only=True)
class BriefAuc:
    """An AUC with its 95 % intervals and nothing else."""

    value: Probability | None
    """The AUC; null where it cannot be computed."""
    low: Probability | None
    """Lower end of the plain interval."""
    high: Probability | None
    """Upper end of the plain interval."""
    reason: str = optional("")
    """Why there is no value, or no interval."""
    covering: CoveringInterval | None = optional(None)
    """The interval that is printed; absent where it is not known."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)


@dataclass(frozen=True, kw_only=True)
class RateEstimate:
    """A share of counts, with Wilson's interval and the exact one."""

    value: Probability | None
    """Numerator / denominator; null where the counts are withheld or the denominator is 0."""
    low: Probability | None
    """Lower end of Wilson's 95 % interval."""
    high: Probability | None
    """Upper end of Wilson's 95 % interval."""
    level: Level = LEVEL
    """Level of both intervals."""
    method: str = "wilson"
    """Method of `low` and `high`."""
    exact_low: Probability | None = None
    """Lower end of Clopper and Pearson's 95 % interval."""
    exact_high: Probability | None = None
    """Upper end of Clopper and Pearson's 95 % interval."""
    numerator: Count | None
    """Cases that count; null where they are withheld."""
    denominator: Count | None
    """Cases in all; null where they are withheld."""
    reason: str = optional("")
    """Why there is no value."""
    clustered: PatientInterval | None = optional(None)
    """The interval that knows which lesions share a patient; of shares of lesions alone."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)


@dataclass(frozen=True, kw_only=True)
class LogitInterval:
    """A 95 % interval of an AUC that covers, made on the logit scale (docs/statistics.md)."""

    low: Probability
    """Lower end."""
    high: Probability
    """Upper end."""
    method: str = "logit"
    """Always `logit`."""


@dataclass(frozen=True, kw_only=True)
class ClusteredInterval:
    """A 95 % interval of an AUC that knows which lesions share a patient (Obuchowski 1997)."""

    low: Probability | None
    """Lower end; null where there is no interval."""
    high: Probability | None
    """Upper end; null where there is no interval."""
    se: float | None = None
    """Standard error."""
    method: str = "obuchowski"
    """Always `obuchowski`."""
    logit: LogitInterval | None = None
    """The clustered interval on the logit scale; null where there is none."""
    reason: str = optional("")
    """Why there is no interval."""


@dataclass(frozen=True, kw_only=True)
class AucEstimate:
    """An area under the ROC curve; `low` and `high` are always the plain interval of `method`."""

    value: Probability | None
    """The AUC; null where it cannot be computed."""
    low: Probability | None
    """Lower end of the plain 95 % interval (DeLong's, comparable with pROC)."""
    high: Probability | None
    """Upper end of the plain 95 % interval."""
    se: float | None = None
    """Standard error."""
    level: Level = LEVEL
    """Level of the intervals."""
    method: str
    """How value and interval were made: `delong`, or in words how sites were pooled."""
    binning_error: Probability
    """How far the released bins can have moved the value at most; 0 for a site's own value. It says
    nothing of a clustered interval, which is always computed from bins."""
    logit: LogitInterval | None = None
    """The interval on the logit scale; null where there is none."""
    reason: str = optional("")
    """Why there is no value, or no interval, or why the interval has no width."""
    clustered: ClusteredInterval | None = optional(None)
    """The interval that knows which lesions share a patient; of lesion tasks alone."""
    covering: CoveringInterval | None = optional(None)
    """The interval that the report prints, draws and judges; absent where there is no value."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)


SEPARATED = "the interval is degenerate: the AUC has no variance"
NOT_CLUSTERED = "lesions of one patient are taken as independent: the interval is too narrow"
PLAIN = "plain interval: it covers too rarely where the AUC is high or the cohort is small"


def covering(auc: AucEstimate | BriefAuc) -> CoveringInterval:
    """Return the one interval of an AUC that is printed, drawn and judged.

    The clustered one on the logit scale where lesions share a patient, otherwise the one on the
    logit scale. A report of an older release may have neither: then its plain interval, which
    decides nothing, as does one of width zero.
    """
    if auc.covering is not None:
        return auc.covering
    if isinstance(auc, BriefAuc):
        return _plain(auc.low, auc.high, "plain")
    clustered, logit = auc.clustered, auc.logit
    if clustered is not None and clustered.logit is not None:
        ends, method = clustered.logit, f"{clustered.method}, {clustered.logit.method}"
        return CoveringInterval(low=ends.low, high=ends.high, method=method, decides=True)
    if clustered is not None and clustered.low is not None:
        return _plain(clustered.low, clustered.high, clustered.method)
    if logit is None:
        made = _plain(auc.low, auc.high, auc.method)
    else:
        made = CoveringInterval(low=logit.low, high=logit.high, method=logit.method, decides=True)
    if clustered is not None and made.decides:
        return replace(made, decides=False, warning=NOT_CLUSTERED)
    return made


def _plain(low: float | None, high: float | None, method: str) -> CoveringInterval:
    if low is None or high is None:
        return CoveringInterval(low=None, high=None, method="", decides=False)
    if low == high:
        return CoveringInterval(low=None, high=None, method="", decides=False, warning=SEPARATED)
    return CoveringInterval(low=low, high=high, method=method, decides=True, warning=PLAIN)
