"""Counts with noise as they came from a sum, and the best estimate of the counts below it."""

from dataclasses import dataclass

import numpy as np
from hepafed.common.contract import NoiseNeed
from hepafed.common.disclosure.noise import CELLS, HALF, halves, parts_of
from hepafed.common.errors import PayloadError
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FARTHEST = 8.0
"""Standard deviations beyond which two counts of the same patients cannot be apart by noise."""
MOST_PATIENTS = 10**9


@dataclass(frozen=True)
class NoisySum:
    """The opened sum of several sites' counts with noise."""

    sites: tuple[str, ...]
    vector: NDArray[np.int64]
    """Counts and noise, int64[LENGTH]; a count may be negative."""
    variance: float
    """Variance of the noise in each count of the sum."""
    needs: dict[str, NoiseNeed]
    """What each site needed."""


@dataclass(frozen=True)
class Estimated:
    """The estimate of the counts: unbiased, not made positive, and with a known covariance."""

    cells: Floats
    """Patients by truth (benign, malignant) and cell, [2, CELLS]."""
    covariance: Floats
    """Covariance [CELLS, CELLS] of the cells of one truth; those of the other are independent."""
    half: float
    """Variance of the sum of the cells on one side of the operating point."""

    @property
    def called(self) -> Floats:
        """Patients by truth and call, [2, 2]; the four are independent."""
        return np.stack([self.cells[:, h].sum(1) for h in halves()], axis=1)

    @property
    def totals(self) -> Floats:
        """Patients by truth, [2]."""
        made: Floats = self.cells.sum(1)
        return made


def check_noisy(found: NoisySum) -> None:
    """Check that a sum can be of cases and noise.

    Raises
    ------
    PayloadError
        A count is beyond all bounds, or calls and cells are not of the same patients.
    """
    called, cells = parts_of(found.vector)
    noise = FARTHEST * np.sqrt(found.variance)
    by_call = np.stack([cells[:, h].sum(1) for h in halves()], axis=1)
    fits = (np.abs(found.vector.astype(float)) <= MOST_PATIENTS).all()
    fits = fits and (found.vector >= -noise).all()
    fits = fits and (np.abs(called - by_call) <= noise * np.sqrt(HALF + 1)).all()
    if not fits:
        raise PayloadError(f"the sums with noise of {', '.join(found.sites)} are impossible")


def estimated(found: NoisySum) -> Estimated:
    """Return the weighted least squares estimate of the cells.

    The calls were counted a second time with noise of their own. With r = call − Σ of its m cells,
    each cell gains r / (m + 1): the two levels then agree (Hay et al. 2010).
    """
    called, cells = parts_of(found.vector)
    made = cells.astype(np.float64)
    covariance = np.zeros((CELLS, CELLS))
    for side, half in enumerate(halves()):
        rest = called[:, side] - made[:, half].sum(1)
        made[:, half] += rest[:, None] / (HALF + 1)
        covariance[half, half] = np.eye(HALF) - 1 / (HALF + 1)
    return Estimated(
        cells=made,
        covariance=found.variance * covariance,
        half=found.variance * HALF / (HALF + 1),
    )
