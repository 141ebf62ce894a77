"""The messages of a comparison: frozen models on the lesions that all of them can score."""

from dataclasses import dataclass

from hepafed.common.contract import PairSummary, Plan


@dataclass(frozen=True, kw_only=True)
class ComparedModel:
    """One of the frozen models that are compared."""

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
    """The models, the validated one first."""


@dataclass(frozen=True, kw_only=True)
class SiteComparison:
    """All that a site releases of a comparison beside a masked vector; never a score."""

    run: str
    weights: tuple[str, ...]
    """SHA-256 of the blob of each model, in the order of the request."""
    patients: int
    """Patients with a lesion that every model could score."""
    lesions: int
    """Lesions that every model could score."""
    minimum_count: int
    """The site's smallest cell."""
    pairs: tuple[PairSummary, ...]
    """Figures of each pair of models in each task."""
    form: str
    """How the paired counts are released: `masked` (by the exchange that follows), `plain`, or not
    at all: `figures`."""
    vector: str = ""
    """SHA-256 of the uploaded counts, in the form `plain`."""
