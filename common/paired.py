"""Two models on the same cohort: the rows both have scored, and how their calls cross."""

import numpy as np
from hepafed.common.additive import TASK_ORDER
from hepafed.common.errors import DataError
from hepafed.common.scores import ScoreTable, rows_of, task_scores
from hepafed.common.sums import called, threshold_of
from numpy.typing import NDArray


def common_rows(first: ScoreTable, second: ScoreTable) -> tuple[ScoreTable, ScoreTable]:
    """Take the lesions that both tables hold, in one order.

    Raises
    ------
    DataError
        The tables disagree on the truth of a lesion, or share none.
    """
    where = {k: i for i, k in enumerate(_keys(first))}
    pairs = [(where[k], j) for j, k in enumerate(_keys(second)) if k in where]
    if not pairs:
        raise DataError("the score tables share no lesion", "compare models on one cohort")
    at = np.array(sorted(pairs), np.int64)
    a, b = rows_of(first, at[:, 0]), rows_of(second, at[:, 1])
    if (a.truth != b.truth).any():
        count = int((a.truth != b.truth).sum())
        raise DataError(f"the score tables disagree on the truth of {count} lesions")
    return a, b


def _keys(table: ScoreTable) -> list[tuple[str, str, str]]:
    columns = (table.site.tolist(), table.patient.tolist(), table.lesion.tolist())
    return list(zip(*columns, strict=True))


def crossed_calls(
    first: ScoreTable, second: ScoreTable, thresholds: tuple[float, float]
) -> NDArray[np.int64]:
    """Count cases by task, truth, and the calls of both models: int64[4, 2, 2, 2]; it adds up.

    The tables have the same rows (`common_rows`); thresholds are the patients' operating points.
    """
    made = np.zeros((len(TASK_ORDER), 2, 2, 2), np.int64)
    for i, (unit, task) in enumerate(TASK_ORDER):
        a, b = task_scores(first, unit, task), task_scores(second, unit, task)
        calls = [called(s, threshold_of(unit, t)) for s, t in zip((a, b), thresholds, strict=True)]
        np.add.at(made[i], (a.truth.astype(int), calls[0].astype(int), calls[1].astype(int)), 1)
    return made
