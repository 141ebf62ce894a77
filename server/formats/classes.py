"""The rows of `multiclass` and `confusion`: three classes of lesions at once."""

from dataclasses import dataclass

from hepafed.server.formats.estimates import (
    AucEstimate,
    IntervalEstimate,
    PointEstimate,
    RateEstimate,
)
from hepafed.server.formats.values import Count, Counts, PooledOrSite


@dataclass(frozen=True, kw_only=True)
class MulticlassRow:
    """Figures over the three classes of lesions, of one scope."""

    scope: PooledOrSite
    """Scope: whose lesions are counted."""
    site: str | None
    """The site, where the scope is `site`."""
    n: Count | None
    """Number of lesions; null where it is withheld."""
    confusion: Counts | None
    """Lesions by true class (rows) and called class; null where they are withheld."""
    accuracy: RateEstimate
    """Share of lesions whose most probable class is the true one."""
    kappa: IntervalEstimate
    """Cohen's kappa of true and called class."""
    balanced_accuracy: PointEstimate
    """Mean over the classes of the share that was called right."""
    f1_macro: PointEstimate
    """Mean of F1 over the classes."""
    f1_micro: PointEstimate
    """F1 over all lesions, which is the accuracy."""
    mcc: PointEstimate
    """Matthews' correlation coefficient of three classes."""
    macro: AucEstimate
    """Mean of the three one-versus-rest AUCs, clustered by patient."""
    hand_till: AucEstimate
    """Mean of the AUCs of all pairs of classes (Hand and Till 2001), clustered by patient."""


@dataclass(frozen=True, kw_only=True)
class ConfusionRow:
    """Lesions of a site by true class and called class."""

    site: str | None
    """The site."""
    counts: Counts | None
    """Lesions by true class (rows) and called class; null where they are withheld."""
    reason: str
    """Why the counts are withheld; empty where they are not."""
