"""One volume is one, however its slices vary; what is left of a broken series is none."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hepafed.client.dicom.encoding import Header
from hepafed.client.dicom.volumes.stacks import stacks_of

from tests.client.headers import header

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def slices(places: Sequence[float], **values: object) -> list[Header]:
    """Make axial slices at places in mm; a list among the values has one entry a slice."""
    return [
        header(
            position=(0.0, 0.0, place),
            orientation=AXIAL,
            spacing=(1.5, 1.5),
            number=k,
            **{n: v[k] if isinstance(v, list) else v for n, v in values.items()},
        )
        for k, place in enumerate(places)
    ]


def found(headers: list[Header]) -> tuple[list[int], list[str]]:
    """Give the sizes of the stacks and the reasons of what is none, whatever the order."""
    answers = []
    for seed in range(4):
        random.Random(seed).shuffle(headers)
        made, refused = stacks_of(headers)
        sizes = sorted(len(s.headers) for s in made)
        answers.append((sizes, sorted(e.message for _, e in refused)))
    assert all(a == answers[0] for a in answers)
    return answers[0]


PLACES = [3.0 * k for k in range(9)]


@pytest.mark.parametrize(
    "values",
    [
        {"b_value": [995.0, 1000.0, 1005.0] * 3},
        {"b_value": [800.0, 838.0, 879.0] * 3},
        {"echo_time": [90.0, 90.02, 90.9] * 3},
        {"echo_time": [1.1, 1.14, 1.12] * 3},
        {"inversion_time": [200.0, 200.9, 201.5] * 3},
        {"flip_angle": [12.0, 12.1, 12.2] * 3},
        {"image_type": [("ORIGINAL", "NORM"), ("ORIGINAL",), ("ORIGINAL", "NORM")] * 3},
        {"echo_time": [80.0] * 4 + [95.0] * 5},
        {"image_type": [("ORIGINAL", "NORM")] * 2 + [("ORIGINAL",)] * 7},
    ],
    ids=lambda v: next(iter(v)),
)
def test_slices_of_one_volume_are_one_whatever_varies(values: dict[str, Any]) -> None:
    assert found(slices(PLACES, **values)) == ([9], [])


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("b_value", 800.0, 843.0),
        ("b_value", 0.0, 50.0),
        ("b_value", 0.0, 1.5),
        ("echo_time", 90.0, 91.0),
        ("echo_time", 2.3, 2.36),
        ("inversion_time", 100.0, 101.2),
        ("flip_angle", 10.0, 10.3),
        ("image_type", ("ORIGINAL", "W"), ("ORIGINAL", "F")),
    ],
)
def test_volumes_that_lie_at_the_same_places_stay_apart(
    name: str, one: object, other: object
) -> None:
    both = slices(PLACES, **{name: one}) + slices(PLACES, **{name: other})
    assert found(both) == ([9, 9], [])


def test_the_pieces_of_two_b_values_are_never_one() -> None:
    low, high = slices(PLACES[:4], b_value=50.0), slices(PLACES[4:8], b_value=800.0)
    assert found(low + high) == ([4, 4], [])


def test_pieces_with_a_gap_between_them_are_a_volume_with_a_slice_missing() -> None:
    upper = slices([p + 50 for p in PLACES[:4]], image_type=("ORIGINAL", "NORM"))
    lower = slices(PLACES[:4], image_type=("ORIGINAL",))
    assert found(lower + upper) == ([], ["a slice is missing"])


NORM, BARE = ("ORIGINAL", "M", "NORM"), ("ORIGINAL", "M")


def test_a_dynamic_with_norm_on_some_slices_of_each_phase_is_whole_in_each_phase() -> None:
    made = [
        header
        for phase in range(3)
        for n, place in enumerate(PLACES)
        for header in slices(
            [place],
            image_type=NORM if (n * 7 + phase * 5) % 3 else BARE,
            acquired=100.0 * phase,
            temporal=float(phase + 1),
        )
    ]
    assert found(made) == ([9, 9, 9], [])


def test_images_before_and_after_normalisation_are_two_volumes() -> None:
    before = slices(PLACES, image_type=BARE, acquired=5.0)
    assert found(before + slices(PLACES, image_type=NORM, acquired=5.0)) == ([9, 9], [])


def test_images_of_another_kind_are_not_merged_where_they_lie_apart() -> None:
    water = slices(PLACES[:4], image_type=(*BARE, "WATER"))
    assert found(water + slices(PLACES[4:8], image_type=(*BARE, "FAT"))) == ([4, 4], [])


@pytest.mark.parametrize(
    ("places", "whole"), [(PLACES, True), (PLACES[:-1], False), (PLACES[1:], False)]
)
def test_a_phase_with_fewer_slices_than_the_others_is_refused(
    places: list[float], whole: bool
) -> None:
    phases = [slices(p, temporal=float(n)) for n, p in enumerate((PLACES, places, PLACES))]
    made, why = found([h for phase in phases for h in phase])
    assert made == [9] * (3 if whole else 2)
    assert len(why) == (not whole)
    assert all("fewer slices than another image of the series" in reason for reason in why)


def test_stacks_of_another_direction_may_have_fewer_slices() -> None:
    turned = [
        replace(h, orientation=(0.0, 1.0, 0.0, -1.0, 0.0, 0.0))
        for h in slices(PLACES[:5], echo_time=50.0)
    ]
    assert found(slices(PLACES) + turned) == ([5, 9], [])


def test_what_is_left_of_a_series_that_was_refused_is_refused_too() -> None:
    gap = slices([*PLACES[:4], *PLACES[6:]], b_value=800.0)
    assert found(gap + slices(PLACES[:3], b_value=50.0)) == (
        [],
        ["a slice is missing", "the rest of a series of which a larger part was refused"],
    )
    assert found(gap + slices(PLACES, b_value=50.0)) == ([9], ["a slice is missing"])


@pytest.mark.parametrize(("off", "fits"), [(0.09, True), (0.11, False)])
def test_a_slice_may_lie_a_tenth_of_a_millimetre_off_its_place(off: float, fits: bool) -> None:
    places = list(PLACES)
    places[4] += off
    sizes, reasons = found(slices(places))
    assert (sizes == [9]) == fits
    assert reasons == ([] if fits else ["the slices are not evenly spaced"])


def test_positions_rounded_to_a_tenth_are_even() -> None:
    assert found(slices([round(k * 10 / 3, 1) for k in range(12)])) == ([12], [])


@pytest.mark.parametrize(("off", "fits"), [(0.19, True), (0.21, False)])
def test_with_thick_slices_two_per_cent_of_the_spacing_are_allowed(off: float, fits: bool) -> None:
    places = [10.0 * k for k in range(7)]
    places[3] += off
    assert (found(slices(places))[0] == [7]) == fits
