"""Which T1 stacks are native, enhanced or phases, where tags, names and times agree or do not."""

from itertools import permutations

import pytest
from hepafed.client.dicom.roles.phases.dynamic import Dynamic
from hepafed.client.dicom.roles.rule import StackFacts
from hepafed.client.dicom.roles.stack_facts import facts_of
from hepafed.client.dicom.volumes.volume import Volume

from tests.client.dicom.slices import T1, header, run, volume

TIMES = (0.0, 90.0, 130.0, 250.0)
"""Seconds at which native, arterial, portal and delayed begin."""


def t1(series: str, **changes: object) -> Volume:
    return volume(run(**T1 | {"series": series} | changes))


def placed(*volumes: Volume, numbers: tuple[float, ...] = ()) -> tuple[list[StackFacts], list[str]]:
    """Give the facts of T1 stacks in the dynamic, and the remarks."""
    dynamic = Dynamic(volumes, [facts_of(v.headers[0], v.headers) for v in volumes], numbers)
    return dynamic.placed(), dynamic.remarks


def states(found: list[StackFacts]) -> str:
    """Give n (native), e (enhanced), d (of the dynamic) or - for each stack."""
    return "".join(
        "n" if f.native else "d" if f.dynamic else "e" if f.contrast else "-" for f in found
    )


def examination(
    stated: str, times: tuple[float | None, ...] = TIMES, **changes: object
) -> list[Volume]:
    """Make one series a phase; `stated` has a + where contrast is stated."""
    return [
        t1(f"{9 - n}", acquired=t, contrast=s == "+", **changes)
        for n, (s, t) in enumerate(zip(stated, times, strict=True))
    ]


@pytest.mark.parametrize(
    ("stated", "expected", "remark"),
    [
        ("-+++", "nddd", ""),
        ("++++", "nddd", ""),
        ("----", "nddd", ""),
        ("-++-", "nddd", "after one where it is"),
        ("-+-+", "nddd", "after one where it is"),
        ("--++", "nnee", ""),
        ("+-++", "----", "before one where it is not"),
        ("+---", "----", "before one where it is not"),
        ("---+", "nnne", ""),
    ],
)
def test_contrast_tags_are_believed_where_they_agree_with_the_times(
    stated: str, expected: str, remark: str
) -> None:
    found, remarks = placed(*examination(stated))
    assert states(found) == expected
    assert len(remarks) == bool(remark)
    assert all(remark in said for said in remarks)


@pytest.mark.parametrize("arrangement", list(permutations(range(4)))[1::5])
def test_the_order_of_the_list_decides_nothing(arrangement: tuple[int, ...]) -> None:
    volumes = examination("-+++")
    found, _ = placed(*(volumes[n] for n in arrangement))
    by_time = sorted(zip(arrangement, found, strict=True), key=lambda pair: pair[0])
    assert [f.order for _, f in by_time] == [0, 1, 2, 3]
    assert [f.after_first for _, f in by_time] == [None, 0.0, 40.0, 160.0]
    assert [f.native for _, f in by_time] == [True, False, False, False]


@pytest.mark.parametrize("stated", ["-+++", "++++", "----"])
def test_where_a_phase_is_missing_the_next_does_not_move_up(stated: str) -> None:
    found, remarks = placed(*examination(stated, (0.0, 130.0, 250.0, 370.0)))
    assert not any(f.dynamic for f in found)
    assert len(remarks) == 1


def test_where_all_state_contrast_and_the_first_fits_too_it_is_a_whole_dynamic() -> None:
    found, remarks = placed(*examination("++++", (0.0, 40.0, 160.0, 1200.0)))
    assert (states(found), remarks) == ("dddd", [])
    assert [f.after_first for f in found] == [0.0, 40.0, 160.0, 1200.0]


@pytest.mark.parametrize(("count", "expected"), [(3, "nee"), (4, "nddd")])
def test_three_enhanced_stacks_make_a_dynamic(count: int, expected: str) -> None:
    found, _ = placed(*examination("-+++"[:count], TIMES[:count]))
    assert states(found) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((5.0, 6.0, 7.0, 8.0), "nddd"),
        ((501.0, 601.0, 701.0, 801.0), "nddd"),
        ((5.0, 7.0, 8.0, 9.0), "neee"),
        ((5.0, 6.0, 7.0, 9.0), "neee"),
    ],
)
@pytest.mark.parametrize("timed", [True, False], ids=["timed", "untimed"])
def test_a_number_that_is_skipped_among_the_series_leaves_the_phases_open(
    numbers: tuple[float, ...], expected: str, timed: bool
) -> None:
    volumes = [
        t1(f"{n}", series_number=s, contrast=n > 0, acquired=TIMES[n] if timed else None)
        for n, s in enumerate(numbers)
    ]
    found, remarks = placed(*volumes, numbers=numbers)
    if timed and numbers[-1] == 9.0 and numbers[1] == 6.0:
        expected = "nddd"  # what is missing after the portal phase moves no other
    assert states(found) == expected
    assert remarks == (
        [] if "d" in expected else ["a series or a phase seems to be missing among the T1 series"]
    )


