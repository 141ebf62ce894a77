"""What splits a series into stacks, and in which order its repeats come."""

import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.reasons import SetAsideError
from hepafed.client.dicom.volumes.stacks import direction_key, stacks_of

from tests.client.dicom.slices import DWI, header, run


def numbers(series: list[Header]) -> list[list[int]]:
    """Give the numbers of each stack's slices; none may be refused."""
    made, refused = stacks_of(series)
    assert refused == []
    return [[h.number for h in s.headers] for s in made]


def told(series: list[Header]) -> list[tuple[int, str]]:
    """Give how many slices were refused together, and why."""
    return [(len(group), error.message) for group, error in stacks_of(series)[1]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"image_type": ("A", "B", "WATER")}, {"image_type": ("A", "B", "FAT")}),
        ({"component": "MAGNITUDE"}, {"component": "PHASE"}),
        ({"echo_time": 2.3}, {"echo_time": 2.36}),
        ({"echo_time": 2.3}, {"echo_time": None}),
        ({"inversion_time": 220.0}, {"inversion_time": 222.3}),
        ({"inversion_time": 220.0}, {"inversion_time": None}),
        ({"flip_angle": 10.0}, {"flip_angle": 10.3}),
        ({"flip_angle": 10.0}, {"flip_angle": 40.0}),
        ({"b_value": 50.0}, {"b_value": 800.0}),
        ({"b_value": 0.0}, {"b_value": 800.0}),
        ({"b_value": None}, {"b_value": 800.0}),
        ({"b_value": 800.0}, {"b_value": 843.0}),
        (
            {"b_value": 800.0, "direction": (1.0, 0.0, 0.0)},
            {"b_value": 800.0, "direction": (0.0, 1.0, 0.0)},
        ),
        (
            {"b_value": 800.0, "direction": (1.0, 0.0, 0.0)},
            {"b_value": 800.0, "direction": None},
        ),
    ],
    ids=str,
)
def test_slices_at_the_same_places_are_told_apart_by(
    one: dict[str, object], other: dict[str, object]
) -> None:
    # Neither blocks of numbers nor their order at each place tells the two apart
    a, b = renumbered(run(**one), 1, 4, 5), renumbered(run(**other), 2, 3, 6)
    mixed = [h for pair in zip(b, a, strict=True) for h in pair]
    assert sorted(numbers(mixed)) == [[1, 4, 5], [2, 3, 6]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"echo_time": 2.3}, {"echo_time": 2.304}),
        ({"inversion_time": 220.0}, {"inversion_time": 220.4}),
        ({"flip_angle": 10.0}, {"flip_angle": 10.04}),
        ({"b_value": 800.0}, {"b_value": 800.4}),
        ({"acquired": 10.0}, {"acquired": 20.0}),
        ({"acquisition": 1.0}, {"acquisition": 2.0}),
        ({"temporal": 1.0}, {"temporal": 2.0}),
        ({"trigger": 1.0}, {"trigger": 2.0}),
        ({"repetition_time": 4000.0}, {"repetition_time": 4100.0}),
        (
            {"b_value": 800.0, "direction": (1.0, 0.0, 0.0)},
            {"b_value": 800.0, "direction": (1.004, 0.0, -0.004)},
        ),
    ],
    ids=str,
)
def test_slices_at_different_places_are_one_stack_although_they_differ_in(
    one: dict[str, object], other: dict[str, object]
) -> None:
    slices = run(places=(0.0, 6.0), first=1, **one) + run(places=(3.0, 9.0), first=11, **other)
    assert numbers(slices) == [[1, 11, 2, 12]]


def test_b_zero_with_and_without_a_b_value_is_one_stack_in_a_weighted_series() -> None:
    weighted = run(places=(0.0, 3.0, 6.0, 9.0), first=21, b_value=800.0, **DWI)
    zero = run(places=(0.0, 6.0), b_value=0.0, **DWI)
    none = run(places=(3.0, 9.0), first=11, b_value=None, **DWI)
    assert numbers([*zero, *none, *weighted]) == [[1, 11, 2, 12], [21, 22, 23, 24]]


def test_any_b_value_above_0_makes_a_weighted_series() -> None:
    little = run(places=(0.0, 6.0), b_value=0.3)
    none = run(places=(3.0, 9.0), first=11, b_value=None)
    assert numbers([*little, *none]) == [[1, 11, 2, 12]]


