"""Means of AUCs over classes, macro and Hand and Till's, with intervals that know the clusters."""

from dataclasses import dataclass, replace

import numpy as np
from hepafed.common.contract import CLASS_KEYS, Figure
from hepafed.common.statistics.additive import TASK_ORDER, Additive
from hepafed.common.statistics.agreement import Estimate
from hepafed.common.statistics.auc import (
    MOST_FREEDOM,
    Auc,
    covering_ends,
    delong_auc,
    expected_variance,
    half_pair_added,
    placements,
    score_ends,
    squares,
)
from hepafed.common.statistics.bins import Intervals, intervals_of_histogram
from hepafed.common.statistics.clustered_auc import (
    Sizes,
    clustered_interval,
    covariance,
    effective,
    freedom,
    interval,
    with_exact_diagonal,
)
from hepafed.common.statistics.placement_sums import (
    FIGURES,
    ONE_VS_REST,
    PAIRWISE,
    Products,
    curves_of,
    figure_scores,
    pair_histogram,
    products_of,
)
from hepafed.common.statistics.rates import Z
from hepafed.common.statistics.scores import ScoreTable
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
MEANS = {"macro": ONE_VS_REST, "hand_till": PAIRWISE}


def sizes_of(cells: list[Intervals], size: Counts, clusters: Counts) -> Sizes:
    """Return the cases and clusters of all `FIGURES`, whose intervals are given in that order.

    `size` and `clusters` are the sections of that name. For a pair of classes the clusters that
    hold either are taken to be all patients; only a factor I/(I − 1) depends on it.
    """
    totals = np.array([c.totals for c in cells], np.int64)
    held = []
    for unit, name in FIGURES:
        if (unit, name) in TASK_ORDER:
            without, having = clusters[TASK_ORDER.index((unit, name))]
        else:
            a, b = (CLASS_KEYS.index(c) for c in name.split("_vs_"))
            having, without = clusters[1 + a][1], clusters[1 + b][1]
        held.append((having, without))
    counts = np.array(held, np.int64)
    return Sizes(
        positives=totals[:, 0],
        negatives=totals[:, 1],
        with_positives=counts[:, 0],
        with_negatives=counts[:, 1],
        clusters=np.full(len(FIGURES), size[0], np.int64),
    )


def products_with_exact_squares(cells: list[Intervals], products: Products) -> Floats:
    """Return step 2's sums [10, 10, 3] with the squares of single cases from the histograms."""
    crossed, within, _ = products.real()
    exact = within.copy()
    for i, c in enumerate(cells):
        if (found := placements(c)) is not None:
            exact[i] = squares(c, found)
    return with_exact_diagonal(crossed, within, exact)


def estimates(
    values: list[Auc | None], crossed: Floats, fourth: Floats, sizes: Sizes
) -> tuple[dict[str, Estimate | None], dict[str, Estimate | None]]:
    """Return the clustered interval of each one-vs-rest AUC, and those of the means over classes.

    `values` are the AUCs of `FIGURES`, `crossed` and `fourth` their sums over
    patients. A mean is absent where one of its AUCs is; None: no interval.
    """
    single: dict[str, Estimate | None] = {}
    for i, (figure, auc) in enumerate(zip(FIGURES, values, strict=True)):
        if figure in ONE_VS_REST and auc is not None:
            single[figure[1]] = clustered_interval(auc.value, crossed, fourth, sizes, i)
    matrix = covariance(crossed, sizes)
    means: dict[str, Estimate | None] = {}
    for name, members in MEANS.items():
        at = [FIGURES.index(m) for m in members]
        found = [v.value for i in at if (v := values[i]) is not None]
        if len(found) == len(at):
            value = sum(found) / len(at)
            made = interval(value, float(matrix[np.ix_(at, at)].mean())) or Estimate(value)
            members_are = _MeanOf(found, crossed, fourth, sizes, at)
            means[name] = replace(made, adjusted=_mean_ends(made, matrix, members_are))
    return single, means


@dataclass(frozen=True)
class _MeanOf:
    """The AUCs of a mean, by their places in the sums."""

    values: list[float]
    crossed: Floats
    fourth: Floats
    sizes: Sizes
    at: list[int]


def _mean_ends(mean: Estimate, matrix: Floats, members: _MeanOf) -> tuple[float, float] | None:
    """Return the covering interval of a mean of AUCs; None where it has no standard error.

    As of one AUC (`auc.covering_ends`). Half a pair is added in each member. The degrees of
    freedom are the members' mean, weighted by their variances. The expected variance is the mean
    of the members', times the share of it that the sampled covariance leaves to the mean.
    """
    if mean.se is None:
        return None
    at, sizes = members.at, members.sizes
    each = np.diag(matrix)[at]
    sampled = float(each.sum()) > 0 and 0 < mean.value < 1 and mean.se > 0
    share = mean.se**2 / float(each.mean()) if sampled else 1.0

    def expected(theta: float) -> float:
        parts = [expected_variance(theta, *effective(sizes, i)) for i in at]
        return share * sum(parts) / len(parts)

    if not sampled:
        return score_ends(mean.value, Z, expected)
    degrees = [
        min(freedom(members.crossed, members.fourth, sizes, i), MOST_FREEDOM) if v > 0 else 0.0
        for i, v in zip(at, each.tolist(), strict=True)
    ]
    middles = [
        half_pair_added(v, int(sizes.positives[i]) * int(sizes.negatives[i]))
        for i, v in zip(at, members.values, strict=True)
    ]
    return covering_ends(
        mean.value,
        sum(middles) / len(middles),
        mean.se,
        float(np.average(degrees, weights=each)),
        expected,
    )


def clustered_figures(
    table: ScoreTable, sums: Additive
) -> tuple[dict[str, dict[str, Figure]], dict[str, Figure]]:
    """Return a site's own clustered intervals by task, and its `macro` and `hand_till` figures.

    The AUCs are exact; their covariance is taken at the resolution of the bins.
    """
    cells = [intervals_of_histogram(pair_histogram(sums, f)) for f in FIGURES]
    products = products_of([table], [curves_of(sums, 1)])
    sizes = sizes_of(cells, sums.size, sums.clusters)
    values = [delong_auc(*figure_scores(table, f)) for f in FIGURES]
    single, means = estimates(
        values, products_with_exact_squares(cells, products), products.real()[2], sizes
    )
    return (
        {
            n: {"clustered": released(e)} | adjusted_figure("clustered_logit", e)
            for n, e in single.items()
        },
        {
            n: released(means[n]) if n in means else Figure(reason="a class is missing")
            for n in MEANS
        }
        | {k: f for n in MEANS for k, f in adjusted_figure(f"{n}_logit", means.get(n)).items()},
    )


def adjusted_figure(name: str, found: Auc | Estimate | None) -> dict[str, Figure]:
    """Return the interval that covers as a releasable figure, where there is one."""
    if found is None or found.adjusted is None:
        return {}
    low, high = found.adjusted
    return {name: Figure(value=found.value, low=low, high=high)}


def released(found: Estimate | None) -> Figure:
    """Return an estimate as a releasable figure."""
    if found is None:
        return Figure(reason="fewer than two patients with a class: no interval")
    reason = "" if found.se is not None else "fewer than two patients with a class: no interval"
    return Figure(value=found.value, low=found.low, high=found.high, se=found.se, reason=reason)
