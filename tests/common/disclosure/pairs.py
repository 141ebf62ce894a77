"""Two models' scores of the same lesions, and the sums of their pair."""

import numpy as np
from hepafed.common.disclosure.paired import (
    paired_of,
)
from hepafed.common.statistics.scores import ScoreTable


def table(seed: int, patients: int = 40) -> ScoreTable:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(0).integers(0, 3, patients)
    raw = rng.normal(size=(patients, 3)) + np.eye(3)[truth]
    return ScoreTable(
        site=np.full(patients, "a"),
        patient=np.array([f"p{i}" for i in range(patients)]),
        lesion=np.full(patients, "l"),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


TABLES = [table(1), table(2)]

PAIRED = paired_of(TABLES, (0.5, 0.4))
