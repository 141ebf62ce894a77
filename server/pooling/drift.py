"""Whether a cohort's scores are spread as those of the tuning data were, class by class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hepafed.common.contract import Cells
from hepafed.common.errors import DataError
from hepafed.common.records import read_record
from hepafed.common.statistics import Intervals, intervals_of, mass_of_bins
from hepafed.server.pooling.evidence import Evidence
from numpy.typing import NDArray

Row = dict[str, Any]
GROUPS = 10
"""Groups of equal size in the reference, over which the stability index is taken."""


def reference_of(card: Mapping[str, Any]) -> dict[tuple[str, str], Intervals]:
    """Give the tuning scores that a model's card keeps (`summaries.tuning_scores`), if any."""
    kept = card.get("tuning_scores")
    if not kept:
        return {}
    cells = read_record(Cells, kept, DataError, "tuning_scores")
    return {("patient", "malignant_vs_benign"): intervals_of(cells)}


def drift_rows(
    scopes: Mapping[str | None, Evidence], reference: Mapping[tuple[str, str], Intervals]
) -> list[Row]:
    """Make `drift`: each site's scores (None: pooled) against the reference, by true class.

    By class, so that another share of malignant patients alone is not called drift. psi is the
    population stability index over ten groups (half a case added to each), ks the largest gap of
    the two distributions. A psi under 0.1 is usually called small, over 0.25 large.
    """
    rows = []
    for (unit, task), wanted in reference.items():
        for site, known in scopes.items():
            cells = known.cells[unit, task]
            for name in ("positives", "negatives"):
                made: Row = {"site": site, "unit": unit, "task": task, "class": name}
                if isinstance(cells, str):
                    rows.append(made | _gone(0, cells))
                    continue
                rows.append(made | _compared(_spread(cells, name), _spread(wanted, name)))
    return rows


def _spread(cells: Intervals, name: str) -> NDArray[np.float64]:
    return mass_of_bins(cells.low, cells.high, getattr(cells, name))


def _gone(n: int, reason: str) -> Row:
    return {"n": n, "psi": None, "ks": None, "reason": reason}


def _compared(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> Row:
    n = round(float(found.sum()))
    if not n or not wanted.sum():
        return _gone(n, "no case of this class")
    ours, theirs = np.cumsum(found) / found.sum(), np.cumsum(wanted) / wanted.sum()
    inner = np.searchsorted(theirs, np.arange(1, GROUPS) / GROUPS - 1e-9)
    edges = np.unique(np.concatenate([inner, [len(found) - 1]]))
    shares = []
    for whole, mass in ((ours, found.sum()), (theirs, wanted.sum())):
        counts = np.diff(np.concatenate([[0.0], whole[edges]])) * mass + 0.5
        shares.append(counts / counts.sum())
    psi = float(np.sum((shares[0] - shares[1]) * np.log(shares[0] / shares[1])))
    return {"n": n, "psi": psi, "ks": float(np.abs(ours - theirs).max())}
