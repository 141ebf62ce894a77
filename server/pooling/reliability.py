"""The rows of `calibration`: Brier's score, expected error, slope and intercept, reliability."""

from collections.abc import Mapping
from typing import Any

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
from hepafed.server.pooling.estimates import estimate_json, rate_json, value_json
from hepafed.server.pooling.evidence import Evidence

Row = dict[str, Any]
FITTED = ("slope", "intercept", "in_the_large")
COARSE = "cells are too coarse to fit a slope; each site's own stands beside"


def calibration_row(
    scope: str,
    site: str | None,
    index: int,
    known: Evidence,
    totals: tuple[int, int],
    exact: Mapping[str, Figure] | None,
) -> Row:
    """Make the row of the task TASK_ORDER[index]; `exact` are a site's own fitted figures."""
    unit, task = TASK_ORDER[index]
    p, n = totals
    made: Row = {"scope": scope, "site": site, "unit": unit, "task": task, "n": p + n}
    made["prevalence"] = value_json(p / (p + n) if p + n else None, "no cases")
    squares = known.section("squares")
    brier = None
    if squares is not None and p + n:
        brier = float(from_fixed(squares[index])) / (p + n)
    made["brier"] = value_json(brier, known.reason("squares") or "no cases")
    made |= _tenths(index, known)
    fitted = exact if exact is not None else _fit(known.cells[unit, task])
    return made | {f: estimate_json(fitted.get(f), "not released") for f in FITTED}


def _tenths(index: int, known: Evidence) -> Row:
    tenths, sums = known.section("reliability"), known.section("score_sums")
    if tenths is None or sums is None:
        why = known.reason("reliability") or known.reason("score_sums")
        gone = value_json(None, why)
        return {"ece": gone, "mean_score": gone, "reliability": []}
    negatives, positives = tenths[index]
    counts, scores = negatives + positives, from_fixed(sums[index])
    total = int(counts.sum())
    return {
        "ece": value_json(expected_error(counts, positives, scores) if total else None, "no cases"),
        "mean_score": value_json(float(scores.sum()) / total if total else None, "no cases"),
        "reliability": [
            {
                "low": i / TENTHS,
                "high": (i + 1) / TENTHS,
                "n": int(counts[i]),
                "mean_score": float(scores[i] / counts[i]) if counts[i] else None,
                "observed": rate_json(positives[i], counts[i]),
            }
            for i in range(TENTHS)
        ],
    }


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
