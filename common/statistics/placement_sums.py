"""Sums of placement values over patients: what clustered lesions and paired models need.

The covariance of two AUCs, or the variance of one where lesions share a patient (Obuchowski
1997, DeLong et al. 1988), is made of sums over patients of products of *centred placements*: how
much of the other class a case beats in the pooled cohort, less the pooled AUC. They add up over
sites once every site knows the pooled distribution, in two steps:

1. Each site sends its additive components (`additive.py`). The coordinator pools them and
   makes a `PlacementCurve` of each figure (`curve_of`): a few cells of bins, each holding at
   least `minimum` pooled cases, and the share of the other class a case in that cell beats.
2. Each site looks its cases up in the curves and answers with `products_of`: fixed-point integers
   that add up modulo 2^64, masked or plain. `server/pooling` makes intervals of them.

A figure is one AUC: the patients' task, the three one-vs-rest AUCs of lesions, and the six
class-against-class AUCs that Hand and Till average. `FIGURES` lists them.
"""

from dataclasses import dataclass

import numpy as np
from hepafed.common.contract import CLASS_KEYS, TASKS, PlacementCurve
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.additive import (
    Additive,
    from_fixed,
    length_of,
    sections_of,
    task_histogram,
    to_fixed,
    vector_of,
)
from hepafed.common.statistics.auc import placements, shares
from hepafed.common.statistics.bins import (
    BINS,
    Histogram,
    Intervals,
    bin_logits,
    intervals_of_histogram,
    mass_of_bins,
)
from hepafed.common.statistics.clustered_auc import fourth_powers
from hepafed.common.statistics.scores import ScoreTable, TaskScores, patients_of, task_scores
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PATIENT = ("patient", "malignant_vs_benign")
PAIRWISE = tuple(("lesion", f"{a}_vs_{b}") for a in CLASS_KEYS for b in CLASS_KEYS if a != b)
"""The AUCs of score p_a with positives of class a and negatives of class b (Hand and Till 2001)."""
ONE_VS_REST = tuple(("lesion", t) for t in TASKS["lesion"])
FIGURES = (PATIENT, *ONE_VS_REST, *PAIRWISE)
"""The unit and the name of each AUC, in the order of the sums."""


def pair_histogram(sums: Additive, name: tuple[str, str]) -> Histogram:
    """Return the fine histogram of any of `FIGURES`."""
    if name not in PAIRWISE:
        return Histogram(*task_histogram(sums, *name))
    a, b = (CLASS_KEYS.index(c) for c in name[1].split("_vs_"))
    return Histogram(sums.lesion_scores[a, a], sums.lesion_scores[a, b])


def curve_of(cells: Intervals, minimum: int) -> PlacementCurve | None:
    """Return the curve of a pooled distribution; None when a class is empty.

    Neighbouring bins are merged until each cell holds `minimum` cases (1: exact, and every
    occupied bin is shown).
    """
    whole = placements(cells)
    if whole is None:
        return None
    mass = mass_of_bins(cells.low, cells.high, cells.positives + cells.negatives)
    occupied = np.flatnonzero(mass)
    total = np.cumsum(mass[occupied])
    if minimum <= 1:
        edges, at = [0, *occupied[1:].tolist()], len(occupied)
    else:
        edges, at = [0], 0
    while at < len(occupied):
        held = total[at - 1] if at else 0.0
        at = int(np.searchsorted(total, held + minimum - 1e-9)) + 1  # bins in so far
        if at >= len(occupied) or total[-1] - total[at - 1] < minimum - 1e-9:
            break
        edges.append(int(occupied[at]))
    edges.append(BINS)
    low = np.array(edges, np.int64)
    of_positives, of_negatives, _ = shares(cells, low[:-1], low[1:])
    return PlacementCurve(
        edges=tuple(edges),
        of_positives=tuple(of_positives.tolist()),
        of_negatives=tuple(of_negatives.tolist()),
        auc=whole.value,
    )


def curves_of(sums: Additive, minimum: int) -> tuple[PlacementCurve | None, ...]:
    """Return the curves of all `FIGURES` from one sum of sites."""
    return tuple(
        curve_of(intervals_of_histogram(pair_histogram(sums, f)), minimum) for f in FIGURES
    )


def check_curve(curve: PlacementCurve) -> None:
    """Check, at a site, a curve that came from the coordinator.

    Raises
    ------
    PayloadError
        Its edges are not ascending bins from 0 to 65,536, or a share is outside 0…1.
    """
    edges = np.array(curve.edges, np.int64)
    shares = np.array([*curve.of_positives, *curve.of_negatives, curve.auc])
    fits = len(edges) - 1 == len(curve.of_positives) == len(curve.of_negatives)
    ends = len(edges) >= 2 and edges[0] == 0 and edges[-1] == BINS
    good = fits and ends and bool((np.diff(edges) > 0).all())
    if not good or not bool(((shares >= 0) & (shares <= 1)).all()):
        raise PayloadError("a placement curve is not valid")


