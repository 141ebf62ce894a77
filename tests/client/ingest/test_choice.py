"""Which volume is cropped: what the labels name, what fits, what was acquired; else none."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hepafed.client.dicom.volumes import Volume
from hepafed.client.ingest.choice import choose
from hepafed.client.lesions import Label, LocatedLesion
from hepafed.client.lesions.masks import Mask

from tests.client.headers import tilted, volume


def lesion(reference: Volume, *, named: bool = True) -> LocatedLesion:
    uid = reference.series_uid if named else ""
    return LocatedLesion(Label(2, "P", "L", 0, series_uid=uid), reference, (0, 0, 0, 1, 1, 1))


def winner(*found: Volume, lesions: tuple[LocatedLesion, ...] = ()) -> Volume | None:
    """Choose among volumes of one sequence; the order in which they come must not matter."""
    answers = [choose(order, lesions)[0] for order in permutations(found)]
    first = answers[0].get(found[0].sequence)
    assert all(a.get(found[0].sequence) is first for a in answers)
    return first


def why(*found: Volume) -> str:
    chosen, undecided = choose(found, ())
    assert chosen == {}
    return undecided[found[0].sequence]


def test_the_series_that_a_row_names_goes_before_one_of_more_slices() -> None:
    axial, other = volume(slices=12, series="2"), volume(slices=20, series="1")
    assert winner(axial, other) is other
    assert winner(axial, other, lesions=(lesion(axial),)) is axial


def test_a_series_that_no_row_names_does_not_go_first_because_a_lesion_lies_there() -> None:
    few, many = volume(slices=12, series="1"), volume(slices=20, series="2")
    assert winner(few, many, lesions=(lesion(few, named=False),)) is many


def test_the_series_on_which_a_mask_was_drawn_is_named() -> None:
    few, many = volume(slices=12, series="1"), volume(slices=20, series="2")
    marked = lesion(few, named=False)
    drawn = Mask(np.zeros((1, 3)), np.eye(3), images=frozenset({"1.2"}))
    assert winner(few, many, lesions=(replace(marked, mask=drawn),)) is few
    loose = Mask(np.zeros((1, 3)), np.eye(3))
    assert winner(few, many, lesions=(replace(marked, mask=loose),)) is many


def test_a_series_named_for_another_sequence_says_nothing() -> None:
    few, many = volume(slices=12, series="1"), volume(slices=20, series="2")
    portal = volume("portal", series="1")
    assert winner(few, many, lesions=(lesion(portal),)) is many


@pytest.mark.parametrize(("degrees", "parallel"), [(19.0, True), (21.0, False), (160.5, True)])
def test_slices_that_lie_as_the_lesion_s_go_before_more_slices(
    degrees: float, parallel: bool
) -> None:
    along, tilt = volume(slices=12), volume(slices=20, affine=tilted(degrees))
    marked = lesion(volume("portal"))
    assert winner(along, tilt, lesions=(marked,)) is (tilt if parallel else along)


def test_what_was_acquired_goes_before_what_was_computed() -> None:
    acquired = volume("dwi", b_value=800.0, image_type=("DERIVED", "PRIMARY", "TRACEW"))
    computed = volume("dwi", b_value=1500.0, image_type=("DERIVED", "PRIMARY", "CALC_BVALUE"))
    assert winner(acquired, computed) is acquired
    assert winner(computed) is computed


def test_of_diffusion_volumes_the_highest_b_value_is_taken() -> None:
    found = [volume("dwi", slices=9 - k, b_value=b) for k, b in enumerate((50.0, 400.0, 800.0))]
    assert winner(*found) is found[2]
    assert winner(volume("dwi", rule="b-zero"), found[1]) is found[1]


@pytest.mark.parametrize(("b", "same"), [(951.0, True), (949.0, False)])
def test_b_values_within_five_per_cent_are_one(b: float, same: bool) -> None:
    high, many = volume("dwi", slices=5, b_value=1000.0), volume("dwi", slices=9, b_value=b)
    assert winner(high, many) is (many if same else high)


def test_a_b_value_that_is_not_known_is_no_low_one() -> None:
    unknown, known = volume("dwi"), volume("dwi", b_value=800.0)
    assert "b-values are not all known" in why(unknown, known)
    assert "2 volumes" in why(unknown, volume("dwi"))
    assert winner(unknown) is unknown


@pytest.mark.parametrize(("b", "taken"), [(100.0, True), (99.9, False), (0.0, False)])
def test_a_volume_that_is_hardly_diffusion_weighted_is_no_dwi(b: float, taken: bool) -> None:
    only = volume("dwi", b_value=b)
    assert (winner(only) is only) is taken
    if not taken:
        assert "none has a b-value of 100 or more" in why(only, volume("dwi", b_value=b / 2))


def test_what_something_speaks_against_comes_after_what_nothing_does() -> None:
    doubted = replace(
        volume(slices=20, acquired=500.0, series="1"), doubts=("its description says t1",)
    )
    plain = volume(slices=12, acquired=100.0, series="2")
    assert winner(doubted, plain) is plain
    assert winner(doubted) is doubted
    assert winner(doubted, plain, lesions=(lesion(doubted),)) is doubted


@pytest.mark.parametrize(
    ("phase", "seconds", "place"),
    [
        ("arterial", (15.0, 22.0, 34.0, 43.0), 2),
        ("arterial", (15.0, 29.0, 44.0), 1),
        ("portal", (50.0, 66.0, 100.0), 1),
        ("delayed", (120.0, 175.0, 400.0), 1),
        ("hepatobiliary", (700.0, 1150.0, 1300.0), 1),
    ],
)
def test_of_several_phases_of_one_name_that_nearest_its_usual_time_is_taken(
    phase: str, seconds: tuple[float, ...], place: int
) -> None:
    found = [replace(volume(phase, acquired=s), after_injection=s) for s in seconds]
    assert winner(*found) is found[place]
    unknown = [replace(v, after_injection=None) for v in found]
    assert winner(*unknown) is unknown[-1]
    assert winner(*found[:-1], unknown[-1]) is unknown[-1]


def test_of_the_same_kind_the_one_of_more_slices_is_taken_then_the_later_one() -> None:
    first, again = volume(acquired=100.0), volume(acquired=160.0)
    assert winner(first, again) is again
    assert winner(volume(slices=6, acquired=50.0), again) is not again


def test_where_nothing_decides_none_is_taken() -> None:
    assert winner(volume(series="1"), volume(series="2")) is None
    assert winner(volume(acquired=100.0), volume(acquired=100.0)) is None
    assert winner(volume(acquired=100.0), volume()) is None
    assert "sequences.toml" in why(volume(), volume())


def test_sequences_come_in_the_vocabulary_s_order_and_others_are_left() -> None:
    found = [volume("portal"), volume("adc"), volume("t2"), volume("t1-in-phase")]
    assert list(choose(found, ())[0]) == ["t2", "adc", "portal"]
