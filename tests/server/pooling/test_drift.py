"""Drift is measured over tenths of the reference, class by class, with half a case added."""

import math

import numpy as np
import pytest
from hepafed.common.statistics import Intervals
from hepafed.server.pooling.drift import drift_rows
from hepafed.server.pooling.evidence import Evidence

QUESTION = ("patient", "malignant_vs_benign")


def intervals(at: list[int], positives: list[int], negatives: list[int]) -> Intervals:
    low = np.array(at, np.int64)
    return Intervals(low, low + 1, np.array(positives, np.int64), np.array(negatives, np.int64))


def known(cells: Intervals | str) -> Evidence:
    return Evidence(cells={QUESTION: cells}, sections={}, readers=())


TWENTY = [30000 + 7 * i for i in range(20)]
REFERENCE = intervals(TWENTY, [1] * 20, [2] * 20)


def test_half_a_case_is_added_to_each_of_ten_groups() -> None:
    # positives 2 in the first group, 1 in the fourth, 2 in the last; the reference has 2 in each
    found = intervals([TWENTY[0], TWENTY[1], TWENTY[6], TWENTY[19]], [1, 1, 1, 2], [0, 0, 3, 0])
    positives, negatives = drift_rows({"b": known(found)}, {QUESTION: REFERENCE})
    shares = [0.25, 0.05, 0.05, 0.15, 0.05, 0.05, 0.05, 0.05, 0.05, 0.25]
    assert positives.psi == pytest.approx(sum((s - 0.1) * math.log(s / 0.1) for s in shares))
    assert positives.ks == pytest.approx(0.35)  # 0.6 beside 0.95, before the last bin
    assert (positives.site, positives.class_, positives.n) == ("b", "positives", 5)
    shares = [0.5 / 8] * 3 + [3.5 / 8] + [0.5 / 8] * 6
    assert negatives.psi == pytest.approx(sum((s - 0.1) * math.log(s / 0.1) for s in shares))
    assert negatives.ks == pytest.approx(0.65)  # 1 beside 0.35
    assert (negatives.class_, negatives.n) == ("negatives", 3)


def test_scores_beyond_all_of_the_reference_fall_in_its_last_group() -> None:
    found = intervals([65000], [4], [0])
    row, _ = drift_rows({None: known(found)}, {QUESTION: REFERENCE})
    shares = [0.5 / 9] * 9 + [4.5 / 9]
    assert row.psi == pytest.approx(sum((s - 0.1) * math.log(s / 0.1) for s in shares))
    assert row.ks == pytest.approx(1.0)
    assert row.site is None


def test_a_class_that_one_side_lacks_is_not_compared() -> None:
    rows = drift_rows(
        {"a": known(intervals([5, 9], [0, 0], [1, 3]))},
        {QUESTION: intervals([5, 9], [4, 4], [0, 0])},
    )
    assert [(r.n, r.psi, r.ks, r.reason) for r in rows] == [
        (0, None, None, "no case of this class"),
        (4, None, None, "no case of this class"),
    ]


def test_what_is_withheld_is_said_for_both_classes() -> None:
    rows = drift_rows({"a": known("withheld")}, {QUESTION: REFERENCE})
    assert [(r.class_, r.n, r.psi, r.reason) for r in rows] == [
        ("positives", 0, None, "withheld"),
        ("negatives", 0, None, "withheld"),
    ]


def test_many_equal_scores_of_the_reference_make_fewer_groups() -> None:
    reference = intervals([100, 200], [9, 1], [0, 0])
    row, _ = drift_rows({"a": known(intervals([100, 200], [1, 3], [0, 0]))}, {QUESTION: reference})
    ours, theirs = (1.5 / 5, 3.5 / 5), (9.5 / 11, 1.5 / 11)
    psi = sum((a - b) * math.log(a / b) for a, b in zip(ours, theirs, strict=True))
    assert (row.psi, row.ks) == (pytest.approx(psi), pytest.approx(0.65))