@dataclass(frozen=True, eq=False)
class Products:
    """Sums over patients of products of centred placements, for F figures; int64, fixed point.

    P_f(i) is the sum over the positives of patient i in figure f, N_f(i) that over the negatives.
    """

    crossed: NDArray[np.int64]
    """[F, F, 3]: Σ_i P_f P_g, Σ_i N_f N_g, Σ_i P_f N_g."""
    within: NDArray[np.int64]
    """[F, 2]: sums of the squares of single cases, positives and negatives."""
    fourth: NDArray[np.int64]
    """[F, 5]: Σ_i P⁴, P³N, P²N², PN³, N⁴, for the degrees of freedom."""

    def to_vector(self) -> NDArray[np.uint64]:
        """Return uint64[products_length(F)], the arrays in the order of `product_sections`."""
        return vector_of(self, product_sections(len(self.within)))

    @classmethod
    def from_vector(cls, vector: NDArray[np.uint64], figures: int = len(FIGURES)) -> "Products":
        """Return the sums in a vector, or in the sum of several modulo 2^64.

        Raises
        ------
        PayloadError
            The length is not that of the layout.
        """
        return cls(**sections_of(vector, product_sections(figures), "products"))

    def real(self) -> tuple[Floats, Floats, Floats]:
        """Return the three arrays as real numbers."""
        return from_fixed(self.crossed), from_fixed(self.within), from_fixed(self.fourth)


def product_sections(figures: int) -> dict[str, tuple[int, ...]]:
    """Return the layout of `Products` for F figures: name → shape, in the vector's order."""
    return {"crossed": (figures, figures, 3), "within": (figures, 2), "fourth": (figures, 5)}


def products_length(figures: int = len(FIGURES)) -> int:
    """Return how many integers the vector of F figures holds: 3 F² + 7 F."""
    return length_of(product_sections(figures))


def add_products(parts: list[Products]) -> Products:
    """Return the sum of the products of several sites.

    Raises
    ------
    PayloadError
        They are of different numbers of figures, or there are none.
    """
    if len({p.crossed.shape for p in parts}) != 1:
        raise PayloadError("products of different figures do not add up")
    total = parts[0].to_vector()
    for part in parts[1:]:
        total = total + part.to_vector()
    return Products.from_vector(total, len(parts[0].within))


def products_of(
    tables: list[ScoreTable], curves: list[tuple[PlacementCurve | None, ...]]
) -> Products:
    """Return a site's sums for one model, or for several whose tables have the same rows.

    Figures are those of the first model, then of the second. A figure without a curve (a class
    is missing in the pooled cohort) gives zeros.
    """
    columns, within = [], []
    for table, its in zip(tables, curves, strict=True):
        index, count = patients_of(table)
        for figure, curve in zip(FIGURES, its, strict=True):
            if curve is None:
                columns.append(np.zeros((2, count)))
                within.append((0.0, 0.0))
                continue
            check_curve(curve)
            centred, squares = _placed(table, figure, curve, index, count)
            columns.append(centred)
            within.append(squares)
    p, n = np.stack([c[0] for c in columns]), np.stack([c[1] for c in columns])
    return Products(
        crossed=to_fixed(np.stack([p @ p.T, n @ n.T, p @ n.T], axis=2)),
        within=to_fixed(np.array(within)),
        fourth=to_fixed(fourth_powers(p, n)),
    )


def figure_scores(table: ScoreTable, figure: tuple[str, str]) -> tuple[Floats, Floats]:
    """Return the logits of a figure's positives and of its negatives."""
    scores, kept = _scores_of(table, figure)
    return scores.logits[kept & scores.truth], scores.logits[kept & ~scores.truth]


def _scores_of(table: ScoreTable, figure: tuple[str, str]) -> tuple[TaskScores, NDArray[np.bool_]]:
    """Return the scores of any of `FIGURES`, and which cases count in it."""
    if figure not in PAIRWISE:
        scores = task_scores(table, *figure)
        return scores, np.ones(len(scores.truth), bool)
    a, b = figure[1].split("_vs_")
    scores = task_scores(table, "lesion", f"{a}_vs_rest")
    return scores, scores.truth | (table.truth == CLASS_KEYS.index(b))


def _placed(
    table: ScoreTable,
    figure: tuple[str, str],
    curve: PlacementCurve,
    index: NDArray[np.int64],
    count: int,
) -> tuple[Floats, tuple[float, float]]:
    """Return the sums of centred placements by patient, [2, count] (positives, negatives).

    After them come the sums of their squares over all cases.
    """
    scores, kept = _scores_of(table, figure)
    cluster = np.arange(count) if figure == PATIENT else index
    cell = np.searchsorted(np.array(curve.edges), bin_logits(scores.logits), side="right") - 1
    sums, squares = [], []
    for chosen, share in (
        (kept & scores.truth, curve.of_positives),
        (kept & ~scores.truth, curve.of_negatives),
    ):
        centred = np.array(share)[cell[chosen]] - curve.auc
        sums.append(np.bincount(cluster[chosen], weights=centred, minlength=count))
        squares.append(float(np.square(centred).sum()))
    return np.stack(sums), (squares[0], squares[1])
