"""Models compared on the same cohort: paired DeLong, McNemar, Holm, non-inferiority."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from hepafed.common.additive import TASK_ORDER, Additive
from hepafed.common.agreement import estimate, holm, mcnemar
from hepafed.common.auc import auc_from_intervals
from hepafed.common.bins import intervals_of_histogram
from hepafed.common.clusters import FIGURES, Products, pair_histogram
from hepafed.common.multiclass import sizes_of
from hepafed.common.obuchowski import Sizes, covariance
from hepafed.server.pooling.figures import ONE_CLASS, auc_figure, estimate_json
from numpy.typing import NDArray
from scipy.stats import norm

Row = dict[str, Any]
NO_PRODUCTS = "the second step, sums over patients, was not made with every site"


@dataclass(frozen=True)
class Comparison:
    """Sums over the cases that both models have scored, of all sites that take part."""

    first: str
    second: str
    sums: tuple[Additive, Additive]
    """Of each model, over the common cases alone."""
    calls: NDArray[np.int64]
    """`paired.crossed_calls`: int64[4, 2, 2, 2]."""
    products: Products | None
    """Of the figures of the first model, then of the second, with the curves of `sums`."""


def comparison_rows(comparisons: Sequence[Comparison], margin: float | None) -> list[Row]:
    """Make `comparisons`; p values are adjusted (Holm) over the pairs of models of each task."""
    rows = [r for c in comparisons for r in _rows(c, margin)]
    _adjust(rows, lambda r: r)
    _adjust(rows, lambda r: r["mcnemar"])
    return rows


def _adjust(rows: list[Row], part: Any) -> None:  # noqa: ANN401
    def task(r: Row) -> tuple[str, str]:
        return r["unit"], r["task"]

    for _, family in groupby(sorted(rows, key=task), key=task):
        tested = [part(r) for r in family if part(r)["p"] is not None]
        for values, p in zip(tested, holm([v["p"] for v in tested]), strict=True):
            values["p_holm"] = p


def _rows(c: Comparison, margin: float | None) -> list[Row]:
    cells = [[intervals_of_histogram(pair_histogram(s, f)) for f in FIGURES] for s in c.sums]
    matrix = None
    if c.products is not None:
        both = [sizes_of(x, s.size, s.clusters) for x, s in zip(cells, c.sums, strict=True)]
        # one curve for variances and covariance: two equal models then differ by exactly nothing
        matrix = covariance(c.products.real()[0], _together(*both))
    rows = []
    for i, (unit, task) in enumerate(TASK_ORDER):
        at = FIGURES.index((unit, task))
        aucs = [auc_from_intervals(x[at]) for x in cells]
        p, n = cells[0][at].totals
        row: Row = {
            "first": c.first, "second": c.second, "unit": unit, "task": task,
            "n": p + n, "positives": p,
        }  # fmt: skip
        for name, auc in zip(("auc_first", "auc_second"), aucs, strict=True):
            figure = auc_figure(auc)
            row[name] = {"value": figure.value, "low": figure.low, "high": figure.high}
        variance = None
        if matrix is not None:
            a, b = at, at + len(FIGURES)
            variance = float(matrix[a, a] + matrix[b, b] - 2 * matrix[a, b])
        if aucs[0] is None or aucs[1] is None:
            row |= _difference(None, None, ONE_CLASS, margin)
        else:
            gain = aucs[1].value - aucs[0].value
            row |= _difference(gain, variance, NO_PRODUCTS, margin)
        rows.append(row | {"mcnemar": mcnemar_json(c.calls[i])})
    return rows


def _together(a: Sizes, b: Sizes) -> Sizes:
    names = ("positives", "negatives", "with_positives", "with_negatives", "clusters")
    return Sizes(*(np.concatenate([getattr(a, n), getattr(b, n)]) for n in names))


def _difference(
    value: float | None, variance: float | None, reason: str, margin: float | None
) -> Row:
    """Give second − first, its p of no difference, and whether second is not inferior."""
    made: Row = {"p": None, "p_holm": None, "non_inferiority": None}
    if value is None:
        return made | {"difference": estimate_json(None, reason), "reason": reason}
    if variance is None or not math.isfinite(variance):
        why = reason if variance is None else "fewer than two of a class: no interval"
        gone = {"value": value, "low": None, "high": None, "se": None, "reason": why}
        return made | {"difference": gone, "reason": why}
    se = math.sqrt(variance) if variance > 1e-15 else 0.0
    found = estimate(value, se, within=(-1.0, 1.0))
    made["difference"] = estimate_json(found)
    if se > 0:
        made["p"] = float(2 * norm.sf(abs(value) / se))
    elif abs(value) < 1e-12:
        made["p"] = 1.0
    else:
        made["reason"] = "the interval is degenerate: the difference has no variance"
    if margin is not None and found.low is not None:
        made["non_inferiority"] = {"margin": margin, "holds": bool(found.low > -margin)}
    return made


def mcnemar_json(calls: NDArray[np.int64]) -> Row:
    """Compare correctness of two raters; calls int64[2, 2, 2] by truth, first, second."""
    first = int(calls[1, 1, 0] + calls[0, 0, 1])
    second = int(calls[1, 0, 1] + calls[0, 1, 0])
    return {
        "first_right_second_wrong": first,
        "first_wrong_second_right": second,
        "p": mcnemar(first, second),
        "p_holm": None,
    }
