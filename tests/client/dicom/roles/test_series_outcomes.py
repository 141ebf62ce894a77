"""From headers to volumes and outcomes: copies, refusals, sizes, directions and the trace image."""

import numpy as np
import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.roles.overrides import Overrides, overrides_of
from hepafed.client.dicom.roles.series import volumes_of
from hepafed.client.dicom.volumes.volume import Grouped

from tests.client.dicom.slices import AXIAL, DWI, T1, header, run


def outcomes(found: Grouped) -> dict[str, tuple[str, str]]:
    """Give outcome and reason by the file's name."""
    return {name: (o.outcome, o.reason) for name, o in found.outcomes.items()}


def only(found: Grouped) -> tuple[str, str]:
    """Give the one outcome that every file has."""
    (one,) = set(outcomes(found).values())
    return one


def roles(found: Grouped) -> dict[str, str]:
    """Give the sequence by the series."""
    return {v.series_uid: v.sequence for v in found.volumes}


def own(sequence: str, **match: object) -> Overrides:
    return overrides_of({"series": [{"sequence": sequence, "match": match}]})


def test_of_several_copies_the_one_whose_name_comes_first_is_taken() -> None:
    slices = run()
    copies = [header(**vars(h) | {"name": f"b/{h.name}"}) for h in slices]
    firsts = [header(**vars(h) | {"name": f"a/{h.name}"}) for h in slices]
    found = volumes_of([*copies, *firsts])
    assert {n[0]: o for n, o in outcomes(found).items()} == {
        "a": ("taken", ""),
        "b": ("set-aside", "the same instance twice"),
    }
    assert len(found.outcomes) == 6


def test_frames_of_one_instance_are_no_copies() -> None:
    frames = [
        header(frame=k, frames=3, name="one", position=(0.0, 0.0, 2.0 * k)) for k in (2, 0, 1)
    ]
    found = volumes_of(frames)
    assert [h.frame for h in found.volumes[0].headers] == [0, 1, 2]
    assert outcomes(found) == {"one": ("taken", "")}


def test_a_slice_without_an_instance_identifier_is_refused() -> None:
    slices = run(places=(0.0, 3.0, 6.0, 9.0))
    slices[3] = header(**vars(slices[3]) | {"instance": ""})
    found = volumes_of(slices)
    assert outcomes(found)[slices[3].name] == ("refused", "the instance identifier is missing")
    assert [v.shape for v in found.volumes] == [(3, 6, 5)]


def test_slices_without_a_series_identifier_are_refused_and_others_are_not() -> None:
    lost, kept = run(series=""), run(series="S2")
    found = volumes_of([*lost, *kept])
    assert {outcomes(found)[h.name] for h in lost} == {
        ("refused", "the series identifier is missing")
    }
    assert roles(found) == {"S2": "t2"}
    assert len(found.outcomes) == 6


def test_series_are_kept_apart_however_their_files_are_mixed() -> None:
    a, b = run(series="A"), run(places=(0.0, 2.0, 4.0, 6.0), series="B", **T1)
    mixed = [h for pair in zip(b, [*a, a[0]], strict=True) for h in pair][:-1]
    found = volumes_of(mixed)
    assert {v.series_uid: (v.sequence, v.shape[0], v.spacing[0]) for v in found.volumes} == {
        "A": ("t2", 3, 3.0),
        "B": ("t1-pre", 4, 2.0),
    }


@pytest.mark.parametrize(
    ("rows", "taken"), [(8192, True), (8193, False)], ids=["2 to the 27", "more"]
)
def test_a_volume_of_more_than_2_to_the_27_voxels_is_refused(rows: int, taken: bool) -> None:
    found = volumes_of(run(places=(0.0, 3.0), rows=rows, columns=8192))
    assert only(found) == (("taken", "") if taken else ("refused", "the volume is too large"))
    assert len(found.volumes) == int(taken)


def test_a_large_volume_does_not_cost_the_others() -> None:
    large = run(places=(0.0, 3.0), rows=9000, columns=9000, series="L")
    found = volumes_of([*large, *run(series="S")])
    assert roles(found) == {"S": "t2"}


def test_a_volume_of_no_use_has_its_rules_reason() -> None:
    assert only(volumes_of(run(description="mrcp"))) == ("set-aside", "a cholangiogram (MRCP)")
    assert only(volumes_of(run(echo_time=35.0))) == ("set-aside", "no role in the protocols")
    found = volumes_of(run(), own("set-aside", echo_time=90))
    assert only(found) == ("set-aside", "the site's own sequences.toml")


BROKEN = (0.0, 3.0, 9.0)
"""Places with one missing between."""


