"""What of a level is released, and when its AUC would narrow down calls that are withheld."""

import pytest
from hepafed.common.disclosure.subgroup_suppression import (
    LevelCounts,
    ReleasedLevels,
    choose,
    narrowing,
)


def levels(**counts: tuple[int, int, int, int]) -> dict[str, LevelCounts]:
    """Give levels of caught, missed, cleared and alarmed patients."""
    return {v: LevelCounts(*c) for v, c in counts.items()}


def released(levels: str, malignant: str, benign: str) -> ReleasedLevels:
    return ReleasedLevels(
        levels=frozenset(levels), malignant=frozenset(malignant), benign=frozenset(benign)
    )


def test_a_levels_classes_are_its_calls_right_and_wrong() -> None:
    (counts,) = levels(a=(4, 3, 2, 1)).values()
    assert (counts.malignant, counts.benign) == ((4, 3), (2, 1))


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        # nothing small
        ({"a": (9, 9, 9, 9), "b": (9, 9, 9, 9)}, ("ab", "ab", "ab")),
        # few missed in a: with it the last other level
        ({"a": (9, 4, 9, 9), "b": (9, 9, 9, 9), "c": (9, 9, 9, 9)}, ("abc", "b", "abc")),
        ({"a": (9, 9, 9, 4), "b": (9, 9, 9, 9), "c": (9, 9, 9, 9)}, ("abc", "abc", "b")),
        # few malignant in a: the level goes, with the last other one; the calls go with it
        ({"a": (1, 3, 9, 9), "b": (9, 9, 9, 9), "c": (9, 9, 9, 9)}, ("b", "b", "b")),
        ({"a": (9, 9, 1, 3), "b": (9, 9, 9, 9), "c": (9, 9, 9, 9)}, ("b", "b", "b")),
        # the minimum itself is enough
        ({"a": (5, 5, 5, 5), "b": (5, 5, 5, 5)}, ("ab", "ab", "ab")),
        # a level that holds all there is has the site's own figures
        ({"a": (1, 2, 1, 3)}, ("a", "a", "a")),
        ({"a": (1, 2, 1, 3), "b": (0, 0, 0, 0)}, ("ab", "ab", "ab")),
        # nobody of a class hides nothing
        ({"a": (0, 0, 9, 9), "b": (9, 9, 9, 9)}, ("ab", "ab", "ab")),
        # what is gone already hides the small calls of another level
        (
            {"a": (1, 1, 9, 9), "b": (9, 4, 9, 9), "c": (9, 9, 9, 9), "d": (9, 9, 9, 9)},
            ("bc", "c", "bc"),
        ),
    ],
    ids=str,
)
def test_of_each_level_is_released_what_gives_no_small_count_away(
    counts: dict[str, tuple[int, int, int, int]], wanted: tuple[str, str, str]
) -> None:
    assert choose(levels(**counts), 5) == released(*wanted)


def told(
    counts: dict[str, tuple[int, int, int, int]], kept: ReleasedLevels, minimum: int, **aucs: float
) -> str:
    return "".join(sorted(narrowing(levels(**counts), kept, aucs, minimum)))


TWO = {"a": (20, 10, 24, 6), "b": (18, 12, 22, 8)}


def test_an_auc_beside_calls_that_are_shown_tells_nothing() -> None:
    assert told(TWO, released("ab", "ab", "ab"), 5, a=1.0, b=0.999) == ""


def most_missed(auc: float) -> int:
    """Missed times alarmed (6) pairs of level a are lost: at most this many are missed."""
    return round(30 * 30 * (1 - auc)) // 6


@pytest.mark.parametrize(("spare", "hidden"), [(5, ""), (4, "ab")])
def test_a_withheld_count_keeps_the_minimum_of_further_values(spare: int, hidden: str) -> None:
    """22 wrong calls of both levels: with at most k missed in a, b has 22 − k or more."""
    auc = 1 - spare * 6 / 900
    assert most_missed(auc) == spare
    assert told(TWO, released("ab", "", "ab"), 5, a=auc) == hidden


@pytest.mark.parametrize(("spare", "hidden"), [(5, ""), (4, "ab")])
def test_the_same_is_so_for_withheld_calls_of_benign_patients(spare: int, hidden: str) -> None:
    """Alarmed times missed (10) pairs of level a are lost: at most this many are alarmed."""
    assert told(TWO, released("ab", "ab", ""), 5, a=1 - spare * 10 / 900) == hidden


def test_a_low_auc_leaves_a_least_number_of_wrong_calls() -> None:
    """Caught times cleared (24) pairs are won: with few won, few are caught and most are missed.

    Of the 30 malignant of a and the 30 of b 49 are missed: a misses 19 at least, and with an AUC
    that lets at most k be caught 30 − k at least.
    """
    counts = {"a": (3, 27, 24, 6), "b": (8, 22, 22, 8)}
    for caught, hidden in ((5, ""), (4, "ab")):
        auc = (caught * 24) / 900
        assert told(counts, released("ab", "", "ab"), 5, a=auc) == hidden


def test_a_class_that_is_called_right_or_wrong_alone_bounds_nothing() -> None:
    counts = {"a": (20, 10, 30, 0), "b": (18, 12, 22, 8)}
    assert told(counts, released("ab", "", "ab"), 5, a=1.0) == ""
    counts = {"a": (20, 10, 0, 30), "b": (18, 12, 22, 8)}
    assert told(counts, released("ab", "", "ab"), 5, a=0.1) == ""


def test_where_totals_leave_little_room_an_auc_that_takes_none_away_stays() -> None:
    """Two wrong calls in all: each level has three possible counts whatever the AUC."""
    counts = {"a": (29, 1, 24, 6), "b": (29, 1, 22, 8)}
    assert told(counts, released("ab", "", "ab"), 5, a=1 - 12 / 900) == ""
    assert told(counts, released("ab", "", "ab"), 5, a=1 - 11 / 900) == "ab"


def test_levels_that_are_gone_count_together_as_one_of_unknown_calls() -> None:
    """Levels b and c are not named: their 25 malignant patients are all that could be missed."""
    counts = {"a": (20, 10, 24, 6), "b": (5, 6, 9, 9), "c": (9, 5, 9, 9)}
    assert told(counts, released("a", "", "a"), 5, a=1 - 5 * 6 / 900) == ""
    assert told(counts, released("a", "", "a"), 5, a=1 - 4 * 6 / 900) == "a"


def test_ties_count_half_in_the_bounds() -> None:
    """29.5 pairs are lost: four missed by six alarmed are 24, five would be 30."""
    assert told(TWO, released("ab", "", "ab"), 5, a=1 - 30 / 900) == ""
    assert told(TWO, released("ab", "", "ab"), 5, a=1 - 29.5 / 900) == "ab"


def test_levels_withheld_in_either_class_are_told_together() -> None:
    """In b at most 3 are missed and 3 alarmed: 4 values each, of a and b, and of b and c."""
    counts = {"a": (20, 10, 24, 6), "b": (27, 3, 27, 3), "c": (18, 12, 22, 8)}
    assert told(counts, released("abc", "c", "a"), 5, b=1 - 9 / 900) == "abc"
