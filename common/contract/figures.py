"""What released figures are made of: values with intervals, cells of counts, tasks, pairs."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Counts of scores in ordered intervals of bins (docs/statistics.md).

    `edges` has one entry more than the counts: cell i holds the bins edges[i] ≤ bin <
    edges[i + 1] of `scores.bin_logits`.
    """

    edges: tuple[int, ...]
    positives: tuple[int, ...]
    negatives: tuple[int, ...]
    first_rest: tuple[int, ...] = ()
    """Lesion tasks: how many of the negatives are of the first of the two other classes."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with its interval; `value` is None where it cannot be computed (`reason`)."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    se: float | None = None
    """Standard error, of an AUC DeLong's."""


@dataclass(frozen=True, kw_only=True)
class TaskSummary:
    """What a site releases of one binary task."""

    unit: str
    task: str
    positives: int
    negatives: int
    auc: Figure
    """Exact, from the site's own scores; DeLong interval."""
    true_positives: int | None
    """At the operating point (score ≥ threshold); None: suppressed."""
    true_negatives: int | None
    cells: Cells | None
    """None: suppressed, or too few for two cells."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """Exact, from the site's own scores: `clustered` (interval of the AUC), `slope`, `intercept`,
    `in_the_large`, `partial_auc_0.90`, `sensitivity_at_0.90`, `specificity_at_0.90`, …"""


@dataclass(frozen=True, kw_only=True)
class TuningFigures:
    """How the incoming weights do on the site's tuning split."""

    lesions: int
    macro_auc: float | None
    """Mean one-vs-rest AUC over the classes that are both present and absent."""
    tasks: tuple[TaskSummary, ...] = ()
    """Cells of the patient task, from which the operating point is chosen."""


@dataclass(frozen=True, kw_only=True)
class SubgroupSummary:
    """Patients of one level of a variable, malignant versus benign; None: withheld."""

    variable: str
    """`lesion_size`, `vendor`, `field_strength`, or a name that the site declared."""
    level: str
    """What these patients have in common; `every level` where no level is released."""
    auc: Figure
    """Exact, from the site's own scores; DeLong interval. Withheld with its level, or where it
    would narrow down calls that are."""
    positives: int | None = None
    """Malignant patients."""
    negatives: int | None = None
    """Benign patients."""
    true_positives: int | None = None
    """At the operating point (score ≥ threshold)."""
    true_negatives: int | None = None
    """At the operating point (score < threshold)."""


@dataclass(frozen=True, kw_only=True)
class PairSummary:
    """Two models on the same cases of one task, by their places in the request."""

    first: int
    """Place of the first model in the request, from 0."""
    second: int
    """Place of the second model."""
    unit: str
    task: str
    positives: int
    negatives: int
    auc_first: Figure
    """Exact to the bin; DeLong interval."""
    auc_second: Figure
    """The same of the second model."""
    difference: Figure
    """Second − first; paired DeLong interval, patients as clusters."""
    calls: tuple[int, ...] | None
    """8 counts by truth, call of the first, call of the second; None: withheld."""
    bound: float = 0.0
    """How far the bins can have moved the difference at most."""


@dataclass(frozen=True, kw_only=True)
class PlacementCurve:
    """The pooled distribution of one figure's scores, as coarse as its maker chose."""

    edges: tuple[int, ...]
    """Cell i holds the bins edges[i] ≤ bin < edges[i + 1]; from 0 to 65,536."""
    of_positives: tuple[float, ...]
    """For each cell, the share of negatives that a positive there beats."""
    of_negatives: tuple[float, ...]
    """For each cell, the share of positives that a negative there lies below."""
    auc: float


@dataclass(frozen=True, kw_only=True)
class Spacing:
    """How one sequence is sampled at a site: 10, 50 and 90 % quantiles over examinations, mm."""

    sequence: str
    """Name of the sequence, e.g. `t2`."""
    between_slices: tuple[float, ...]
    """Distance of the slices."""
    in_plane: tuple[float, ...]
    """Size of a pixel, its longer side."""
