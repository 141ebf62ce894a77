"""The facts of a stack, and where the T1 stacks of an examination stand in its dynamic."""

import pytest
from hepafed.client.dicom.roles.rule import StackFacts
from hepafed.client.dicom.roles.stack_facts import dynamic_facts, facts_of
from hepafed.client.dicom.volumes.volume import Volume

from tests.client.dicom.slices import T1, header, run, volume


def test_the_facts_of_a_stack_are_what_its_first_slice_says() -> None:
    h = header(
        image_type=("ORIGINAL", "PRIMARY", "DIXON"), component="PHASE", weighting="T1",
        description="t1 vibe", manufacturer="SOMEONE", pulse="fl3d", scanning=("GR", "IR"),
        volumetric=True, echo_time=2.4, repetition_time=5.5, inversion_time=7.0, flip_angle=9.0,
        b_value=3.0, temporal=2.0, contrast=True,
    )  # fmt: skip
    assert facts_of(h, [h]) == StackFacts(
        image_type=frozenset({"ORIGINAL", "PRIMARY", "DIXON"}), component="PHASE", weighting="T1",
        description="t1 vibe", manufacturer="SOMEONE", pulse="fl3d",
        scanning=frozenset({"GR", "IR"}), volumetric=True, echo_time=2.4, repetition_time=5.5,
        inversion_time=7.0, flip_angle=9.0, b_value=3.0, weighted=True, temporal=2.0,
        contrast=True,
    )  # fmt: skip


@pytest.mark.parametrize("code", ["FS", "FAT", "SFS"])
@pytest.mark.parametrize("field", ["options", "variant"])
def test_fat_saturation_may_stand_among_options_or_variants(field: str, code: str) -> None:
    h = header(**{field: ("PFP", code)})
    assert facts_of(h, [h]).fat_saturated
    other = header(options=("PFP", "F"), variant=("SK",))
    assert not facts_of(other, [other]).fat_saturated


@pytest.mark.parametrize(
    ("b_values", "weighted"),
    [((0.0, None), False), ((0.0, 800.0), True), ((None, 0.5), True), ((None,), False)],
)
def test_a_series_is_weighted_where_any_slice_has_a_b_value_above_0(
    b_values: tuple[float | None, ...], weighted: bool
) -> None:
    series = [header(b_value=b) for b in b_values]
    assert facts_of(series[0], series).weighted is weighted


@pytest.mark.parametrize(
    ("echoes", "dual"),
    [
        ((2.3, 2.3, 2.3), False),
        ((2.3, 4.6), True),
        ((2.3, None), False),
        ((2.3, 4.6, 6.9), True),
        ((2.3, 4.6, 6.9, 9.2), False),
        ((2.3, 2.304), False),
        ((2.3, 2.31), True),
        ((None, None), False),
    ],
)
def test_two_or_three_echo_times_to_a_hundredth_ms_make_a_dual_echo(
    echoes: tuple[float | None, ...], dual: bool
) -> None:
    series = [header(echo_time=e) for e in echoes]
    assert facts_of(series[0], series).dual is dual


@pytest.mark.parametrize(
    ("echo", "tesla", "cycles"),
    [
        (4.6, 1.5, 0.9988564),
        (2.3, 1.5, 0.4994282),
        (1.15, 3.0, 0.4994282),
        (10.0, 0.5, 0.7238090),
        (10.0, 19.9, 28.8075982),
        (10.0, 20.0, None),
        (10.0, 0.0, None),
        (10.0, -1.5, None),
        (10.0, None, None),
        (None, 1.5, None),
    ],
)
def test_fat_turns_144_76_times_a_second_and_tesla_against_water(
    echo: float | None, tesla: float | None, cycles: float | None
) -> None:
    h = header(echo_time=echo, field_strength=tesla)
    found = facts_of(h, [h]).cycles
    assert found == (None if cycles is None else pytest.approx(cycles, abs=1e-6))


def facts(volumes: list[Volume]) -> list[StackFacts]:
    """Give the facts of T1 stacks, as the rules for the dynamic get them."""
    own = [facts_of(v.headers[0], v.headers) for v in volumes]
    return dynamic_facts(volumes, own)


def t1(series: str, **changes: object) -> Volume:
    return volume(run(**T1 | {"series": series} | changes))


def test_the_enhanced_are_numbered_by_their_clock_not_by_their_place_in_the_list() -> None:
    starts = {"a": 300.0, "b": 100.0, "c": 0.0, "d": 200.0}
    volumes = [t1(s, acquired=t, contrast=s != "c") for s, t in starts.items()]
    found = facts(volumes)
    assert [f.order for f in found] == [3, 1, 0, 2]
    assert [f.after_first for f in found] == [200.0, 0.0, None, 100.0]
    assert [f.native for f in found] == [False, False, True, False]
    assert [f.contrast for f in found] == [True, True, False, True]
    assert [f.dynamic for f in found] == [True, True, False, True]


