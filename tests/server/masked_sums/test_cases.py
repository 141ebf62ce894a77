"""An opened sum is over just the cases that its sites stated."""

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.sums import additive_of
from hepafed.server.masked_sums.cases import check_cases

from tests.server.federation import table_of

TABLE = table_of("a", 3, 31)
SUMS = additive_of(TABLE, 0.5)
CASES = (*SUMS.patient_scores.sum(1).tolist(), *np.bincount(TABLE.truth).tolist())


def test_a_sum_over_the_stated_cases_is_taken() -> None:
    assert sum(CASES[2:]) == 31
    check_cases(SUMS, CASES, "a, b")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((1, 0, 0, 0, 0), "patients"),
        ((0, 0, 0, -1, 0), "patients"),
        ((1, -1, 0, 0, 0), "classes"),
        ((0, 0, 1, 0, -1), "classes"),
    ],
)
def test_a_sum_over_other_cases_is_named(change: tuple[int, ...], words: str) -> None:
    stated = tuple(n + c for n, c in zip(CASES, change, strict=True))
    with pytest.raises(PayloadError, match=f"the sums of a, b are not over the announced {words}"):
        check_cases(SUMS, stated, "a, b")
