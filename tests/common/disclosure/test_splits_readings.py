"""Of readings a sum has no table that would be one site's own; all sites decide alike."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.disclosure.splits import (
    LEAST_READINGS,
    Totals,
    check_totals,
    read_totals,
    readings_alone,
)
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.scores import ScoreTable

CASES: Totals = (20, 20, 20, 10, 10)
TABLE = ScoreTable(
    site=np.full(6, "s"),
    patient=np.array(["p0", "p0", "p1", "p2", "p3", "p4"]),
    lesion=np.array(["l0", "l1", "l2", "l3", "l4", "l5"]),
    truth=np.array([0, 1, 0, 0, 2, 0]),
    log_probs=np.full((6, 3), -np.log(3)),
    readers={
        "r1": np.array([0, -1, 1, -1, 1, 0], np.int8),
        "r2": np.array([-1, -1, 1, 0, 0, -1], np.int8),
    },
)


def test_patients_are_counted_by_reader_and_class_and_by_pair() -> None:
    # malignant: p0 by its second lesion, and p3; r1 read p0, p1, p3, p4; r2 read p1, p2, p3
    assert read_totals(TABLE, ("r1", "r2")) == (2, 2, 2, 1, 2)
    assert read_totals(TABLE, ()) == ()
    assert read_totals(replace(TABLE, readers={}), ("r1",)) == (0, 0)


def told(*readings: tuple[int, ...], readers: tuple[str, ...] = ("r",)) -> set[tuple[str, ...]]:
    return {*readings_alone([(*CASES, *r) for r in readings], readers)}


def test_readings_of_two_sites_that_hide_each_other_stay() -> None:
    assert told((6, 6), (6, 6)) == set()
    assert told((6, 6), (6, 6), (0, 0)) == set()


def test_a_reader_of_one_site_alone_has_no_table() -> None:
    assert told((6, 6), (0, 0)) == {("r",)}
    assert told((200, 200)) == {("r",)}


def test_a_class_that_only_one_site_s_patients_have_takes_the_reader_out() -> None:
    assert told((30, 0), (30, 5)) == {("r",)}


@pytest.mark.parametrize(("own", "left"), [((3, 5), False), ((2, 2), True)])
def test_few_readings_among_few_leave_too_few_choices(own: tuple[int, int], left: bool) -> None:
    # C(7, 3) · C(9, 5) = 4,410; C(6, 2) · C(6, 2) = 225
    assert LEAST_READINGS == 1000
    assert (told(own, (4, 4)) == {("r",)}) is left


def test_one_site_with_few_takes_the_reader_out_for_all() -> None:
    """Else what the two large ones leave would be theirs alone, once the small one is out."""
    assert told((40, 40), (40, 40), (1, 0)) == {("r",)}
    assert told((40, 40), (40, 40), (3, 2)) == set()


def test_a_pair_goes_with_each_of_its_readers_and_alone() -> None:
    pairs = ("a", "b", "c")
    whole = (9, 9) * 3 + (12, 12, 12)
    assert told(whole, whole, readers=pairs) == set()
    no_b = (9, 9, 0, 0, 9, 9, 0, 12, 0)
    assert told(whole, no_b, readers=pairs) == {("b",), ("a", "b"), ("b", "c")}
    apart = (9, 9) * 3 + (0, 12, 12)
    assert told(whole, apart, readers=pairs) == {("a", "b")}


def test_nobody_who_reads_nothing_is_left_out() -> None:
    assert told((0, 0), (0, 0)) == set()
    assert readings_alone([CASES, CASES], ()) == ()


@pytest.mark.parametrize(
    ("more", "readers", "good"),
    [
        ((20, 20), 1, True),
        ((), 0, True),
        ((), 1, False),
        ((21, 0), 1, False),
        ((0, 21), 1, False),
        ((-1, 0), 1, False),
        ((20, 20, 20, 20, 40), 2, True),
        ((20, 20, 20, 20, 41), 2, False),
        ((20, 20, 20, 20), 2, False),
        ((1, 1), 0, False),
    ],
)
def test_stated_readings_are_of_the_stated_patients(
    more: tuple[int, ...], readers: int, good: bool
) -> None:
    if good:
        check_totals((*CASES, *more), 40, readers)
        return
    with pytest.raises(PayloadError):
        check_totals((*CASES, *more), 40, readers)
