"""Several models on the same lesions: what adds up over sites, and how each two of them differ.

Every model is scored on the lesions that all of them could score. What a site puts into a sum
(`Paired`) are each model's additive components (`common/statistics/additive.py`) and, for each pair
of models, how their calls cross. With them the coordinator makes placement curves of each model;
the placement sums (`clusters.products_of` of all models at once) give the covariance of their AUCs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from hepafed.common.contract import Figure, PairSummary
from hepafed.common.disclosure.discordance import possible_discordance, right_alone
from hepafed.common.disclosure.lesion_intervals import several_of, tells_of_enough
from hepafed.common.disclosure.pair_intervals import (
    NO_VARIANCE,
    ROUNDING,
    known_intervals,
    with_covering,
)
from hepafed.common.disclosure.summaries import NO_INTERVAL, figure_of
from hepafed.common.disclosure.suppression import POOLED_ONLY, enough_of
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.statistics import (
    FIGURES,
    TASK_ORDER,
    Additive,
    Auc,
    Products,
    ScoreTable,
    additive_of,
    auc_from_intervals,
    called,
    check_additive,
    curves_of,
    estimate,
    intervals_of_histogram,
    pair_histogram,
    patients_of,
    products_of,
    rows_of,
    task_scores,
    threshold_of,
    vector_length,
)
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
EXACT = 1
"""The fewest cases in a cell of a placement curve that a site makes for itself: nothing is
hidden."""
WITHHELD = "withheld: fewer cases of a class than the site's minimum count"
NO_PRODUCTS = "not every site sent the sums over patients that an interval needs"


def common_rows(tables: Sequence[ScoreTable]) -> list[ScoreTable]:
    """Return the rows of the lesions that every table has, in the order of the first.

    Raises
    ------
    DataError
        The tables disagree on the truth of a lesion, or share none.
    """
    places = [{k: i for i, k in enumerate(_keys(t))} for t in tables]
    shared = [k for k in places[0] if all(k in p for p in places)]
    if not shared:
        raise DataError("the models share no lesion", "the tables must be of the same cohort")
    found = [
        rows_of(t, np.array([p[k] for k in shared], np.int64))
        for t, p in zip(tables, places, strict=True)
    ]
    wrong = np.any([t.truth != found[0].truth for t in found], axis=0)
    if wrong.any():
        raise DataError(f"the score tables disagree on the truth of {int(wrong.sum())} lesions")
    return found


def _keys(table: ScoreTable) -> list[tuple[str, str, str]]:
    columns = (table.site.tolist(), table.patient.tolist(), table.lesion.tolist())
    return list(zip(*columns, strict=True))


def pairs_of(models: int) -> list[tuple[int, int]]:
    """Return the pairs of models, in order."""
    return list(combinations(range(models), 2))


@dataclass(frozen=True, eq=False)
class Paired:
    """A site's part of a comparison, or the sum of several sites'."""

    sums: tuple[Additive, ...]
    """The components of each model, over the common lesions alone, without readers."""
    calls: Counts
    """Cases by pair of models, task, truth and the calls of both models: [pairs, 4, 2, 2, 2]."""
    discordant: Counts
    """By pair and task, of each patient's d, the cases that only the first model calls right less
    those that only the second does: Σ d², and the patients whose d is not 0: [pairs, 4, 2]."""

    def to_vector(self) -> NDArray[np.uint64]:
        """Return uint64[paired_length(models)]; vectors add up modulo 2^64."""
        parts = [s.to_vector() for s in self.sums]
        parts += [counts.ravel().view(np.uint64) for counts in (self.calls, self.discordant)]
        return np.concatenate(parts)

    @classmethod
    def from_vector(cls, vector: NDArray[np.uint64], models: int) -> "Paired":
        """Return the part in a vector, or in the sum of several.

        Raises
        ------
        PayloadError
            The length is not that of the layout.
        """
        if vector.shape != (paired_length(models),) or vector.dtype != np.uint64:
            raise PayloadError("a vector of paired sums does not have the agreed layout")
        one = vector_length()
        parts = [vector[i * one : (i + 1) * one] for i in range(models)]
        shape = (len(pairs_of(models)), len(TASK_ORDER))
        calls, discordant = np.split(vector[models * one :].view(np.int64), [8 * math.prod(shape)])
        return cls(
            sums=tuple(Additive.from_vector(p) for p in parts),
            calls=calls.reshape(*shape, 2, 2, 2),
            discordant=discordant.reshape(*shape, 2),
        )


def paired_length(models: int) -> int:
    """Return how many integers the vector of some models holds."""
    return models * vector_length() + (8 + 2) * len(TASK_ORDER) * len(pairs_of(models))


def add_paired(parts: Sequence[Paired]) -> Paired:
    """Return the sum of the parts of several sites, all of the same models."""
    total = parts[0].to_vector()
    for part in parts[1:]:
        total += part.to_vector()
    return Paired.from_vector(total, len(parts[0].sums))


def check_paired(paired: Paired, what: str) -> None:
    """Check that sums can be those of cases; PayloadError names whose they are."""
    for sums in paired.sums:
        check_additive(sums, what)
    by_truth = paired.sums[0].called.sum(2)
    same = all((s.called.sum(2) == by_truth).all() for s in paired.sums)
    for (a, b), calls in zip(pairs_of(len(paired.sums)), paired.calls, strict=True):
        same = same and calls.min(initial=0) >= 0
        same = same and bool((calls.sum(3) == paired.sums[a].called).all())
        same = same and bool((calls.sum(2) == paired.sums[b].called).all())
    for calls, discordant in zip(paired.calls, paired.discordant, strict=True):
        for its, (squares, patients) in zip(calls, discordant.tolist(), strict=True):
            same = same and possible_discordance(*right_alone(its), squares, patients)
    if not same:
        raise PayloadError(f"the paired sums of {what} are not over the same cases")


def paired_of(tables: Sequence[ScoreTable], thresholds: Sequence[float]) -> Paired:
    """Return a site's part; the tables have the same rows, thresholds are the patients'."""
    sums = tuple(additive_of(t, x) for t, x in zip(tables, thresholds, strict=True))
    crossed = [
        _crossed_calls(tables[a], tables[b], (thresholds[a], thresholds[b]))
        for a, b in pairs_of(len(tables))
    ]
    calls, discordant = (np.stack(parts) for parts in zip(*crossed, strict=True))
    return Paired(sums=sums, calls=calls, discordant=discordant)


def _crossed_calls(
    first: ScoreTable, second: ScoreTable, at: tuple[float, float]
) -> tuple[Counts, Counts]:
    made = np.zeros((len(TASK_ORDER), 2, 2, 2), np.int64)
    discordant = np.zeros((len(TASK_ORDER), 2), np.int64)
    index, count = patients_of(first)
    for i, (unit, task) in enumerate(TASK_ORDER):
        a, b = task_scores(first, unit, task), task_scores(second, unit, task)
        calls = [called(s, threshold_of(unit, t)) for s, t in zip((a, b), at, strict=True)]
        np.add.at(made[i], (a.truth.astype(int), calls[0].astype(int), calls[1].astype(int)), 1)
        gained = (calls[0] == a.truth).astype(int) - (calls[1] == a.truth)
        d = gained if unit == "patient" else np.bincount(index, gained, count).astype(np.int64)
        discordant[i] = d @ d, np.count_nonzero(d)
    return made, discordant


def pair_summaries(paired: Paired, products: Products | None) -> tuple[PairSummary, ...]:
    """Return the comparison of each two models in each task (DeLong 1988), patients as clusters.

    `products` are those of all models' `FIGURES`, with the curves of `paired.sums`; without them
    a difference has no interval.
    """
    cells = [[intervals_of_histogram(pair_histogram(s, f)) for f in FIGURES] for s in paired.sums]
    values = [[auc_from_intervals(c) for c in model] for model in cells]
    known = None if products is None else known_intervals(paired.sums, cells, values, products)
    made = []
    for pair, (a, b) in enumerate(pairs_of(len(cells))):
        for i, (unit, task) in enumerate(TASK_ORDER):
            at = FIGURES.index((unit, task))
            x, y = at + a * len(FIGURES), at + b * len(FIGURES)
            aucs = values[a][at], values[b][at]
            positives, negatives = cells[a][at].totals
            found = PairSummary(
                first=a,
                second=b,
                unit=unit,
                task=task,
                positives=int(positives),
                negatives=int(negatives),
                auc_first=figure_of(aucs[0]),
                auc_second=figure_of(aucs[1]),
                difference=_difference(aucs, None if known is None else known.variance(x, y)),
                calls=tuple(paired.calls[pair, i].ravel().tolist()),
                discordant=tuple(paired.discordant[pair, i].tolist()),
                bound=sum(x.bound for x in aucs if x is not None),
            )
            made.append(found if known is None else with_covering(found, known, x, y))
    return tuple(made)


def _difference(aucs: tuple[Auc | None, Auc | None], variance: float | None) -> Figure:
    first, second = aucs
    if first is None or second is None:
        return Figure(reason="one class only")
    value = second.value - first.value
    if variance is None:
        return Figure(value=value, reason=NO_PRODUCTS)
    if not math.isfinite(variance):
        return Figure(value=value, reason=NO_INTERVAL)
    se = math.sqrt(variance) if variance > ROUNDING else 0.0
    if se == 0 and abs(value) > ROUNDING:
        return Figure(value=value, reason=NO_VARIANCE)
    found = estimate(value, se, within=(-1.0, 1.0))
    return Figure(value=found.value, low=found.low, high=found.high, se=found.se)


def own_pairs(
    tables: Sequence[ScoreTable],
    paired: Paired,
    minimum: int,
    *,
    calls: bool,
    pooled_only: bool = False,
) -> tuple[PairSummary, ...]:
    """Return what a site releases of its own comparison, exact to the bin.

    With fewer cases of a class than `minimum`, or where figures exist `pooled_only`, it releases
    totals only; crossed calls only where they are asked for (`calls`) and no cell of any pair's
    has fewer than `minimum` cases; how they fall on patients only where besides no fewer
    patients, and no fewer with several lesions, are told of.
    """
    curves = [curves_of(s, EXACT) for s in paired.sums]
    found = pair_summaries(paired, products_of(list(tables), curves))
    gone = Figure(reason=POOLED_ONLY if pooled_only else WITHHELD)
    shown = calls and bool((paired.calls[paired.calls > 0] >= minimum).all())
    found = tuple(
        _without_figures(p, gone)
        if pooled_only or not enough_of(minimum, p.positives, p.negatives)
        else p
        for p in found
    )
    patients = paired.discordant[:, :, 1]
    fallen = shown and bool((patients[patients > 0] >= minimum).all())
    fallen = fallen and tells_of_enough(several_of(tables[0]), minimum)
    return tuple(
        replace(p, calls=p.calls if shown else None, discordant=p.discordant if fallen else None)
        for p in found
    )


def _without_figures(pair: PairSummary, gone: Figure) -> PairSummary:
    return replace(
        pair,
        auc_first=gone,
        auc_second=gone,
        difference=gone,
        bound=0.0,
        covering_first=None,
        covering_second=None,
        covering=None,
    )
