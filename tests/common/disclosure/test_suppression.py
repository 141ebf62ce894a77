"""No small count of a table follows from its totals, not even for one who knows the rule."""

import itertools
from collections import defaultdict
from collections.abc import Iterator

import pytest
from hepafed.common.disclosure.subgroup_suppression import LevelCounts, choose
from hepafed.common.disclosure.suppression import hide
from hypothesis import given
from hypothesis import strategies as st

NAMES = "ABC"
ROWS = st.tuples(st.integers(0, 30), st.integers(0, 30))


def tables(levels: int, most: int, benign: int) -> Iterator[dict[str, LevelCounts]]:
    """Every table of `levels` rows with at most `most` malignant patients, not all rows empty."""
    rows = [(a, b) for a in range(most + 1) for b in range(most + 1 - a)]
    for made in itertools.product(rows, repeat=levels):
        if sum(map(sum, made)) <= most:
            yield {n: LevelCounts(*r, benign, 0) for n, r in zip(NAMES, made, strict=False)}


@pytest.mark.parametrize(
    ("minimum", "levels", "most", "benign"),
    [(3, 2, 10, 20), (3, 3, 9, 20), (4, 3, 8, 20), (3, 3, 9, 2)],
)
def test_who_knows_the_rule_and_the_totals_still_cannot_tell_a_small_count(
    minimum: int, levels: int, most: int, benign: int
) -> None:
    seen: dict[object, list[dict[str, LevelCounts]]] = defaultdict(list)
    for table in tables(levels, most, benign):
        if sum(map(sum, table.values())) < minimum:
            continue
        kept = choose(table, minimum)
        totals = tuple(map(sum, zip(*table.values(), strict=True)))
        known: object = "every level"
        if kept.levels:
            known = (
                tuple((n, sum(table[n][:2])) for n in NAMES if n in kept.levels),
                tuple((n, table[n][:2]) for n in NAMES if n in kept.malignant),
            )
        seen[totals, known].append(table)
    told = 0
    for (_, known), fitting in seen.items():
        if known == "every level":
            shown, calls = set(), set()
        else:
            shown, calls = ({n for n, _ in part} for part in known)  # type: ignore[attr-defined]
        for name in fitting[0]:
            told += name not in calls and len(fitting) > 1
            for column in (0, 1) if name not in calls else ():
                values = {t[name][column] for t in fitting}
                assert len(values) > 1 or not 0 < values.pop() < minimum
            values = {sum(t[name][:2]) for t in fitting}
            assert name in shown or len(values) > 1 or not 0 < values.pop() < minimum
    assert told > 50  # the cases in question do occur


@given(st.dictionaries(st.sampled_from("abcdefg"), ROWS, min_size=1), st.integers(1, 8))
def test_what_is_hidden_adds_up_to_enough_or_is_all_there_is(
    table: dict[str, tuple[int, int]], minimum: int
) -> None:
    hidden = hide(table, minimum)
    assert all(n == 0 or n >= minimum for k, row in table.items() if k not in hidden for n in row)
    if hidden and any(any(row) for k, row in table.items() if k not in hidden):
        assert len(hidden) > 1
        for total in map(sum, zip(*(table[k] for k in hidden), strict=True)):
            assert total == 0 or total >= 2 * minimum - 1


@given(st.dictionaries(st.sampled_from("abcdefg"), ROWS, min_size=1))
def test_a_minimum_of_one_hides_nothing(table: dict[str, tuple[int, int]]) -> None:
    assert hide(table, 1) == frozenset()


def test_the_last_rows_go_first_whatever_they_hold() -> None:
    table = {"a": (30, 30), "b": (2, 30), "c": (9, 9), "d": (40, 40)}
    assert hide(table, 5) == {"b", "d"}
