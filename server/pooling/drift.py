"""The comparison of a cohort's scores with those of the tuning data, class by class."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from hepafed.common.contract import Cells
from hepafed.common.statistics import Intervals, intervals_of, mass_of_bins
from hepafed.server.formats import DriftRow, TuningScores
from hepafed.server.pooling.evidence import Evidence
from numpy.typing import NDArray

GROUPS = 10
"""Groups of equal size in the reference, over which the stability index is taken."""


def reference_of(kept: TuningScores | None) -> dict[tuple[str, str], Intervals]:
    """Return the tuning scores that a model's card keeps, by (unit, task); empty: it keeps none."""
    if kept is None:
        return {}
    cells = Cells(edges=kept.edges, positives=kept.positives, negatives=kept.negatives)
    return {("patient", "malignant_vs_benign"): intervals_of(cells)}


def drift_rows(
    scopes: Mapping[str | None, Evidence], reference: Mapping[tuple[str, str], Intervals]
) -> list[DriftRow]:
    """Return `drift`: each site's scores (None: pooled) against the reference, by true class.

    The comparison is by class, so that another share of malignant patients alone is not called
    drift. psi is the population stability index over ten groups (half a case added to each), ks
    the largest gap of the two distributions. A psi under 0.1 is usually called small, over 0.25
    large.
    """
    rows = []
    for (unit, task), wanted in reference.items():
        for site, known in scopes.items():
            cells = known.cells[unit, task]
            for name in ("positives", "negatives"):
                made = DriftRow(
                    site=site, unit=unit, task=task, class_=name, n=0, psi=None, ks=None
                )
                if isinstance(cells, str):
                    rows.append(replace(made, reason=cells))
                else:
                    rows.append(_compared(made, _spread(cells, name), _spread(wanted, name)))
    return rows


def _compared(made: DriftRow, found: NDArray[np.float64], wanted: NDArray[np.float64]) -> DriftRow:
    n = round(float(found.sum()))
    if not n or not wanted.sum():
        return replace(made, n=n, reason="no case of this class")
    psi, ks = _distances(found, wanted)
    return replace(made, n=n, psi=psi, ks=ks)


def _spread(cells: Intervals, name: str) -> NDArray[np.float64]:
    return mass_of_bins(cells.low, cells.high, getattr(cells, name))


def _distances(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[float, float]:
    """Return the stability index and the largest gap of two spreads over the bins."""
    ours, theirs = np.cumsum(found) / found.sum(), np.cumsum(wanted) / wanted.sum()
    inner = np.searchsorted(theirs, np.arange(1, GROUPS) / GROUPS - 1e-9)
    edges = np.unique(np.concatenate([inner, [len(found) - 1]]))
    shares = []
    for whole, mass in ((ours, found.sum()), (theirs, wanted.sum())):
        counts = np.diff(np.concatenate([[0.0], whole[edges]])) * mass + 0.5
        shares.append(counts / counts.sum())
    psi = float(np.sum((shares[0] - shares[1]) * np.log(shares[0] / shares[1])))
    return psi, float(np.abs(ours - theirs).max())
