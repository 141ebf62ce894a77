"""When stacks began, their order by the scanner's own counters, and gaps in them."""

from itertools import permutations

import pytest
from hepafed.client.dicom.roles.phases.timing import (
    clocks_of,
    is_course,
    lacks_position,
    order_of,
    seconds_apart,
    skips_number,
)
from hepafed.client.dicom.volumes.volume import Volume

from tests.client.dicom.slices import T1, header, run, volume


def t1(series: str, **changes: object) -> Volume:
    return volume(run(**T1 | {"series": series} | changes))


def ordered(*volumes: Volume) -> list[int] | None:
    return order_of(volumes, clocks_of(volumes))


def test_a_trigger_time_counts_in_milliseconds_where_stacks_share_their_start() -> None:
    volumes = [t1("d", acquired=1000.0, trigger=t) for t in (70_000.0, 0.0, 25_500.0)]
    assert clocks_of(volumes) == [1070.0, 1000.0, 1025.5]


def test_a_trigger_time_is_no_second_delay_where_the_acquisition_time_advances() -> None:
    volumes = [t1("d", acquired=1000.0 + t, trigger=t * 1000) for t in (0.0, 60.0, 100.0, 240.0)]
    assert clocks_of(volumes) == [1000.0, 1060.0, 1100.0, 1240.0]


@pytest.mark.parametrize(("apart", "shared"), [(1.0, True), (1.01, False)])
def test_starts_within_a_second_are_shared(apart: float, shared: bool) -> None:
    volumes = [t1("d", acquired=t, trigger=5000.0) for t in (1000.0, 1000.0 + apart)]
    extra = 5.0 if shared else 0.0
    assert clocks_of(volumes) == [1000.0 + extra, 1000.0 + apart + extra]


def test_a_stack_began_with_its_earliest_slice_and_its_earliest_trigger() -> None:
    slices = [
        header(**vars(h) | {"acquired": a, "trigger": t})
        for h, a, t in zip(run(**T1), (130.0, 120.0, None), (None, 900.0, 500.0), strict=True)
    ]
    assert clocks_of([volume(slices), t1("x", acquired=120.0), t1("y")]) == [120.5, 120.0, None]


def test_no_volumes_have_no_clocks_and_an_empty_order() -> None:
    assert clocks_of([]) == []
    assert order_of([], []) == []


@pytest.mark.parametrize("arrangement", list(permutations(range(4))))
def test_the_clock_orders_wherever_the_stacks_stand_in_the_list(
    arrangement: tuple[int, ...],
) -> None:
    starts = (0.0, 0.5 + 1.0, 90.0, 300.0)
    volumes = [t1(f"{9 - n}", acquired=starts[n], series_number=9.0 - n) for n in arrangement]
    assert [arrangement[k] for k in ordered(*volumes) or ()] == [0, 1, 2, 3]


def test_stacks_of_one_moment_are_ordered_by_the_number_of_their_series() -> None:
    volumes = [
        t1("a", acquired=100.5, series_number=7.0),
        t1("b", acquired=100.0, series_number=8.0),
        t1("c", acquired=0.0, series_number=9.0),
    ]
    assert ordered(*volumes) == [2, 0, 1]


def test_without_a_clock_of_all_the_series_numbers_order() -> None:
    volumes = [
        t1("a", acquired=5.0, series_number=801.0),
        t1("b", series_number=601.0),
        t1("c", acquired=900.0, series_number=701.0),
    ]
    assert ordered(*volumes) == [1, 2, 0]


@pytest.mark.parametrize(
    "numbers", [(None, None, None), (5.0, 5.0, 6.0), (5.0, None, 6.0)], ids=["none", "two", "one"]
)
def test_without_times_and_numbers_that_tell_all_apart_nothing_orders(
    numbers: tuple[float | None, ...],
) -> None:
    volumes = [
        t1(f"{n}", series_number=s, acquisition=float(n), temporal=float(n), first=10 * n)
        for n, s in enumerate(numbers)
    ]
    # Positions and acquisitions are counted within a series, never across two of them
    expected = [0, 1, 2] if numbers == (5.0, 5.0, 6.0) else None
    assert ordered(*volumes) == expected


