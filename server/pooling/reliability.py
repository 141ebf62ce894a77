"""The rows of `calibration`: Brier's score, expected error, slope and intercept, reliability."""

from collections.abc import Mapping

import numpy as np
from hepafed.common.contract import Figure
from hepafed.common.disclosure import calibration_figures
from hepafed.common.statistics import (
    TASK_ORDER,
    TENTHS,
    Intervals,
    expected_error,
    from_fixed,
    logits_of_bins,
)
from hepafed.server.formats import CalibrationRow, PointEstimate, ReliabilityTenth
from hepafed.server.pooling.estimates import interval_estimate, point_estimate, rate_estimate
from hepafed.server.pooling.evidence import Evidence

FITTED = ("slope", "intercept", "in_the_large")
COARSE = "the cells are too coarse to fit a slope; the rows of the sites give their own"


def calibration_row(
    scope: str,
    site: str | None,
    index: int,
    known: Evidence,
    totals: tuple[int, int],
    exact: Mapping[str, Figure] | None,
) -> CalibrationRow:
    """Return the row of the task TASK_ORDER[index]; `exact` are a site's own fitted figures."""
    unit, task = TASK_ORDER[index]
    p, n = totals
    squares = known.section("squares")
    brier = None
    if squares is not None and p + n:
        brier = float(from_fixed(squares[index])) / (p + n)
    ece, mean_score, tenths = _tenths(index, known)
    fitted = exact if exact is not None else _fit(known.cells[unit, task])
    slope, intercept, in_the_large = (
        interval_estimate(fitted.get(f), "not released") for f in FITTED
    )
    return CalibrationRow(
        scope=scope,
        site=site,
        unit=unit,
        task=task,
        n=p + n,
        prevalence=point_estimate(p / (p + n) if p + n else None, "no cases"),
        brier=point_estimate(brier, known.reason("squares") or "no cases"),
        ece=ece,
        mean_score=mean_score,
        reliability=tenths,
        slope=slope,
        intercept=intercept,
        in_the_large=in_the_large,
    )


def _tenths(
    index: int, known: Evidence
) -> tuple[PointEstimate, PointEstimate, tuple[ReliabilityTenth, ...]]:
    """Return expected error, mean score and the tenths."""
    tenths, sums = known.section("reliability"), known.section("score_sums")
    if tenths is None or sums is None:
        gone = point_estimate(None, known.reason("reliability") or known.reason("score_sums"))
        return gone, gone, ()
    negatives, positives = tenths[index]
    counts, scores = negatives + positives, from_fixed(sums[index])
    total = int(counts.sum())
    ece = expected_error(counts, positives, scores) if total else None
    mean_score = float(scores.sum()) / total if total else None
    made = (
        ReliabilityTenth(
            low=i / TENTHS,
            high=(i + 1) / TENTHS,
            n=int(counts[i]),
            mean_score=float(scores[i] / counts[i]) if counts[i] else None,
            observed=rate_estimate(positives[i], counts[i]),
        )
        for i in range(TENTHS)
    )
    return point_estimate(ece, "no cases"), point_estimate(mean_score, "no cases"), tuple(made)


def _fit(cells: Intervals | str) -> dict[str, Figure]:
    if isinstance(cells, str):
        return {f: Figure(reason=cells) for f in FITTED}
    if ((cells.high - cells.low) > 1).any():
        return {f: Figure(reason=COARSE) for f in FITTED}
    bins = np.unique(cells.low)
    at = np.searchsorted(bins, cells.low)
    counts = [
        np.bincount(at, weights=c, minlength=len(bins)) for c in (cells.positives, cells.negatives)
    ]
    return calibration_figures(logits_of_bins(bins), counts[0], counts[1])
