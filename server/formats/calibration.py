"""The rows of `calibration`: how well probabilities agree with shares."""

from dataclasses import dataclass

from hepafed.server.formats.estimates import IntervalEstimate, PointEstimate, RateEstimate
from hepafed.server.formats.values import Count, PooledOrSite, Probability, Task, Unit


@dataclass(frozen=True, kw_only=True)
class ReliabilityTenth:
    """Cases whose predicted probability lies in one tenth."""

    low: Probability
    """Lower end of the tenth."""
    high: Probability
    """Upper end of the tenth."""
    n: Count
    """Number of cases in the tenth."""
    mean_score: Probability | None
    """Their mean predicted probability; null where there is no case."""
    observed: RateEstimate
    """Share of positives among them."""


@dataclass(frozen=True, kw_only=True)
class CalibrationRow:
    """Calibration of one scope, one unit and one task, without recalibration."""

    scope: PooledOrSite
    """Scope: whose cases are counted."""
    site: str | None
    """The site, where the scope is `site`."""
    unit: Unit
    """Unit that is counted: `patient` or `lesion`."""
    task: Task
    """Question that the row answers."""
    n: Count
    """Number of cases."""
    prevalence: PointEstimate
    """Share of positives."""
    brier: PointEstimate
    """Mean squared difference of probability and truth (Brier 1950)."""
    ece: PointEstimate
    """Expected calibration error over tenths of the probability."""
    mean_score: PointEstimate
    """Mean predicted probability."""
    reliability: tuple[ReliabilityTenth, ...]
    """The tenths; empty where they are withheld."""
    slope: IntervalEstimate
    """Slope of a logistic regression of truth on the logit (Cox 1958); 1 is perfect."""
    intercept: IntervalEstimate
    """Intercept of the same regression; 0 is perfect."""
    in_the_large: IntervalEstimate
    """Intercept where the slope is held at 1; 0 is perfect."""
