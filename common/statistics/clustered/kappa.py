"""Cohen's kappa with an interval that takes patients as clusters, and covers at high agreement."""

import math

import numpy as np
from hepafed.common.statistics.agreement import kappa
from hepafed.common.statistics.clustered.rates import (
    ONE_PATIENT,
    Clustered,
    patient_quantile,
)
from hepafed.common.statistics.rates import wilson
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def clustered_kappa(table: Counts, products: Counts | None = None) -> Clustered | None:
    """Return kappa's interval; None where there is no kappa, or one patient has all cases.

    table int[k, k]; products int[k², k²]: Σ x xᵀ over patients, x their cases by cell of the
    table; without them every case is its own patient. The variance is the delta method's over
    patients, K / (K − 1) Σ (g · x)² with the gradient g of kappa; of independent cases that is
    Fleiss, Cohen and Everitt's (1969) times K / (K − 1). It is turned into that of the observed
    agreement, whose Wilson interval (as in `clustered_rate`: effective number of cases, Student's
    t of K − 1 degrees) is turned back: kappa ± t · se covers too rarely where agreement is high.
    """
    n, found = int(table.sum()), kappa(table)
    if found is None:
        return None
    whole = np.diag(table.ravel()) if products is None else products
    patients = n * n / float(whole.sum())
    if patients < 1 + ONE_PATIENT:
        return None
    p = table / n
    rows, columns = p.sum(1), p.sum(0)
    agreed, chance = float(np.trace(p)), float(rows @ columns)
    by_chance = columns[:, None] + rows[None, :] - 2 * chance
    of_agreed = (np.eye(len(p)) - agreed) - (1 - agreed) / (1 - chance) * by_chance
    spread = max(0.0, float(of_agreed.ravel() @ whole @ of_agreed.ravel())) / (n * n)
    variance = spread * patients / (patients - 1)  # of kappa, times (1 − chance)²
    flat = variance <= NO_SPREAD or agreed in (0.0, 1.0)
    cases = patients if flat else min(agreed * (1 - agreed) / variance, float(n))
    low, high = wilson(agreed, cases, patient_quantile(patients))
    return Clustered(
        found.value,
        max(-1.0, (low - chance) / (1 - chance)),
        (high - chance) / (1 - chance),
        se=math.sqrt(variance) / (1 - chance),
        cases=cases,
        patients=patients,
    )


NO_SPREAD = 1e-18
"""A smaller variance is a rounding: a reader who always says the same has none."""
