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
    """In lesion tasks, the negatives that are of the first of the two other classes."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with its interval; `value` is None where it cannot be computed (`reason`)."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    se: float | None = None
    """Standard error; of an AUC, that of DeLong."""
    half_band: float = 0.0
    """How far the value may be from the site's own; 0: it is exact."""


@dataclass(frozen=True, kw_only=True)
class TaskSummary:
    """What a site releases of one binary task."""

    unit: str
    task: str
    positives: int
    negatives: int
    auc: Figure
    """AUC from the site's own scores, exact, with DeLong's interval. In the form `masked` none,
    unless the site's policy says `site_auc = "exact"`."""
    true_positives: int | None
    """Positives with a score ≥ the operating point; None where it is suppressed."""
    true_negatives: int | None
    cells: Cells | None
    """Counts of the scores; None where they are suppressed or too few for two cells."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """Figures from the site's own scores: `slope`, `intercept`, `in_the_large`, `partial_auc_0.90`,
    `sensitivity_at_0.90`, `specificity_at_0.90`, `clustered_sensitivity` and the like (intervals of
    rates of lesions) and more, exact; and `clustered`, the interval of the AUC, whose placements
    pass through bins of the scores."""


@dataclass(frozen=True, kw_only=True)
class TuningFigures:
    """How the incoming weights do on the site's tuning split."""

    lesions: int
    macro_auc: float | None
    """Mean one-vs-rest AUC over the classes that are both present and absent; in the form `masked`
    none."""
    tasks: tuple[TaskSummary, ...] = ()
    """The patient task: cells, from which the operating point is chosen; in the form `masked` the
    numbers of patients alone."""
    form: str = "cells"
    """`cells`: the site's own figures; `masked`: its counts follow in a masked sum."""
    group: tuple[str, ...] = ()
    """In the form `masked`: the sites with which this site's tuning counts were summed before, in
    order; empty if they never were."""
    reason: str = ""
    """Why no counts of the site follow, in words of the program; nothing about a patient."""


@dataclass(frozen=True, kw_only=True)
class SubgroupSummary:
    """Patients of one level of a variable, malignant versus benign; None where withheld."""

    variable: str
    """`lesion_size`, `vendor`, `field_strength`, or a name that the site declared."""
    level: str
    """What these patients have in common; `every level` where no level is released."""
    auc: Figure
    """AUC from the site's own scores, exact, with DeLong's interval. It is withheld with its level,
    and where it would narrow down calls that are withheld."""
    positives: int | None = None
    """Malignant patients."""
    negatives: int | None = None
    """Benign patients."""
    true_positives: int | None = None
    """Malignant patients with a score ≥ the operating point."""
    true_negatives: int | None = None
    """Benign patients with a score < the operating point."""


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
    """AUC of the first model, exact to the bin, with DeLong's interval."""
    auc_second: Figure
    """AUC of the second model, exact to the bin, with DeLong's interval."""
    difference: Figure
    """AUC of the second minus that of the first, with a paired DeLong interval that takes patients
    as clusters."""
    calls: tuple[int, ...] | None
    """8 counts by truth, call of the first and call of the second; None where they are withheld."""
    discordant: tuple[int, ...] | None = None
    """Of each patient's d, the cases that only the first model calls right less those that only the
    second does: Σ d², and the patients whose d is not 0; None where they are withheld."""
    bound: float = 0.0
    """How far the bins can have moved the difference at most."""
    covering_first: Figure | None = None
    """AUC of the first model with the interval that covers, of lesions clustered by patient."""
    covering_second: Figure | None = None
    """AUC of the second model with the interval that covers."""
    covering: Figure | None = None
    """The difference with the interval that covers, made from both models' (Zou and Yue 2013)."""


@dataclass(frozen=True, kw_only=True)
class PlacementCurve:
    """The pooled distribution of the scores of one figure, as coarse as the coordinator chose."""

    edges: tuple[int, ...]
    """Bin numbers from 0 to 65,536; cell i holds the bins edges[i] ≤ bin < edges[i + 1]."""
    of_positives: tuple[float, ...]
    """For each cell, the share of negatives that a positive there beats."""
    of_negatives: tuple[float, ...]
    """For each cell, the share of positives that a negative there lies below."""
    auc: float


@dataclass(frozen=True, kw_only=True)
class Spacing:
    """Spacing of one sequence at a site in mm: 10, 50 and 90 % quantiles over examinations."""

    sequence: str
    """Name of the sequence, e.g. `t2`."""
    between_slices: tuple[float, ...]
    """Distance between slices."""
    in_plane: tuple[float, ...]
    """Longer side of a pixel."""