@pytest.mark.parametrize(
    "counter",
    [{"temporal": (3.0, 1.0, 2.0)}, {"acquisition": (30.0, 7.0, 9.0)}, {"first": (40, 2, 20)}],
    ids=["temporal position", "acquisition number", "instance number"],
)
def test_within_a_series_its_counters_order(counter: dict[str, tuple[float, ...]]) -> None:
    ((name, values),) = counter.items()
    assert ordered(*(t1("one", **{name: v}) for v in values)) == [1, 2, 0]


def test_the_temporal_position_comes_before_the_acquisition_and_the_instance() -> None:
    volumes = [
        t1("one", temporal=p, acquisition=a, first=f)
        for p, a, f in ((2.0, 1.0, 20), (1.0, 2.0, 40), (3.0, 3.0, 1))
    ]
    assert ordered(*volumes) == [1, 0, 2]
    unnumbered = [t1("one", acquisition=a, first=f) for a, f in ((2.0, 1), (1.0, 40), (3.0, 20))]
    assert ordered(*unnumbered) == [1, 0, 2]


@pytest.mark.parametrize(
    ("times", "course"),
    [
        ((0.0, 40.0, 160.0), True),
        ((500.0, 540.0, 660.0), True),
        ((0.0, 19.9, 160.0), False),
        ((0.0, 20.0, 160.0), True),
        ((0.0, 74.9, 75.0), True),
        ((0.0, 75.0, 160.0), False),
        ((0.0, 40.0, 74.9), False),
        ((0.0, 5.0, 10.0, 45.0, 180.0, 1200.0), True),
        ((0.0, 120.0, 240.0), False),
        ((0.0,), False),
    ],
)
def test_a_dynamic_has_a_portal_stack_20_to_75_s_after_its_first_and_one_later(
    times: tuple[float, ...], course: bool
) -> None:
    assert is_course(times) is course


@pytest.mark.parametrize(
    ("own", "others", "gap"),
    [
        ((5, 6, 7, 8), (), False),
        ((5, 7, 8, 9), (), True),
        ((5, 7, 8, 9), (6,), False),
        ((5, 6, 7, 9), (), True),
        ((501, 601, 701, 801), (), False),
        ((501, 701, 801, 901), (), True),
        ((501, 701, 801, 901), (601,), False),
        ((4, 6, 8, 10), (), False),
        ((5, 9), (), False),
        ((5, 5, 7, 8), (), False),
        ((5, None, 8, 9), (), False),
    ],
)
def test_a_series_number_that_is_skipped_and_not_another_series_is_a_gap(
    own: tuple[float | None, ...], others: tuple[float, ...], gap: bool
) -> None:
    volumes = [t1(f"{n}", series_number=s) for n, s in enumerate(own)]
    assert skips_number(volumes, {*(s for s in own if s is not None), *others}) is gap


@pytest.mark.parametrize(
    ("positions", "stated", "gap"),
    [
        ((1.0, 2.0, 3.0), None, False),
        ((2.0, 3.0, 4.0), None, False),
        ((1.0, 3.0, 4.0), None, True),
        ((3.0, 1.0, 2.0), None, False),
        ((1.0, 2.0, 3.0), 3.0, False),
        ((1.0, 2.0, 3.0), 4.0, True),
        ((None, None, None), 3.0, False),
        ((None, None, None), 4.0, True),
        ((1.0,), 4.0, False),
    ],
)
def test_a_temporal_position_that_is_skipped_or_fewer_than_stated_is_a_gap(
    positions: tuple[float | None, ...], stated: float | None, gap: bool
) -> None:
    volumes = [t1("one", temporal=p, temporal_count=stated) for p in positions]
    assert lacks_position(volumes) is gap


def test_seconds_between_two_moments_need_both() -> None:
    assert seconds_apart(130.0, 100.0) == 30.0
    assert seconds_apart(100.0, 130.0) == -30.0
    assert seconds_apart(None, 1.0) is seconds_apart(1.0, None) is None