def test_what_makes_no_stack_is_refused_with_the_geometrys_reason() -> None:
    assert only(volumes_of(run(places=BROKEN))) == ("refused", "the slices are not evenly spaced")
    found = volumes_of(run(places=BROKEN, echo_time=35.0))
    assert only(found) == ("refused", "the slices are not evenly spaced")


def test_what_makes_no_stack_and_is_of_no_use_is_set_aside_with_its_rules_reason() -> None:
    found = volumes_of(run(places=BROKEN, description="mrcp"))
    assert only(found) == ("set-aside", "a cholangiogram (MRCP)")
    found = volumes_of(run(places=BROKEN), own("set-aside", echo_time=90))
    assert only(found) == ("set-aside", "the site's own sequences.toml")


def test_a_site_may_want_what_a_rule_sets_aside_and_then_its_fault_is_told() -> None:
    found = volumes_of(run(places=BROKEN, description="mrcp"), own("t2", echo_time=90))
    assert only(found) == ("refused", "the slices are not evenly spaced")


def test_a_single_slice_is_set_aside_as_such() -> None:
    assert only(volumes_of(run(places=(0.0,)))) == ("set-aside", "a single slice")


def test_a_weighted_series_makes_diffusion_of_a_broken_b_zero() -> None:
    zero = run(places=BROKEN, b_value=0.0, **DWI)
    found = volumes_of([*zero, *run(b_value=800.0, **DWI)])
    assert outcomes(found)[zero[0].name] == ("refused", "the slices are not evenly spaced")
    assert only(volumes_of(zero))[0] == "set-aside"


def dynamic() -> list[Header]:
    return [
        h
        for n, t in enumerate((0.0, 60.0, 100.0, 200.0))
        for h in run(**T1, series=f"D{n}", acquired=t, contrast=n > 0)
    ]


def test_the_t1_stacks_of_an_examination_are_placed_in_its_dynamic() -> None:
    t2 = run(series="T")
    found = volumes_of([*dynamic()[::-1], *t2])
    assert roles(found) == {
        "D0": "t1-pre", "D1": "arterial", "D2": "portal", "D3": "delayed", "T": "t2",
    }  # fmt: skip
    assert {v.series_uid: v.rule for v in found.volumes}["D2"] == "portal-by-time"


def test_a_t1_that_the_site_named_is_no_part_of_the_dynamic() -> None:
    extra = run(**T1 | {"echo_time": 1.9}, series="X", acquired=30.0, contrast=True)
    found = volumes_of([*dynamic(), *extra], own("t1", echo_time=1.9))
    assert roles(found) == {
        "D0": "t1-pre", "D1": "arterial", "D2": "portal", "D3": "delayed", "X": "t1",
    }  # fmt: skip


def test_a_t1_of_another_protocol_between_two_phases_moves_none() -> None:
    extra = run(**T1 | {"echo_time": 1.9}, series="X", acquired=30.0, contrast=True)
    assert roles(volumes_of([*dynamic(), *extra])) == {
        "D0": "t1-pre", "D1": "arterial", "D2": "portal", "D3": "delayed", "X": "t1",
    }  # fmt: skip


def test_a_refused_phase_keeps_its_place_and_the_next_does_not_move_up() -> None:
    slices = dynamic()
    torn = [h for h in slices if not (h.series == "D1" and h.position == (0.0, 0.0, 3.0))]
    five = run(**T1, places=(0.0, 3.0, 6.0, 9.0), series="D1", acquired=60.0, contrast=True)
    torn = [h for h in torn if h.series != "D1"] + [five[0], five[1], five[3]]
    assert roles(volumes_of(torn)) == {"D0": "t1-pre", "D2": "portal", "D3": "delayed"}


def test_instances_of_two_series_that_share_identifiers_are_no_copies() -> None:
    t2 = run(series="A")
    t1 = [
        header(**vars(h) | {"instance": other.instance})
        for h, other in zip(run(**T1, series="B"), t2, strict=True)
    ]
    found = volumes_of([*t2, *t1])
    assert roles(found) == {"A": "t2", "B": "t1-pre"}
    assert only(found) == ("taken", "")


@pytest.mark.parametrize(
    "other",
    [{"number": 9}, {"echo_time": 91.0}, {"b_value": 5.0}, {"temporal": 2.0}, {"acquired": 7.0}],
    ids=["number", "echo time", "b-value", "temporal position", "time"],
)
def test_what_says_otherwise_of_itself_is_no_copy(other: dict[str, object]) -> None:
    slices = run()
    twin = header(**vars(slices[0]) | {"name": "z"} | other)
    assert "the same instance twice" not in outcomes(volumes_of([*slices, twin]))["z"]


