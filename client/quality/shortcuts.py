"""The audit for shortcuts: how well the class can be told without a look at the lesion's shape.

A network takes the easiest way. Where the malignant lesions come from another scanner, it learns
the scanner (Geirhos et al. 2020, Nature Machine Intelligence 2:665). So a logistic regression tries
what a shortcut would try. All of it stays at the site.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from hepafed.client.cohort import Acquisition, Cohort, Lesion
from hepafed.client.quality.predictors import Table, acquisition_table, grey_tables
from hepafed.common.statistics import clustered_auc
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEWEST_PATIENTS = 20
"""Patients of each class without which nothing is calculated: the interval would say nothing."""
FOLDS = 5
REPETITIONS = 5
"""Divisions of the patients into folds; a lesion's scores are averaged over them."""
NOTABLE = 0.55
"""Lower end of the interval above which a shortcut is a finding; 0.5 is chance."""

ACQUISITION = (
    "acquisition facts alone (manufacturer, field strength, matrix, spacing, b-values, sequences)"
)
BORDER_LEVELS = "grey levels at the border of the crops alone, outside the lesion's box"
WHOLE_LEVELS = "grey levels of the whole crops alone, without their places"
TO_DO = {
    ACQUISITION: (
        "the network may learn the scanner or the protocol in place of the lesion: look which of "
        "them has mostly one class, add examinations of the other class or leave some out, and "
        "compare the figures by vendor and field strength"
    ),
    BORDER_LEVELS: (
        "the network may learn the surroundings or the export in place of the lesion: check "
        "whether the classes come from other sources or were exported otherwise"
    ),
    WHOLE_LEVELS: (
        "part of this is the lesion's own brightness; a network that does not do better than this "
        "has learned brightness alone"
    ),
}


@dataclass(frozen=True)
class Shortcut:
    """How well one kind of knowledge alone tells benign from malignant lesions."""

    known: str
    """What the class was read from."""
    benign: int
    """Patients with a benign lesion."""
    malignant: int
    """Patients with a malignant lesion."""
    auc: float | None
    """Of lesions that the regression had not seen; None: not calculated."""
    interval: tuple[float, float] | None
    """95 %, over patients."""
    text: str
    """The result as a sentence."""
    to_do: str

    @property
    def is_finding(self) -> bool:
        """Return whether the class can be told better than by chance from what is no lesion."""
        known = self.interval is not None and self.interval[0] > NOTABLE
        return known and self.known != WHOLE_LEVELS


def shortcuts(
    store: Cohort, rows: Sequence[Lesion], acquired: Sequence[Acquisition]
) -> tuple[Shortcut, ...]:
    """Return the audit of a cohort; CohortError when a crop is missing or damaged."""
    malignant = np.array([r.label > 0 for r in rows], bool)
    patients = np.unique([r.patient for r in rows], return_inverse=True)[1].astype(np.int64)
    border, whole = grey_tables(store, rows)
    tables = {
        ACQUISITION: acquisition_table(rows, acquired),
        BORDER_LEVELS: border,
        WHOLE_LEVELS: whole,
    }
    return tuple(audit(known, t, malignant, patients) for known, t in tables.items())


def audit(
    known: str,
    table: Table,
    malignant: NDArray[np.bool_],
    patients: NDArray[np.int64],
    fewest: int = FEWEST_PATIENTS,
) -> Shortcut:
    """Return how well a table [lesions, figures] tells malignant lesions, with its interval.

    `patients` [lesions] numbers the patients: one patient's lesions are always in one fold. The
    interval is that of clustered cases (Obuchowski 1997), on the logit scale; it does not know
    that the folds share their training patients.
    """
    with_benign = len(np.unique(patients[~malignant]))
    with_malignant = len(np.unique(patients[malignant]))
    auc, ends = None, None
    if min(with_benign, with_malignant) < fewest:
        text = (
            f"not calculated; {with_benign} patients have benign and {with_malignant} malignant "
            f"lesions, and {fewest} of each are needed"
        )
    elif not table.shape[1]:
        text = "these are the same for all lesions, so the class cannot be told from them"
    else:
        found = clustered_auc(_unseen(table, malignant, patients), malignant, patients)
        if found is not None and found[1] is not None and found[1].adjusted is not None:
            auc, ends = round(found[0].value, 4), _rounded(found[1].adjusted)
        text = _sentence(auc, ends, len(np.unique(patients)))
    return Shortcut(known, with_benign, with_malignant, auc, ends, text, TO_DO.get(known, ""))


def _rounded(ends: tuple[float, float]) -> tuple[float, float]:
    return round(ends[0], 4), round(ends[1], 4)


def _sentence(auc: float | None, ends: tuple[float, float] | None, patients: int) -> str:
    if auc is None or ends is None:
        return "not calculated; the AUC has no interval"
    return (
        f"AUC {auc:.2f} (95 % interval {ends[0]:.2f} to {ends[1]:.2f}, {patients} patients); "
        "0.50 is chance"
    )


def _unseen(
    table: Table, malignant: NDArray[np.bool_], patients: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return each lesion's mean score from regressions that had not seen its patient [lesions].

    Both classes weigh the same in each of them: otherwise a fold with fewer malignant lesions has
    higher scores, and an AUC over all folds comes out below 0.5 where nothing can be told.
    """
    total = np.zeros(len(malignant))
    for train, test in _divisions(malignant, patients):
        model = make_pipeline(
            SimpleImputer(strategy="median"),
            StandardScaler(),
            LogisticRegression(class_weight="balanced", max_iter=2000),
        )
        model.fit(table[train], malignant[train])
        total[test] += model.decision_function(table[test])
    return total / REPETITIONS


def _divisions(
    malignant: NDArray[np.bool_], patients: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    for seed in range(REPETITIONS):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        yield from folds.split(malignant, malignant, patients)