@pytest.mark.parametrize("field", ["acquired", "trigger", "acquisition"])
def test_a_time_of_zero_comes_before_a_fraction(field: str) -> None:
    later = renumbered(run(**{field: 0.3}), 1, 3, 5)
    earlier = renumbered(run(**{field: 0.0}), 2, 4, 6)
    assert numbers([*later, *earlier]) == [[2, 4, 6], [1, 3, 5]]


def test_b_zero_and_no_b_value_are_two_kinds_where_nothing_is_weighted() -> None:
    zero = run(first=1, b_value=0.0)
    none = run(first=11, b_value=None)
    assert numbers([*zero, *none]) == [[1, 2, 3], [11, 12, 13]]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"b_value": 800.0, "direction": (0.123, -0.004, 0.996)}, (0.12, 0.0, 1.0)),
        ({"b_value": 0.0, "direction": (1.0, 0.0, 0.0)}, None),
        ({"b_value": None, "direction": (1.0, 0.0, 0.0)}, None),
        ({"b_value": 800.0, "direction": (1.0, 0.0, 0.0), "isotropic": True}, None),
        ({"b_value": 800.0, "direction": None}, None),
    ],
    ids=str,
)
def test_a_direction_is_named_to_a_hundredth_where_it_means_something(
    changes: dict[str, object], key: object
) -> None:
    assert direction_key(header(**changes)) == key


def test_repeats_come_in_the_order_of_their_temporal_positions() -> None:
    parts = {t: run(first=10 * t, temporal=float(t), acquired=100.0 - t) for t in (3, 1, 12, 2)}
    series = [h for k in range(3) for t in parts for h in parts[t][k : k + 1]]
    assert [n[0] for n in numbers(series)] == [10, 20, 30, 120]


def test_the_temporal_position_zero_comes_before_a_half() -> None:
    series = [*run(first=20, temporal=0.5), *run(first=10, temporal=0.0)]
    assert [n[0] for n in numbers(series)] == [10, 20]


def test_a_temporal_position_that_is_missing_comes_first() -> None:
    series = [*run(first=20, temporal=2.0), *run(first=10, temporal=None)]
    assert [n[0] for n in numbers(series)] == [10, 20]


def test_a_temporal_position_that_repeats_is_split_by_time() -> None:
    series = [
        *run(first=31, temporal=2.0),
        *run(first=21, temporal=1.0, acquired=9.0),
        *run(first=11, temporal=1.0, acquired=5.0),
    ]
    assert numbers(series) == [[11, 12, 13], [21, 22, 23], [31, 32, 33]]


def test_one_temporal_position_tells_nothing_and_time_does() -> None:
    series = [
        *run(first=11, temporal=1.0, acquired=9.0),
        *run(first=1, temporal=1.0, acquired=5.0),
    ]
    assert numbers(series) == [[1, 2, 3], [11, 12, 13]]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ({"acquired": 5.0, "trigger": 9.0}, {"acquired": 6.0, "trigger": 1.0}),
        ({"trigger": 5.0, "acquisition": 9.0}, {"trigger": 6.0, "acquisition": 1.0}),
        ({"acquisition": 5.0}, {"acquisition": 6.0}),
        ({}, {"acquired": 1.0}),
        ({}, {"trigger": 1.0}),
        ({}, {"acquisition": 1.0}),
        ({"acquired": 5.0, "acquisition": 2.0}, {"acquired": 5.0, "acquisition": 3.0}),
    ],
    ids=str,
)
def test_repeats_are_ordered_by_clock_then_trigger_then_acquisition(
    early: dict[str, object], late: dict[str, object]
) -> None:
    # The numbers are interleaved, so that they tell nothing, and run against the times
    first = [header(**vars(h) | {"number": 9 - 2 * k}) for k, h in enumerate(run(**early))]
    second = [header(**vars(h) | {"number": 8 - 2 * k}) for k, h in enumerate(run(**late))]
    assert numbers([*second, *first]) == [[9, 7, 5], [8, 6, 4]]


def test_repeats_without_times_are_ordered_by_blocks_of_numbers() -> None:
    series = [*run(first=21), *run(first=1), *run(first=11)]
    assert numbers(series) == [[1, 2, 3], [11, 12, 13], [21, 22, 23]]