def test_a_series_of_one_stack_has_the_b_value_that_its_description_names() -> None:
    (found,) = volumes_of(run(**DWI, description="dwi b800")).volumes
    assert (found.sequence, found.b_value, found.doubts) == ("dwi", 800.0, ())
    (unknown,) = volumes_of(run(**DWI, description="dwi")).volumes
    assert (unknown.b_value, unknown.doubts) == (None, ("its b-value is not known",))
    (stated,) = volumes_of(run(**DWI, description="dwi b800", b_value=50.0)).volumes
    assert stated.b_value == 50.0
    two = [h for e in (60.0, 99.0) for h in run(**DWI | {"echo_time": e}, description="dwi b800")]
    assert [v.b_value for v in volumes_of(two).volumes] == [None, None]


def test_the_certainty_of_a_role_is_its_evidences_halved_by_each_doubt() -> None:
    (sure,) = volumes_of(run()).volumes
    (doubted,) = volumes_of(run(description="t1 sub")).volumes
    assert (sure.certainty, sure.doubts) == (0.9, ())
    assert (doubted.certainty, len(doubted.doubts)) == (0.225, 2)
    (own_word,) = volumes_of(run(description="t1 sub"), own("t2", echo_time=90)).volumes
    assert (own_word.certainty, own_word.doubts) == (1.0, ())


def test_a_t1_outside_any_phase_stays_t1() -> None:
    found = volumes_of(run(**T1, contrast=True))
    assert [(v.sequence, v.rule) for v in found.volumes] == [("t1", "t1")]


X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def direction(
    d: tuple[float, ...], series: str = "W", b: float = 800.0, **more: object
) -> list[Header]:
    return run(**DWI | {"series": series, "b_value": b, "direction": d} | more)


def trace(series: str = "T", b: float = 800.0, **more: object) -> list[Header]:
    return run(**DWI | {"series": series, "b_value": b, "image_type": ("D", "P", "TRACEW")} | more)


def combined(found: Grouped) -> list[tuple[str, float | None, int]]:
    return sorted((v.series_uid, v.b_value, len(v.directions)) for v in found.volumes)


def test_the_directions_of_each_b_value_are_combined_and_b_zero_is_not() -> None:
    zero = run(**DWI, series="W", b_value=0.0)
    found = volumes_of([*direction(X), *direction(Y, b=50.0), *zero, *direction(Z), *direction(Y)])
    assert combined(found) == [("W", 0.0, 0), ("W", 50.0, 0), ("W", 800.0, 3)]
    mean = next(v for v in found.volumes if v.directions)
    assert (mean.sequence, mean.rule) == ("dwi", "b-value")
    assert mean.headers == mean.directions[0].headers
    named = {n: o for n, o in outcomes(found).items() if n in mean.names}
    assert set(named.values()) == {("taken", "geometric mean of 3 directions")}
    assert len(named) == 9


def test_directions_of_two_series_are_not_combined() -> None:
    found = volumes_of([*direction(X), *direction(Y, series="V")])
    assert combined(found) == [("V", 800.0, 0), ("W", 800.0, 0)]


def test_directions_of_two_echo_times_are_not_combined() -> None:
    found = volumes_of(
        [*direction(X), *direction(Y), *direction(X, echo_time=70.0), *direction(Y, echo_time=70.0)]
    )
    assert combined(found) == [("W", 800.0, 2), ("W", 800.0, 2)]


@pytest.mark.parametrize(
    "mark",
    [
        {"image_type": ("D", "P", "TRACEW")},
        {"image_type": ("D", "P", "TRACE")},
        {"image_type": ("D", "P"), "isotropic": True},
    ],
    ids=["TRACEW", "TRACE", "isotropic"],
)
def test_directions_beside_a_trace_image_are_set_aside(mark: dict[str, object]) -> None:
    ways = [*direction(X), *direction(Y)]
    found = volumes_of([*ways, *trace(**mark)])
    assert combined(found) == [("T", 800.0, 0)]
    reason = ("set-aside", "a diffusion direction; the trace image is there")
    assert [outcomes(found)[h.name] for h in ways] == [reason] * 6


@pytest.mark.parametrize(
    "other",
    [
        {"b": 400.0},
        {"b": 843.0},
        {"places": (0.0, 3.0, 6.0, 9.0)},
        {"places": (0.2, 3.2, 6.2)},
        {"spacing": (1.25, 1.7)},
        {"rows": 7},
    ],
    ids=["b-value", "close b-value", "slices", "place", "spacing", "rows"],
)
def test_a_trace_image_of_something_else_replaces_no_direction(other: dict[str, object]) -> None:
    found = volumes_of([*direction(X), *direction(Y), *trace(**other)])
    assert ("W", 800.0, 2) in combined(found)
    assert len(found.volumes) == 2