def test_a_trigger_time_counts_in_milliseconds_from_the_start_of_its_stack() -> None:
    triggers = (70_000.0, 0.0, 25_500.0)
    volumes = [
        t1(f"{n}", acquired=1000.0, trigger=trigger, contrast=True)
        for n, trigger in enumerate(triggers)
    ]
    assert [f.after_first for f in facts([t1("n", acquired=0.0), *volumes])] == [
        None,
        70.0,
        0.0,
        25.5,
    ]


def test_a_stack_began_with_its_earliest_slice_and_its_earliest_trigger() -> None:
    slices = run(**T1, series="late", contrast=True)
    late = [
        header(**vars(h) | {"acquired": a, "trigger": t})
        for h, a, t in zip(slices, (130.0, 120.0, None), (None, 900.0, 500.0), strict=True)
    ]
    others = [t1(f"{n}", acquired=100.0 + n, contrast=True, injected=90.0) for n in range(2)]
    found = facts([t1("n", acquired=0.0), volume(late), *others])
    assert found[1].after_first == 20.5
    assert [f.after_injection for f in found] == [None, None, 10.0, 11.0]


def test_the_seconds_since_the_injection_need_both_times() -> None:
    found = facts(
        [
            t1("a", acquired=100.0, injected=130.0),
            t1("b", acquired=100.0, injected=0.0),
            t1("c", acquired=None, injected=50.0),
            t1("d", acquired=0.0, injected=40.0),
        ]
    )
    assert [f.after_injection for f in found] == [-30.0, 100.0, None, -40.0]


@pytest.mark.parametrize(
    "starts",
    [(100.0, None, 50.0), (100.0, 100.0, 100.0), (None, None, None)],
    ids=["one unknown", "all the same", "none"],
)
def test_without_a_clock_of_all_enhanced_the_order_is_that_of_temporal_positions(
    starts: tuple[float | None, ...],
) -> None:
    volumes = [
        t1(f"{n}", acquired=a, temporal=p, contrast=True)
        for n, (a, p) in enumerate(zip(starts, (3.0, 1.0, 2.0), strict=True))
    ]
    found = facts([*volumes, t1("n")])
    assert [f.order for f in found] == [3, 1, 2, 0]
    assert [f.after_first for f in found] == [None] * 4
    assert [f.dynamic for f in found] == [True, True, True, False]


def test_without_clock_and_temporal_position_the_first_instance_number_orders() -> None:
    volumes = [t1(f"{n}", first=first, contrast=True) for n, first in enumerate((30, 100, 7))]
    # The number of the first slice counts, although another slice of it has a smaller one
    volumes[1] = volume(
        [
            header(**vars(h) | {"number": n})
            for h, n in zip(volumes[1].headers, (100, 2, 1), strict=True)
        ]
    )
    assert [f.order for f in facts([t1("n"), *volumes])] == [0, 2, 3, 1]


def test_two_clocks_that_differ_are_enough_to_time_the_enhanced() -> None:
    volumes = [t1(f"{n}", acquired=a, contrast=True) for n, a in enumerate((100.0, 100.0, 160.0))]
    assert [f.after_first for f in facts([*volumes, t1("n")])] == [0.0, 0.0, 60.0, None]


@pytest.mark.parametrize(("count", "dynamic"), [(1, False), (2, False), (3, True), (4, True)])
def test_three_enhanced_stacks_make_a_dynamic(count: int, dynamic: bool) -> None:
    volumes = [t1(f"{n}", acquired=100.0 + n, contrast=True) for n in range(count)]
    found = facts([t1("n", acquired=0.0), *volumes])
    assert [f.dynamic for f in found] == [False] + [dynamic] * count
    expected = [float(n) if dynamic else None for n in range(count)]
    assert [f.after_first for f in found] == [None, *expected]
    assert [f.order for f in found] == [0, *range(1, count + 1)]


def test_a_stack_is_alone_where_its_series_holds_no_other_t1() -> None:
    volumes = [t1("a"), t1("b"), t1("a", first=9)]
    assert [f.alone for f in facts(volumes)] == [False, True, False]


def test_where_all_of_a_series_says_enhanced_its_first_position_is_native() -> None:
    volumes = [
        t1("dyn", temporal=p, first=n, contrast=True)
        for n, p in ((1, 2.0), (11, 3.0), (21, 1.0), (31, 4.0))
    ]
    found = facts(volumes)
    assert [f.native for f in found] == [False, False, True, False]
    assert [f.order for f in found] == [1, 2, 0, 3]