def renumbered(slices: list[Header], *own: int) -> list[Header]:
    return [header(**vars(h) | {"number": n}) for h, n in zip(slices, own, strict=True)]


SAME = "two slices lie at the same place"


@pytest.mark.parametrize(
    ("one", "other", "good"),
    [
        ((1, 2, 3), (4, 5, 6), True),
        ((3, 2, 1), (4, 6, 5), True),
        ((1, 2, 4), (3, 5, 6), False),
        ((1, 3, 5), (2, 4, 6), False),
        ((1, 2, 3), (3, 4, 5), False),
        ((1, 2, 3), (1, 2, 3), False),
    ],
    ids=str,
)
def test_blocks_of_numbers_do_not_overlap(
    one: tuple[int, ...], other: tuple[int, ...], good: bool
) -> None:
    series = [*renumbered(run(), *one), *renumbered(run(), *other)]
    if good:
        assert numbers(series) == [list(one), list(other)]
    else:
        assert told(series) == [(6, SAME)]


def test_times_that_tell_apart_only_some_places_tell_nothing() -> None:
    one, other = renumbered(run(), 1, 3, 5), renumbered(run(), 2, 4, 6)
    other[0] = header(**vars(other[0]) | {"acquired": 7.0})
    assert told([*one, *other]) == [(6, SAME)]


def test_repeats_of_one_b_value_need_no_order() -> None:
    one, other = run(b_value=800.0), run(b_value=800.0)
    assert numbers([*one, *other]) == [[1, 2, 3], [1, 2, 3]]
    zero = [*run(b_value=0.0), *run(b_value=0.0)]
    assert told(zero) == [(6, SAME)]


@pytest.mark.parametrize("extra", [0.0, 3.0, 6.0])
def test_places_that_hold_different_numbers_of_slices_are_refused(extra: float) -> None:
    series = [*run(acquired=1.0), *run(places=(extra,), acquired=2.0)]
    assert told(series) == [(4, SAME)]


def test_a_temporal_position_with_too_many_slices_is_refused_with_all_others() -> None:
    series = [*run(temporal=1.0), *run(temporal=2.0), *run(places=(3.0,), temporal=2.0)]
    assert told(series) == [(7, SAME)]


@pytest.mark.parametrize(("offset", "same"), [(0.0099, True), (0.0101, False)])
def test_slices_within_a_hundredth_mm_lie_at_one_place(offset: float, same: bool) -> None:
    series = [
        *run(first=1, acquired=1.0),
        *run(places=(offset, 3 + offset, 6 + offset), first=11, acquired=2.0),
    ]
    if same:
        assert numbers(series) == [[1, 2, 3], [11, 12, 13]]
    else:
        assert told(series) == [(6, "a slice is missing")]


def test_a_single_slice_is_set_aside_and_costs_the_others_nothing() -> None:
    made, refused = stacks_of([*run(places=(0.0,), echo_time=20.0), *run()])
    assert [len(s.headers) for s in made] == [3]
    ((group, error),) = refused
    assert (len(group), error.message) == (1, "a single slice")
    assert isinstance(error, SetAsideError)


def test_a_repeat_that_makes_no_stack_costs_only_itself() -> None:
    bad = run(first=11, temporal=2.0, places=(0.0, 3.0, 6.0))
    bad[1] = header(**vars(bad[1]) | {"position": (2.0, 0.0, 3.0)})
    series = [*run(first=1, temporal=1.0), *bad, *run(first=21, temporal=3.0)]
    made, refused = stacks_of(series)
    assert [s.headers[0].number for s in made] == [1, 21]
    assert [(len(g), e.message) for g, e in refused] == [
        (3, "slices are shifted sideways against each other")
    ]


def test_a_kind_that_is_refused_costs_the_other_kinds_nothing() -> None:
    broken = run(echo_time=20.0, rows=9)
    broken[0] = header(**vars(broken[0]) | {"rows": 8})
    made, refused = stacks_of([*broken, *run()])
    assert [len(s.headers) for s in made] == [3]
    assert [(len(g), e.message) for g, e in refused] == [
        (3, "the image matrix differs within one series")
    ]
