"""Products of a patient's counts, summed over patients: how lesions share patients."""

import numpy as np
from hepafed.common.contract import CLASS_KEYS
from numpy.typing import NDArray

Counts = NDArray[np.int64]
MOST_LESIONS = 1 << 27
"""Most lesions of one site: for more, sums over many sites have no room."""


def patient_products(
    patient: NDArray[np.int64], patients: int, kind: NDArray[np.int64], kinds: int
) -> NDArray[np.int64]:
    """Return Σ x xᵀ over patients, x their lesions by kind: int64[kinds, kinds].

    patient, kind: the number of each lesion's patient and kind, [n].
    """
    # of float64, which a processor multiplies fast, and exact up to 2^53
    by_kind = np.bincount(patient * kinds + kind, minlength=patients * kinds)
    x = by_kind.reshape(patients, kinds).astype(np.float64)
    return np.rint(x.T @ x).astype(np.int64)


def possible_products(
    confusion_products: Counts,
    called_products: Counts,
    counts: tuple[Counts, Counts],
    patients: int,
) -> bool:
    """Return whether products over so many patients can be those of the `counts`.

    counts: `confusion` and `called`, whose cells the products are over.
    """
    confusion, called = counts
    named = [(confusion_products, confusion.ravel())]
    named += [(p, called[1 + i].ravel()) for i, p in enumerate(called_products)]
    if not all(_of_patients(p, of, patients) for p, of in named):
        return False
    # pairs of lesions of one patient, by their true classes: every table has the same
    classes = len(CLASS_KEYS)
    pairs = confusion_products.reshape(classes, classes, classes, classes).sum((1, 3))
    for i, found in enumerate(called_products):
        its = found.reshape(2, 2, 2, 2).sum((1, 3))
        if its[1, 1] != pairs[i, i] or its.sum() != pairs.sum():
            return False
        if its[1, 0] != pairs[i].sum() - pairs[i, i]:
            return False
    return True


def _of_patients(products: Counts, counts: Counts, patients: int) -> bool:
    """Return whether Σ x xᵀ can be that of so many patients' whole numbers x with Σ x = counts."""
    own = np.diag(products)
    if counts.min(initial=0) < 0 or counts.sum() > MOST_LESIONS:
        return False
    good = (products >= 0).all() and (products == products.T).all()
    # x² is x at least, odd where x is odd; all of one patient give the largest sum
    good = good and (own >= counts).all() and ((own - counts) % 2 == 0).all()
    limit = counts.astype(np.float64)
    good = good and (products <= np.outer(limit, limit)).all()
    # Σ x xᵀ − (Σ x)(Σ x)ᵀ / patients is a covariance: no combination of counts spreads below zero
    spread = products - np.outer(limit, limit) / max(patients, 1)
    return bool(good) and bool(np.linalg.eigvalsh(spread).min() >= -1e-9 * max(1, own.max()))
