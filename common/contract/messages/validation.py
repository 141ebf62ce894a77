"""The messages of a validation: figures of a frozen model, and the step for clustered intervals."""

from dataclasses import dataclass, field

from hepafed.common.contract import (
    CohortOrigin,
    Figure,
    NoiseNeed,
    PlacementCurve,
    Plan,
    SubgroupSummary,
    TaskSummary,
)


@dataclass(frozen=True, kw_only=True)
class ValidateRequest:
    """Score a frozen model on a split."""

    run: str
    model: str
    """Model id in the registry."""
    plan: Plan
    weights: str
    """SHA-256 of the bf16 blob."""
    threshold: float
    """Operating point on 1 − p_benign."""
    split: str
    """`external` or `test`."""
    subgroups: tuple[str, ...] = ()
    """Variables by which figures are to be split; the site's policy says which of them are."""
    fallback: bool = False
    """Whether to release cells, if the site's policy allows it, because the masked sum failed."""


@dataclass(frozen=True, kw_only=True)
class SiteSummary:
    """All that a site releases in a validation beside a masked vector; never a score.

    In the form `noisy` all numbers of cases are 0 or empty: only counts with noise tell of them.
    """

    run: str
    model: str
    weights: str
    patients: int
    lesions: int
    by_class: dict[str, int]
    """Lesions by class (`CLASS_KEYS`)."""
    minimum_count: int
    """The site's smallest cell."""
    tasks: tuple[TaskSummary, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    """3×3 counts of lesions by true class (row) and class with the largest probability (column);
    None where they are suppressed."""
    suppressed: tuple[str, ...] = field(default=())
    """Names of what was withheld."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """Exact figures over all classes: `macro` and `hand_till` AUC, `clustered_accuracy` and
    `clustered_kappa`."""
    sections: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Counts and sums: the small sections of `common/statistics/additive.py` that
    `common/disclosure/summaries.py` lists as `RELEASED`."""
    readers: tuple[str, ...] = ()
    """Names of the readers of the sections `reader_calls` and `reader_pairs`."""
    subgroups: tuple[SubgroupSummary, ...] = ()
    """Figures by the variables that were asked for and that the site's policy shares."""
    form: str = "cells"
    """How the score counts are released: `masked` (by the exchange that follows), `noisy` (the
    same, of few counts with noise), `cells` or `plain`."""
    vector: str = ""
    """SHA-256 of the uploaded score counts, in the form `plain`."""
    origin: CohortOrigin | None = None
    """How the cohort came about, and what was left out of it; None: not stated (older sites)."""
    noise: NoiseNeed | None = None
    """The noise that the site needs, in the form `noisy`."""


@dataclass(frozen=True, kw_only=True)
class PlacementsRequest:
    """Second step: ask where the site's cases are in the pooled distribution."""

    run: str
    curves: tuple[PlacementCurve | None, ...]
    """One curve for each AUC of `FIGURES` (`common/statistics/placement_sums.py`).

    In a comparison those of each model follow in turn. None where a class is missing in the pooled
    cohort."""


@dataclass(frozen=True, kw_only=True)
class PlacementsReply:
    """Sums over patients of products of centred placements.

    `common/statistics/placement_sums.py` makes them.
    """

    run: str
    form: str
    """`plain`, or `masked`: the sums go into a masked sum and `products` is empty."""
    products: tuple[int, ...] = ()
    """The sums in fixed point, for the form `plain`."""