@pytest.mark.parametrize(
    "same",
    [{"b": 842.0}, {"places": (0.02, 3.02, 6.02)}, {"echo_time": 70.0}],
    ids=["b-value within 5 %", "place to a tenth mm", "whatever echo time"],
)
def test_a_trace_image_of_nearly_the_same_replaces_the_directions(
    same: dict[str, object],
) -> None:
    found = volumes_of([*direction(X), *direction(Y), *trace(**same)])
    assert [v.series_uid for v in found.volumes] == ["T"]


def test_a_trace_image_of_another_role_replaces_no_direction() -> None:
    adc = trace(image_type=("D", "P", "ADC", "TRACEW"))
    found = volumes_of([*direction(X), *direction(Y), *adc])
    assert combined(found) == [("T", 800.0, 0), ("W", 800.0, 2)]


def test_b_zero_marked_as_trace_replaces_nothing() -> None:
    zero = trace(series="W", b=0.0, isotropic=True)
    found = volumes_of([*direction(X), *direction(Y), *zero])
    assert combined(found) == [("W", 0.0, 0), ("W", 800.0, 2)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_file_of_several_frames_is_taken_if_one_of_its_frames_is(
    order: tuple[int, ...],
) -> None:
    def frames(first: int, **changes: object) -> list[Header]:
        return [
            header(**{"frame": first + k, "name": "one", "position": (0.0, 0.0, 3.0 * k)} | changes)
            for k in range(3)
        ]

    parts = [
        frames(0),
        frames(10, description="scout", echo_time=91.0),
        [header(**vars(h) | {"spacing": (0.0, 0.0)}) for h in frames(20, echo_time=92.0)],
    ]
    found = volumes_of([h for k in order for h in parts[k]])
    assert outcomes(found) == {"one": ("taken", "")}
    found = volumes_of([h for k in order if k for h in parts[k]])
    assert outcomes(found) == {"one": ("refused", "the pixel spacing is impossible")}


def test_an_examination_in_any_order_gives_the_same_volumes() -> None:
    zero = run(**DWI, series="W", b_value=0.0)
    everything = [*dynamic(), *direction(X), *direction(Y), *zero, *run(series="T")]
    reference = volumes_of(everything)
    for seed in range(3):
        shuffled = [everything[i] for i in np.random.default_rng(seed).permutation(len(everything))]
        found = volumes_of(shuffled)
        assert roles(found) == roles(reference)
        assert outcomes(found) == outcomes(reference)


def test_a_turned_slice_is_refused_with_its_series() -> None:
    slices = run()
    slices[1] = header(**vars(slices[1]) | {"orientation": AXIAL[3:] + AXIAL[:3]})
    assert only(volumes_of(slices)) == ("refused", "slices of several directions in one series")


@pytest.mark.parametrize(
    ("changes", "role"),
    [
        ({}, None),
        ({"b_value": 0.0}, None),
        ({"echo_time": 60.5}, None),
        ({"echo_time": 61.0}, "t2"),
        ({"spacing": (1.25, 1.7)}, "t2"),
        ({"places": (0.0, 3.0)}, "t2"),
        ({"places": (0.5, 3.5, 6.5)}, "t2"),
        ({"scanning": ("SE", "RM")}, "t2"),
    ],
)
def test_what_has_the_grid_and_echo_of_a_diffusion_series_is_no_t2(
    changes: dict[str, object], role: str | None
) -> None:
    spin = {"scanning": ("SE",), "echo_time": 60.0, "repetition_time": 6000.0, "series": "Z"}
    weighted = spin | {"series": "W", "b_value": 800.0}
    found = volumes_of([*run(**spin | changes), *run(**weighted)])
    assert roles(found).get("Z") == role
    if role is None:
        reasons = {reason for _, reason in outcomes(found).values()}
        assert "of the grid and echo time of a diffusion series: its b = 0, or a map" in reasons


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, False),
        ({"series": "other"}, False),
        ({"series": "other", "description": "t2 tse"}, True),
        ({"description": "t2 tse"}, False),
        ({"echo_time": 150.0}, True),
        ({"series": "other", "spacing": (1.25, 1.7)}, True),
    ],
    ids=["one series", "another", "another, named", "one, named", "another echo", "another grid"],
)
def test_repeated_images_of_each_slice_that_nothing_tells_apart_are_no_t2(
    changes: dict[str, object], kept: bool
) -> None:
    name = {"description": changes.get("description", "")}
    slices = [*run(acquired=0.0, **name), *run(**{"acquired": 20.0, "first": 11} | changes)]
    found = volumes_of(slices)
    assert len(found.volumes) == 2 * kept
    if not kept:
        assert "nothing says what sets them apart" in only(found)[1]
