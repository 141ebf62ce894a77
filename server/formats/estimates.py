"""A figure as it stands in report.json: a value with or without interval, or null and a reason."""

from dataclasses import dataclass
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
class BriefAuc:
    """An AUC with its 95 % interval and nothing else."""

    value: Probability | None
    """The AUC; null where it cannot be computed."""
    low: Probability | None
    """Lower end of the interval."""
    high: Probability | None
    """Upper end of the interval."""
    reason: str = optional("")
    """Why there is no value, or no interval."""

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
    """A 95 % interval of an AUC, made on the logit scale (docs/statistics.md)."""

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
    """How far the released bins can have moved the value at most; 0 for a site's own value."""
    logit: LogitInterval | None = None
    """The interval on the logit scale; null where there is none."""
    reason: str = optional("")
    """Why there is no value, or no interval, or why the interval has no width."""
    clustered: ClusteredInterval | None = optional(None)
    """The interval that knows which lesions share a patient; of lesion tasks alone."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)
