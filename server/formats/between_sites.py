"""The rows of `heterogeneity` and `drift`: how sites differ from each other and from the tuning."""

from dataclasses import dataclass
from typing import ClassVar

from hepafed.common.records import named, optional
from hepafed.server.formats.estimates import BriefAuc, CoveringInterval
from hepafed.server.formats.values import (
    REASON_WHERE_NULL,
    Count,
    Level,
    NotNegative,
    Probability,
    Task,
    TrueClass,
    Unit,
)


@dataclass(frozen=True, kw_only=True)
class PredictionInterval:
    """Where the AUC of a further site lies with 95 % (Higgins et al. 2009)."""

    low: Probability | None
    """Lower end; null where there is no interval."""
    high: Probability | None
    """Upper end; null where there is no interval."""
    reason: str = optional("")
    """Why there is no interval."""
    warning: str = optional("")
    """In which way the interval may be off."""


@dataclass(frozen=True, kw_only=True)
class LeaveOneOut:
    """Figures of all sites but one."""

    without: str
    """The site that is left out."""
    value: Probability | None
    """Random-effects mean AUC of the others; null where fewer than two remain."""
    low: Probability | None
    """Lower end of its 95 % interval, DerSimonian and Laird's."""
    high: Probability | None
    """Upper end of that interval."""
    tau2: NotNegative | None
    """Variance between the others, on the logit scale."""
    i2: Probability | None
    """Share of the variation that is not chance, among the others."""
    reason: str = optional("")
    """Why there is no mean."""
    pooled: BriefAuc | None
    """Pooled AUC of the others; null where it was not asked for (other tasks, many sites)."""
    covering: CoveringInterval | None = optional(None)
    """The interval of the mean that is printed."""


@dataclass(frozen=True, kw_only=True)
class SiteWeight:
    """How much a site counts in the random-effects mean."""

    site: str
    """The site."""
    weight: Probability
    """Its share of all weights, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class SiteLeftOut:
    """A site that is not in the random-effects mean."""

    site: str
    """The site."""
    reason: str
    """Why its AUC cannot be pooled."""


@dataclass(frozen=True, kw_only=True)
class HeterogeneityRow:
    """Random effects of the sites' AUCs on the logit scale (DerSimonian and Laird 1986)."""

    unit: Unit
    """Unit that is counted: `patient` or `lesion`."""
    task: Task
    """Question that the row answers."""
    sites: Count
    """Sites that have an AUC with an interval."""
    method: str
    """Always `dersimonian-laird`."""
    value: Probability | None
    """Mean AUC; null for fewer than two sites."""
    low: Probability | None = optional(None)
    """Lower end of DerSimonian and Laird's 95 % interval of the mean (comparable with metafor)."""
    high: Probability | None = optional(None)
    """Upper end of that interval."""
    level: Level | None = optional(None)
    """Level of the intervals."""
    logit_auc: float | None = optional(None)
    """The mean on the logit scale."""
    se: NotNegative | None = optional(None)
    """Its standard error on the logit scale."""
    tau2: NotNegative | None = optional(None)
    """Variance between sites on the logit scale."""
    q: NotNegative | None = optional(None)
    """Cochran's Q."""
    i2: Probability | None = optional(None)
    """I² (Higgins 2003), 0 to 1: the share of the variation that is not chance."""
    prediction: PredictionInterval | None = optional(None)
    """Where the AUC of a further site lies."""
    covering: CoveringInterval | None = optional(None)
    """The interval of the mean that is printed and drawn: `hartung-knapp-sidik-jonkman`, with
    Student's t of the sites but one; where that of one common AUC is wider, `fixed effect`."""
    errors: str | None = optional(None)
    """Standard errors of the sites' AUCs: `delong`; of lesions `obuchowski`, clustered by patient,
    or `obuchowski, delong where a site gave no other`."""
    weights: tuple[SiteWeight, ...] | None = optional(None)
    """The sites in the mean, with their weights."""
    left_out: tuple[SiteLeftOut, ...] | None = optional(None)
    """The sites that are not in the mean."""
    reason: str = optional("")
    """Why there is no mean."""
    leave_one_out: tuple[LeaveOneOut, ...] = ()
    """The same without each site in turn."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)


@dataclass(frozen=True, kw_only=True)
class DriftRow:
    """Scores of one true class against those of the tuning data."""

    site: str | None
    """The site; null for all sites together."""
    unit: Unit
    """Unit that is counted: `patient` or `lesion`."""
    task: Task
    """Question that the row answers."""
    class_: TrueClass = named("class")
    """Which true class is compared."""
    n: Count
    """Cases of this class."""
    psi: float | None
    """Population stability index over ten groups; null for fewer than 100 cases on either side."""
    ks: Probability | None
    """Largest gap of the two distributions; null for fewer than 100 cases on either side."""
    reference: Count | None = optional(None)
    """Cases of this class in the tuning data."""
    psi_expected: float | None = optional(None)
    """What `psi` is on average where both distributions are equal (Yurdakul and Naranjo 2020)."""
    psi_limit: float | None = optional(None)
    """What `psi` stays below in 95 of 100 such comparisons of equal distributions."""
    ks_limit: Probability | None = optional(None)
    """What `ks` stays below in 95 of 100 such comparisons (Smirnov 1948)."""
    differs: bool | None = optional(None)
    """Whether `psi` or `ks` is above its limit."""
    reason: str = optional("")
    """Why there is no comparison."""