@pytest.mark.parametrize(("count", "expected"), [(3, "nee"), (4, "nddd"), (5, "neeee")])
def test_without_times_only_three_enhanced_series_in_order_are_phases(
    count: int, expected: str
) -> None:
    volumes = [t1(f"{n}", series_number=5.0 + n, contrast=n > 0) for n in range(count)]
    found, _ = placed(*volumes, numbers=tuple(5.0 + n for n in range(count)))
    assert states(found) == expected
    assert [f.order for f in found] == list(range(count))
    assert {f.after_first for f in found} == {None}


def test_without_times_and_numbers_no_phase_is_told() -> None:
    volumes = [t1(f"{n}", contrast=n > 0) for n in range(4)]
    found, remarks = placed(*volumes)
    assert states(found) == "neee"
    assert remarks == ["nothing says in which order the T1 series were acquired"]


def test_without_an_order_one_stack_without_contrast_is_native_and_two_are_not() -> None:
    assert states(placed(t1("a"), t1("b", contrast=True))[0]) == "ne"
    assert states(placed(t1("a"), t1("b"), t1("c", contrast=True))[0]) == "--e"
    assert states(placed(t1("a"), t1("b"))[0]) == "--"


def test_one_t1_stack_is_native_unless_it_states_contrast() -> None:
    assert states(placed(t1("a"))[0]) == "n"
    assert states(placed(t1("a", contrast=True))[0]) == "e"
    assert states(placed(t1("a", description="t1 post"))[0]) == "e"
    assert placed() == ([], [])


def test_of_different_protocols_without_contrast_the_first_is_native() -> None:
    other = t1("b", acquired=60.0, flip_angle=70.0)
    assert states(placed(other, t1("a", acquired=0.0))[0]) == "-n"


def test_two_of_one_protocol_without_contrast_are_neither() -> None:
    found, remarks = placed(t1("a", acquired=0.0), t1("b", acquired=60.0))
    assert (states(found), len(remarks)) == ("--", 1)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"echo_time": 1.31}, True),
        ({"echo_time": 1.4}, False),
        ({"repetition_time": 4.05}, True),
        ({"repetition_time": 4.2}, False),
        ({"flip_angle": 10.1}, True),
        ({"flip_angle": 15.0}, False),
        ({"rows": 7}, False),
        ({"columns": 8}, False),
        ({"places": (0.0, 3.0)}, True),
    ],
)
def test_a_protocol_is_one_within_the_tolerance_of_what_is_measured(
    other: dict[str, object], same: bool
) -> None:
    volumes = examination("-+++")
    odd = t1("odd", acquired=130.0, contrast=True, **other)
    found, _ = placed(volumes[0], volumes[1], odd, volumes[3])
    assert states(found) == ("nddd" if same else "neee")


def test_a_series_of_several_stacks_is_not_alone() -> None:
    found, _ = placed(t1("a"), t1("b"), t1("a", first=9))
    assert [f.alone for f in found] == [False, True, False]


def test_the_first_position_of_one_series_that_all_states_contrast_is_native() -> None:
    volumes = [
        t1("dyn", temporal=p, acquired=t, contrast=True)
        for p, t in zip((1.0, 2.0, 3.0, 4.0), TIMES, strict=True)
    ]
    assert states(placed(*volumes)[0]) == "nddd"
    assert states(placed(*volumes[1:])[0]) == "ddd"
    lost, _ = placed(volumes[0], *volumes[2:])
    assert "d" not in states(lost)


NAMES = ("t1 vibe pre", "t1 vibe art", "t1 vibe ven", "t1 vibe late")


def named(
    names: tuple[str, ...] = NAMES, times: tuple[float | None, ...] = TIMES, **changes: object
) -> list[Volume]:
    return [
        t1(f"{9 - n}", description=d, acquired=t, **changes)
        for n, (d, t) in enumerate(zip(names, times, strict=True))
    ]


