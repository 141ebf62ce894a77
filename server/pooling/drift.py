"""The comparison of a cohort's scores with those of the tuning data, class by class."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from hepafed.common.contract import Cells
from hepafed.common.statistics import Intervals, intervals_of, mass_of_bins
from hepafed.server.formats import DriftRow, TuningScores
from hepafed.server.pooling.evidence import Evidence
from numpy.typing import NDArray
from scipy.stats import chi2

GROUPS = 10
"""Groups of equal size in the reference, over which the stability index is taken."""
FEWEST = 100
"""Cases of a class on either side below which chance alone makes the distances large."""
LEVEL = 0.95


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
    the largest gap of the two distributions. Neither is given for fewer than `FEWEST` cases on
    either side. Beside them stands what they are where the distributions are equal: n cases beside
    m of a reference in B groups have a psi of (1/n + 1/m) times a chi-squared of B − 1 degrees
    (Yurdakul and Naranjo 2020), and a ks below √(ln(2/0.05)/2) · √(1/n + 1/m) in 95 of 100
    comparisons (Smirnov 1948). A fixed limit such as 0.25 does not know how many cases there are.
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
    n, m = round(float(found.sum())), round(float(wanted.sum()))
    made = replace(made, n=n, reference=m)
    if not n or not m:
        return replace(made, reason="no case of this class")
    if min(n, m) < FEWEST:
        few = f"{n} cases here and {m} in the tuning data"
        return replace(made, reason=f"not judged: {few}; at least {FEWEST} of each are needed")
    psi, ks, groups = _distances(found, wanted)
    both = 1 / n + 1 / m
    psi_limit = both * float(chi2.ppf(LEVEL, groups - 1)) if groups > 1 else 0.0
    ks_limit = min(1.0, math.sqrt(math.log(2 / (1 - LEVEL)) / 2 * both))
    return replace(
        made,
        psi=psi,
        ks=ks,
        psi_expected=both * (groups - 1),
        psi_limit=psi_limit,
        ks_limit=ks_limit,
        differs=psi > psi_limit or ks > ks_limit,
    )


def _spread(cells: Intervals, name: str) -> NDArray[np.float64]:
    return mass_of_bins(cells.low, cells.high, getattr(cells, name))


def _distances(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[float, float, int]:
    """Return the stability index, the largest gap of two spreads over the bins, and the groups."""
    ours, theirs = np.cumsum(found) / found.sum(), np.cumsum(wanted) / wanted.sum()
    inner = np.searchsorted(theirs, np.arange(1, GROUPS) / GROUPS - 1e-9)
    edges = np.unique(np.concatenate([inner, [len(found) - 1]]))
    shares = []
    for whole, mass in ((ours, found.sum()), (theirs, wanted.sum())):
        counts = np.diff(np.concatenate([[0.0], whole[edges]])) * mass + 0.5
        shares.append(counts / counts.sum())
    psi = float(np.sum((shares[0] - shares[1]) * np.log(shares[0] / shares[1])))
    return psi, float(np.abs(ours - theirs).max()), len(edges)
