"""Comparison: frozen models on the lesions that all of them can score."""

from dataclasses import dataclass

from hepafed.common.contract.figures import PairSummary
from hepafed.common.contract.plan import Plan


@dataclass(frozen=True, kw_only=True)
class ComparedModel:
    """A frozen model of a comparison."""

    model: str
    """Model id in the registry."""
    plan: Plan
    weights: str
    """SHA-256 of the bf16 blob."""
    threshold: float
    """Operating point on 1 − p_benign."""


@dataclass(frozen=True, kw_only=True)
class CompareRequest:
    """Score several models on a split, and compare them on the lesions that all of them scored."""

    run: str
    split: str
    """`external` or `test`."""
    models: tuple[ComparedModel, ...]
    """The validated model first."""


@dataclass(frozen=True, kw_only=True)
class SiteComparison:
    """All that a site releases of a comparison beside a masked vector: never a score."""

    run: str
    weights: tuple[str, ...]
    """SHA-256 of each model's blob, as asked."""
    patients: int
    """With a lesion that every model could score."""
    lesions: int
    """That every model could score."""
    minimum_count: int
    """The site's smallest cell."""
    pairs: tuple[PairSummary, ...]
    """By pair of models and task."""
    form: str
    """How the paired counts are released: `masked` (by the exchange that follows), `plain`, or not
    at all: `figures`."""
    vector: str = ""
    """Form `plain`: SHA-256 of the uploaded counts."""