def test_names_in_the_order_of_time_are_believed_whatever_the_tags_say() -> None:
    for contrast in (True, False):
        found, remarks = placed(*named(contrast=contrast))
        assert [f.phase for f in found] == ["t1-pre", "arterial", "portal", "delayed"]
        assert remarks == []


def test_names_without_times_are_believed() -> None:
    found, _ = placed(*named(times=(None,) * 4))
    assert [f.phase for f in found] == ["t1-pre", "arterial", "portal", "delayed"]


def test_names_against_the_order_of_time_are_not_believed_and_nothing_else_is() -> None:
    found, remarks = placed(*named(times=(0.0, 130.0, 90.0, 250.0)))
    assert {f.phase for f in found} == {""}
    assert not any(f.dynamic for f in found)
    assert "the names of the phases are not in the order of acquisition" in remarks


def test_a_name_shared_by_several_stacks_of_a_series_is_none() -> None:
    found, _ = placed(*(t1("a", description="art", temporal=p) for p in (1.0, 2.0)))
    assert [f.phase for f in found] == ["", ""]


def test_where_some_are_named_the_times_place_no_other() -> None:
    volumes = named(("t1 vibe", "t1 vibe", "t1 vibe ven", "t1 vibe"))
    found, _ = placed(*volumes)
    assert not any(f.dynamic for f in found)


@pytest.mark.parametrize(
    ("injected", "believed"),
    [(70.0, True), (35.0, True), (29.9, False), (82.1, False), (-900.0, False), (500.0, False)],
)
def test_a_contrast_start_that_names_contradict_is_not_believed(
    injected: float, believed: bool
) -> None:
    found, remarks = placed(*named(injected=injected))
    since = [t - injected for t in TIMES] if believed else [None] * 4
    assert [f.after_injection for f in found] == pytest.approx(since)
    assert len(remarks) == (not believed)
    assert [f.phase for f in found] == ["t1-pre", "arterial", "portal", "delayed"]


@pytest.mark.parametrize(
    ("stated", "injected", "believed"),
    [
        ("-+++", 70.0, True),
        ("-+++", -9.9, True),
        ("-+++", -10.0, False),
        ("-+++", 90.1, False),
        ("++++", -900.0, False),
        ("++++", 1000.0, False),
        ("++++", 70.0, True),
    ],
)
def test_a_contrast_start_that_tags_or_times_contradict_is_not_believed(
    stated: str, injected: float, believed: bool
) -> None:
    found, remarks = placed(*examination(stated, injected=injected))
    assert [f.after_injection is not None for f in found] == [believed] * 4
    assert any("start of contrast" in r for r in remarks) is (not believed)
    assert believed or not any(f.dynamic for f in found)


@pytest.mark.parametrize(("since", "believed"), [(89.9, True), (90.0, False)])
def test_a_contrast_start_long_before_all_t1_series_is_not_believed(
    since: float, believed: bool
) -> None:
    found, _ = placed(*(t1(f"{n}", acquired=since + n, injected=0.0) for n in range(2)))
    assert [f.after_injection is not None for f in found] == [believed] * 2


@pytest.mark.parametrize(("apart", "believed"), [(5.0, True), (5.1, False)])
def test_series_must_state_one_contrast_start(apart: float, believed: bool) -> None:
    starts = (70.0, 70.0, 70.0 + apart, 70.0)
    volumes = [
        t1(f"{n}", acquired=t, injected=i, contrast=n > 0)
        for n, (t, i) in enumerate(zip(TIMES, starts, strict=True))
    ]
    found, remarks = placed(*volumes)
    assert (found[1].after_injection is not None) is believed
    assert ("the T1 series state different starts of contrast" in remarks) is (not believed)


def test_the_contrast_start_tells_whether_the_first_of_a_silent_dynamic_is_native() -> None:
    times = (0.0, 40.0, 80.0, 200.0)
    assert states(placed(*examination("++++", times, injected=15.0))[0]) == "nddd"
    assert states(placed(*examination("++++", times, injected=-30.0))[0]) == "dddd"


def test_other_facts_stay_as_they_are() -> None:
    (found,), _ = placed(t1("a", description="vibe"))
    assert (found.description, found.echo_time, found.flip_angle) == ("vibe", 1.3, 10.0)


def test_the_injection_is_read_from_the_first_slice() -> None:
    slices = [
        header(**vars(h) | {"injected": s})
        for h, s in zip(run(**T1, acquired=100.0, contrast=True), (60.0, 1.0, 2.0), strict=True)
    ]
    assert placed(volume(slices))[0][0].after_injection == 40.0
