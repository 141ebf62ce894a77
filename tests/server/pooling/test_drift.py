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
REFERENCE = intervals(TWENTY, [10] * 20, [20] * 20)


def test_half_a_case_is_added_to_each_of_ten_groups() -> None:
    # positives 60 in the first group, 30 in the fourth and the last; the reference has 20 in each
    found = intervals(
        [TWENTY[0], TWENTY[1], TWENTY[6], TWENTY[19]], [30, 30, 30, 30], [0, 0, 105, 0]
    )
    positives, negatives = drift_rows({"b": known(found)}, {QUESTION: REFERENCE})
    shares = [60.5, 0.5, 0.5, 30.5, 0.5, 0.5, 0.5, 0.5, 0.5, 30.5]
    shares = [s / 125 for s in shares]
    assert positives.psi == pytest.approx(sum((s - 0.1) * math.log(s / 0.1) for s in shares))
    assert positives.ks == pytest.approx(0.4)  # 0.5 beside 0.1, and 0.75 beside 0.35
    assert (positives.site, positives.class_, positives.n) == ("b", "positives", 120)
    assert (positives.reference, negatives.reference) == (200, 400)
    shares = [0.5 / 110] * 3 + [105.5 / 110] + [0.5 / 110] * 6
    assert negatives.psi == pytest.approx(sum((s - 0.1) * math.log(s / 0.1) for s in shares))
    assert negatives.ks == pytest.approx(0.65)  # 1 beside 0.35
    assert (negatives.class_, negatives.n) == ("negatives", 105)
    assert positives.differs
    assert negatives.differs


def test_scores_beyond_all_of_the_reference_fall_in_its_last_group() -> None:
    found = intervals([65000], [150], [0])
    row, _ = drift_rows({None: known(found)}, {QUESTION: REFERENCE})
    shares = [0.5 / 155] * 9 + [150.5 / 155]
    assert row.psi == pytest.approx(sum((s - 0.1) * math.log(s / 0.1) for s in shares))
    assert row.ks == pytest.approx(1.0)
    assert row.site is None


@pytest.mark.parametrize(
    ("here", "tuning", "given"),
    [(100, 100, True), (99, 100, False), (100, 99, False), (400, 8, False)],
)
def test_no_figure_is_given_below_100_cases_on_either_side(
    here: int, tuning: int, given: bool
) -> None:
    reference = intervals([100, 200], [tuning // 2, tuning - tuning // 2], [0, 0])
    found = intervals([100, 200], [here // 2, here - here // 2], [0, 0])
    row, _ = drift_rows({"a": known(found)}, {QUESTION: reference})
    assert (row.psi is not None, row.ks is not None, row.differs is not None) == (given,) * 3
    assert (row.n, row.reference) == (here, tuning)
    assert (row.reason == "") == given
    if not given:
        assert row.reason == (
            f"not judged: {here} cases here and {tuning} in the tuning data; "
            "at least 100 of each are needed"
        )


def test_the_expected_index_and_its_limit_are_those_of_equal_distributions() -> None:
    found = intervals(TWENTY, [6] * 20, [9] * 20)
    row, _ = drift_rows({"a": known(found)}, {QUESTION: REFERENCE})
    both = 1 / 120 + 1 / 200
    assert row.psi_expected == pytest.approx(9 * both)
    assert row.psi_limit == pytest.approx(16.918978 * both)  # chi-squared, 9 degrees, 95 %
    assert row.ks_limit == pytest.approx(1.358102 * math.sqrt(both))
    assert row.differs is False


def test_equal_distributions_are_seldom_above_the_limits() -> None:
    rng, above, seen = np.random.default_rng(8), 0, []
    for _ in range(400):
        scores = [np.sort(rng.choice(np.arange(20000, 40000), n)) for n in (150, 240)]
        cells = []
        for s in scores:
            at, counts = np.unique(s, return_counts=True)
            cells.append(intervals(at.tolist(), counts.tolist(), [0] * len(at)))
        row, _ = drift_rows({"a": known(cells[0])}, {QUESTION: cells[1]})
        assert row.psi is not None
        seen.append(row.psi)
        above += row.psi > (row.psi_limit or 0.0)
    assert np.mean(seen) == pytest.approx(9 * (1 / 150 + 1 / 240), rel=0.15)
    assert 0.02 <= above / 400 <= 0.09


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
    reference = intervals([100, 200], [90, 10], [0, 0])
    found = intervals([100, 200], [50, 150], [0, 0])
    row, _ = drift_rows({"a": known(found)}, {QUESTION: reference})
    ours, theirs = (50.5 / 201, 150.5 / 201), (90.5 / 101, 10.5 / 101)
    assert row.psi_expected == pytest.approx(1 / 200 + 1 / 100)
    psi = sum((a - b) * math.log(a / b) for a, b in zip(ours, theirs, strict=True))
    assert (row.psi, row.ks) == (pytest.approx(psi), pytest.approx(0.65))