def test_the_first_position_is_enhanced_where_another_stack_is_native() -> None:
    volumes = [t1("dyn", temporal=float(p), contrast=True) for p in (2, 1, 3)]
    found = facts([*volumes, t1("native")])
    assert [f.native for f in found] == [False, False, False, True]
    assert [f.order for f in found] == [2, 1, 3, 0]


def test_single_stacks_that_all_say_enhanced_are_all_enhanced() -> None:
    volumes = [t1(f"{n}", temporal=float(n), contrast=True) for n in (1, 2, 3)]
    assert [f.native for f in facts(volumes)] == [False, False, False]


def test_each_series_of_several_positions_has_its_own_native_one() -> None:
    volumes = [
        t1(s, acquired=a, contrast=True)
        for s, a in (("x", 60.0), ("y", 500.0), ("x", 0.0), ("y", 400.0), ("z", 20.0))
    ]
    assert [f.native for f in facts(volumes)] == [False, False, True, True, False]


def test_where_nothing_says_enhanced_four_of_one_protocol_are_native_and_three_phases() -> None:
    volumes = [t1(f"{n}", acquired=a) for n, a in enumerate((90.0, 0.0, 120.0, 60.0))]
    found = facts(volumes)
    assert [f.native for f in found] == [False, True, False, False]
    assert [f.contrast for f in found] == [True, False, True, True]
    assert [f.order for f in found] == [2, 0, 3, 1]


def test_midnight_comes_before_what_begins_half_a_second_later() -> None:
    volumes = [t1(f"{n}", acquired=a, contrast=True) for n, a in enumerate((0.5, 0.0, 90.0))]
    assert [f.order for f in facts([*volumes, t1("n")])] == [2, 1, 3, 0]
    silent = [t1(f"{n}", acquired=a) for n, a in enumerate((0.5, 0.0, 90.0, 120.0))]
    assert [f.native for f in facts(silent)] == [False, True, False, False]


def test_a_temporal_position_of_zero_comes_before_a_half() -> None:
    volumes = [t1(f"{n}", temporal=p, contrast=True) for n, p in enumerate((0.5, 0.0, 2.0))]
    assert [f.order for f in facts([*volumes, t1("n")])] == [2, 1, 3, 0]


def test_the_injection_is_read_from_the_first_slice() -> None:
    slices = [
        header(**vars(h) | {"injected": s})
        for h, s in zip(run(**T1, acquired=100.0), (60.0, 1.0, 2.0), strict=True)
    ]
    assert [f.after_injection for f in facts([volume(slices)])] == [40.0]


def test_three_of_one_protocol_that_nothing_calls_enhanced_are_native() -> None:
    found = facts([t1(f"{n}", acquired=float(n)) for n in range(3)])
    assert [f.native for f in found] == [True, True, True]
    assert [f.contrast for f in found] == [False, False, False]


def test_three_positions_of_one_series_that_nothing_calls_enhanced_are_neither() -> None:
    found = facts([t1("dyn", temporal=float(n)) for n in range(3)])
    assert [(f.native, f.contrast) for f in found] == [(False, False)] * 3


@pytest.mark.parametrize(
    "other",
    [
        {"echo_time": 2.6},
        {"repetition_time": 5.0},
        {"flip_angle": 30.0},
        {"rows": 7},
        {"columns": 8},
        {"places": (0.0, 3.0)},
    ],
    ids=["echo time", "repetition time", "flip angle", "rows", "columns", "slices"],
)
def test_stacks_of_another_protocol_are_no_part_of_the_dynamic(other: dict[str, object]) -> None:
    same = [t1(f"{n}", acquired=100.0 - n) for n in range(4)]
    found = facts([t1("other", acquired=0.0, **other), *same])
    assert [f.native for f in found] == [True, False, False, False, True]
    assert [f.order for f in found] == [0, 3, 2, 1, 0]
    three = facts([t1("other", acquired=0.0, **other), *same[:3]])
    assert [f.contrast for f in three] == [False] * 4


def test_the_protocol_of_most_stacks_is_the_dynamic() -> None:
    many = [t1(f"{n}", acquired=100.0 + n) for n in range(5)]
    fewer = [t1(f"o{n}", acquired=float(n), flip_angle=70.0) for n in range(4)]
    found = facts([*fewer, *many])
    assert [f.contrast for f in found] == [False] * 5 + [True] * 4


def test_an_examination_without_t1_has_no_dynamic() -> None:
    assert dynamic_facts([], []) == []


def test_other_facts_stay_as_they_are() -> None:
    v = t1("a", description="vibe")
    (found,) = facts([v])
    assert (found.description, found.echo_time, found.flip_angle) == ("vibe", 1.3, 10.0)
