"""The rows of `results`: discrimination, curves and rates of one scope, unit and task."""

from dataclasses import dataclass
from typing import ClassVar

from hepafed.common.records import optional
from hepafed.server.formats.estimates import (
    AucEstimate,
    IntervalEstimate,
    PointEstimate,
    RateEstimate,
)
from hepafed.server.formats.values import (
    REASON_WHERE_NULL,
    SITE_WHERE_OF_ONE,
    Benefit,
    Count,
    Point,
    Probability,
    Scope,
    Task,
    Unit,
)


@dataclass(frozen=True, kw_only=True)
class ReadAtSpecificity:
    """A figure read off the ROC curve at a specificity."""

    specificity: Probability
    """Point of the curve at which the figure is read."""
    value: Probability | None
    """The figure; null where it cannot be computed."""
    least: Probability | None = None
    """The smallest value that the released cells leave possible; `value` where bins are fine."""
    most: Probability | None = None
    """The largest value that the released cells leave possible."""
    low: Probability | None = optional(None)
    """Lower end of the 95 % interval; absent where there is none (lesions share patients, or fewer
    than 3 cases lie beyond the point)."""
    high: Probability | None = optional(None)
    """Upper end of the 95 % interval."""
    reason: str = optional("")
    """Why there is no value."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)


@dataclass(frozen=True, kw_only=True)
class ReadAtSensitivity:
    """A figure read off the ROC curve at a sensitivity."""

    sensitivity: Probability
    """Point of the curve at which the figure is read."""
    value: Probability | None
    """The figure; null where it cannot be computed."""
    least: Probability | None = None
    """The smallest value that the released cells leave possible; `value` where bins are fine."""
    most: Probability | None = None
    """The largest value that the released cells leave possible."""
    low: Probability | None = optional(None)
    """Lower end of the 95 % interval; absent where there is none (lesions share patients, or fewer
    than 3 cases lie beyond the point)."""
    high: Probability | None = optional(None)
    """Upper end of the 95 % interval."""
    reason: str = optional("")
    """Why there is no value."""

    schema_rules: ClassVar = (REASON_WHERE_NULL,)


@dataclass(frozen=True, kw_only=True)
class AtPrevalence:
    """Predictive values at a stated share of positives (Bayes)."""

    prevalence: Probability
    """The share of positives."""
    ppv: Probability | None
    """Positive predictive value; null where no case is called positive."""
    npv: Probability | None
    """Negative predictive value; null where no case is called negative."""
    ppv_low: Probability | None = optional(None)
    """Lower end of its 95 % interval (Mercaldo, Lau and Zhou 2007; Zou and Donner 2008)."""
    ppv_high: Probability | None = optional(None)
    """Upper end of its 95 % interval."""
    npv_low: Probability | None = optional(None)
    """Lower end of its 95 % interval, made in the same way."""
    npv_high: Probability | None = optional(None)
    """Upper end of its 95 % interval."""
    reason: str = optional("")
    """Why there is no interval."""


@dataclass(frozen=True, kw_only=True)
class NetBenefit:
    """One point of the decision curve (Vickers and Elkin 2006); treating nobody has 0."""

    threshold: Probability
    """Threshold probability."""
    model: Benefit
    """Net benefit of acting on the model."""
    all: Benefit
    """Net benefit of acting on everybody."""


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """Figures of one scope, one unit and one task."""

    scope: Scope
    """Whose cases these are: all sites' together, one site's, or the plain mean over sites."""
    site: str | None
    """The site, where the scope is `site`."""
    unit: Unit
    """Unit that is counted: `patient` or `lesion`."""
    task: Task
    """Which question; `macro` is the mean of the three lesion tasks."""
    n: Count
    """Number of cases."""
    positives: Count | None
    """Number of positives; null for `macro`."""
    auc: AucEstimate
    """Area under the ROC curve."""
    roc: tuple[Point, ...] | None = optional(None)
    """Points of the ROC curve, [false positive rate, sensitivity]; 200 at most."""
    pr: tuple[Point, ...] | None = optional(None)
    """Points of the precision-recall curve, [recall, precision]; 200 at most."""
    average_precision: PointEstimate | None = optional(None)
    """Σ (recall gained) · precision."""
    partial_auc: tuple[ReadAtSpecificity, ...] | None = optional(None)
    """Partial AUC from a specificity up to 1, standardised."""
    sensitivity_at: tuple[ReadAtSpecificity, ...] | None = optional(None)
    """Sensitivity at a specificity."""
    specificity_at: tuple[ReadAtSensitivity, ...] | None = optional(None)
    """Specificity at a sensitivity."""
    sensitivity: RateEstimate | None = optional(None)
    """Sensitivity at the operating point (lesion tasks: at a probability of 0.5)."""
    specificity: RateEstimate | None = optional(None)
    """Specificity at the operating point."""
    ppv: RateEstimate | None = optional(None)
    """Positive predictive value at the operating point."""
    npv: RateEstimate | None = optional(None)
    """Negative predictive value at the operating point."""
    accuracy: RateEstimate | None = optional(None)
    """Share of right calls at the operating point."""
    balanced_accuracy: IntervalEstimate | None = optional(None)
    """Mean of sensitivity and specificity."""
    f1: PointEstimate | None = optional(None)
    """Harmonic mean of PPV and sensitivity."""
    mcc: PointEstimate | None = optional(None)
    """Matthews' correlation coefficient."""
    likelihood_positive: IntervalEstimate | None = optional(None)
    """Likelihood ratio of a positive call."""
    likelihood_negative: IntervalEstimate | None = optional(None)
    """Likelihood ratio of a negative call."""
    at_prevalence: tuple[AtPrevalence, ...] | None = optional(None)
    """Predictive values at the prevalences that were asked for."""
    net_benefit: tuple[NetBenefit, ...] | None = optional(None)
    """The decision curve."""

    schema_rules: ClassVar = (SITE_WHERE_OF_ONE,)
