"""Remarks on intervals where few cases lie on the wrong side."""

from dataclasses import replace

import pytest
from hepafed.common.contract import Figure, PairSummary
from hepafed.common.contract.messages import SiteComparison
from hepafed.server.formats import ComparisonRow
from hepafed.server.pooling import Compared
from hepafed.server.pooling.caution import as_patients, few_lost, with_caution
from hepafed.server.pooling.comparisons import comparison_rows


@pytest.mark.parametrize(
    ("value", "cases", "remark"),
    [
        (0.75, (24, 90), False),  # 24 × 0.25 = 6
        (0.75, (23, 90), True),
        (0.25, (90, 23), True),
        (0.25, (90, 24), False),
        (0.5, (11, 900), True),
        (0.5, (12, 900), False),
        (1.0, (5000, 5000), True),
        (0.0, (5000, 5000), True),
    ],
)
def test_an_auc_has_a_remark_where_the_smaller_class_lost_fewer_than_six_cases(
    value: float, cases: tuple[int, int], remark: bool
) -> None:
    assert few_lost(value, cases) == remark


def test_lesions_count_as_the_patients_that_they_are_of() -> None:
    assert as_patients("lesion", (30, 61), (40, 100)) == (12, 24)
    assert as_patients("patient", (30, 61), (40, 100)) == (30, 61)
    assert as_patients("lesion", (30, 61), None) == (30, 61)
    assert as_patients("lesion", (30, 61), (0, 0)) == (30, 61)


def compared(first: float, second: float, positives: int, covering: Figure | None) -> ComparisonRow:
    pair = PairSummary(
        first=0,
        second=1,
        unit="patient",
        task="malignant_vs_benign",
        positives=positives,
        negatives=200,
        auc_first=Figure(value=first, low=first - 0.05, high=min(1.0, first + 0.05), se=0.02),
        auc_second=Figure(value=second, low=second - 0.05, high=min(1.0, second + 0.05), se=0.02),
        difference=Figure(value=second - first, low=-0.1, high=0.2, se=0.03),
        calls=None,
        bound=0.0,
        covering=covering,
    )
    site = SiteComparison(
        run="r", weights=("w", "v"), patients=positives + 200, lesions=positives + 200,
        minimum_count=1, pairs=(pair,), form="figures",
    )  # fmt: skip
    return comparison_rows(Compared(names=("m", "o"), sites={"a": site}), {})[0]


ENDS = Figure(value=0.0, low=-0.12, high=0.22)


@pytest.mark.parametrize(
    ("first", "second", "positives", "remark"),
    [
        (0.75, 0.7, 24, False),
        (0.75, 0.7, 23, True),
        (0.7, 0.75, 23, True),
        (0.7, 0.25, 23, True),
        (0.7, 0.7, 23, False),
    ],
)
def test_a_difference_has_the_remark_of_the_auc_that_is_nearer_to_0_or_1(
    first: float, second: float, positives: int, remark: bool
) -> None:
    made = compared(first, second, positives, ENDS).covering
    assert made is not None
    assert ("cautious" in made.warning, made.decides) == (remark, True)


def test_a_remark_that_stands_is_kept_and_one_that_decides_nothing_too() -> None:
    plain = compared(0.95, 0.9, 20, None).covering
    assert plain is not None
    assert plain.warning.startswith("plain interval")
    row = compared(0.95, 0.9, 20, ENDS)
    assert row.covering is not None
    undecided = replace(row, covering=replace(row.covering, decides=False, warning=""))
    assert with_caution([undecided], {}) == [undecided]
    assert with_caution([replace(row, covering=None)], {})[0].covering is None
