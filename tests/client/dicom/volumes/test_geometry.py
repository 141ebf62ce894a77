"""Where slices lie: directions, limits, gaps, shear, and the affine of an oblique stack by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.volumes.geometry import check, normal_of, places_of, stack
from hepafed.common.errors import DicomError

from tests.client.dicom.slices import AXIAL, OBLIQUE, OBLIQUE_NORMAL, header, run


def reason(headers: Sequence[Header]) -> str:
    """Give why slices make no stack; "" where they do."""
    try:
        stack(headers)
    except DicomError as e:
        return e.message
    return ""


def at(*positions: tuple[float, float, float], **changes: object) -> list[Header]:
    return [header(position=p, number=k, **changes) for k, p in enumerate(positions)]


def test_the_normal_is_row_direction_cross_column_direction() -> None:
    assert np.allclose(normal_of(AXIAL), (0, 0, 1))
    assert np.allclose(normal_of((0.0, 1.0, 0.0, 0.0, 0.0, -1.0)), (-1, 0, 0))
    assert np.allclose(normal_of(OBLIQUE), OBLIQUE_NORMAL)


@pytest.mark.parametrize(
    ("orientation", "good"),
    [
        ((1.009, 0, 0, 0, 1, 0), True),
        ((1.011, 0, 0, 0, 1, 0), False),
        ((0.991, 0, 0, 0, 1, 0), True),
        ((0.989, 0, 0, 0, 1, 0), False),
        ((1, 0, 0, 0, 1.009, 0), True),
        ((1, 0, 0, 0, -1.011, 0), False),
        ((1, 0, 0, 0, 0.989, 0), False),
        ((1, 0, 0, 0.0099, 1, 0), True),
        ((1, 0, 0, 0.0101, 1, 0), False),
        ((1, 0, 0, -0.0101, 1, 0), False),
        ((0.99, 0, 0, 0, 1, 0), True),
        ((1.01, 0, 0, 0, 1, 0), True),
        ((1, 0, 0, 0.01, 1, 0), True),
        ((0.8, 0.8, 0, 0, 0, 1), False),
        ((0.72, 0.72, 0, 0, 0, 1), False),
        ((0, 0, 0, 0, 1, 0), False),
        ((1, 0, 0, 1, 0, 0), False),
        ((1e200, 0, 0, 0, 1, 0), False),
    ],
    ids=str,
)
def test_directions_are_perpendicular_unit_vectors_to_a_hundredth(
    orientation: tuple[float, ...], good: bool
) -> None:
    if good:
        assert normal_of(orientation).shape == (3,)
    else:
        with pytest.raises(DicomError, match="perpendicular"):
            normal_of(orientation)


@pytest.mark.parametrize("field", ["position", "orientation", "spacing"])
@pytest.mark.parametrize("which", [0, 2])
def test_a_slice_without_its_geometry_makes_no_stack(field: str, which: int) -> None:
    slices = run()
    slices[which] = header(**vars(slices[which]) | {field: None})
    assert reason(slices) == "position, orientation or pixel spacing is missing"


@pytest.mark.parametrize(
    ("spacing", "good"),
    [
        ((0.001, 1.0), False),
        ((0.0011, 1.0), True),
        ((1.0, 0.001), False),
        ((999.0, 1.0), True),
        ((1000.0, 1.0), False),
        ((1.0, 1000.0), False),
        ((1.0, -1.0), False),
    ],
    ids=str,
)
def test_a_pixel_lies_between_a_thousandth_mm_and_a_metre(
    spacing: tuple[float, float], good: bool
) -> None:
    assert reason(run(spacing=spacing)) == ("" if good else "the pixel spacing is impossible")


@pytest.mark.parametrize(
    ("place", "good"), [(100_000.0, True), (100_000.5, False), (-100_000.5, False)], ids=str
)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slice_lies_within_a_hundred_metres(axis: int, place: float, good: bool) -> None:
    first = [0.0, 0.0, 0.0]
    first[axis] = place
    second = [first[0], first[1], first[2] - 3.0]
    slices = at(tuple(first), tuple(second))  # type: ignore[arg-type]
    assert reason(slices) == ("" if good else "a slice lies impossibly far away")


@pytest.mark.parametrize("change", [{"rows": 7}, {"columns": 6}, {"rows": 5, "columns": 6}])
def test_every_slice_has_one_matrix(change: dict[str, object]) -> None:
    slices = run()
    slices[2] = header(**vars(slices[2]) | change)
    assert reason(slices) == "the image matrix differs within one series"


@pytest.mark.parametrize(
    ("spacing", "good"),
    [
        ((1.25, 1.50124), True),
        ((1.25, 1.50126), False),
        ((1.2512, 1.5), True),
        ((1.2487, 1.5), False),
        ((1.2514, 1.5), False),
    ],
    ids=str,
)
def test_pixel_spacings_differ_by_at_most_a_thousandth_of_the_smaller(
    spacing: tuple[float, float], good: bool
) -> None:
    slices = run()
    slices[1] = header(**vars(slices[1]) | {"spacing": spacing})
    told = "" if good else "the pixel spacing differs within one series"
    assert reason(slices) == told


@pytest.mark.parametrize(("sine", "good"), [(0.0019, True), (0.0021, False), (-0.0021, False)])
def test_directions_differ_by_at_most_two_thousandths(sine: float, good: bool) -> None:
    slices = run()
    slices[1] = header(**vars(slices[1]) | {"orientation": (1.0, 0.0, 0.0, 0.0, 1.0, sine)})
    told = "" if good else "slices of several directions in one series"
    assert reason(slices) == told


def test_check_compares_every_slice_with_the_first() -> None:
    check(run())
    with pytest.raises(DicomError, match="matrix"):
        check([*run(), *run(rows=9)])


def test_places_are_measured_along_the_normal_from_the_isocentre() -> None:
    slices = at((3.0, 0.0, 0.0), (0.0, 3.0, 0.0), (1.0, 2.0, 9.0), orientation=OBLIQUE)
    # (2, -2, 1) / 3 times each position
    assert np.allclose(places_of(slices), [2.0, -2.0, (2 - 4 + 9) / 3])


def test_an_oblique_stack_is_ordered_along_its_normal_with_its_affine() -> None:
    # 4.5 mm along (2, -2, 1) / 3 is (3, -3, 1.5)
    places = ((16.0, -2.0, 8.0), (10.0, 4.0, 5.0), (13.0, 1.0, 6.5))
    slices = at(*places, orientation=OBLIQUE, spacing=(0.6, 0.9))
    made = stack(slices)
    assert [h.number for h in made.headers] == [1, 2, 0]
    assert made.spacing == pytest.approx((4.5, 0.6, 0.9))
    expected = [
        [0.6, 0.2, 3.0, 10.0],
        [0.3, 0.4, -3.0, 4.0],
        [-0.6, 0.4, 1.5, 5.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
    assert np.allclose(made.affine, expected)


def test_the_order_is_that_of_places_whatever_numbers_and_names_say() -> None:
    slices = run(places=(9.0, -3.0, 0.0, 6.0, 3.0), first=100)
    made = stack(slices)
    assert [h.number for h in made.headers] == [101, 102, 104, 103, 100]
    assert made.affine[:3, 3].tolist() == [0.0, 0.0, -3.0]
    assert made.affine[:3, 2].tolist() == [0.0, 0.0, 3.0]


def test_one_slice_is_a_stack_whose_step_is_its_normal() -> None:
    made = stack(at((1.0, 2.0, 3.0), orientation=OBLIQUE))
    assert made.spacing == (0.0, 1.25, 1.5)
    assert np.allclose(made.affine[:3, 2], OBLIQUE_NORMAL)


SAME = "two slices lie at the same place"
UNEVEN = "the slices are not evenly spaced"
MISSING = "a slice is missing"


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ((0.0, 0.0099), SAME),
        ((0.0, 0.0101), ""),
        ((0.0, 3.0, 6.0, 6.009, 9.0), SAME),
        ((0.0, 3.0, 3.02, 6.0, 9.0), UNEVEN),
        ((0.0, 10.0, 20.2, 30.0), ""),
        ((0.0, 10.0, 20.21, 30.0), UNEVEN),
        ((0.0, 10.0, 19.8, 30.0), ""),
        ((0.0, 10.0, 19.79, 30.0), UNEVEN),
        ((0.0, 0.3, 0.699, 0.9), ""),
        ((0.0, 0.3, 0.701, 0.9), UNEVEN),
        ((0.0, 10.0, 20.0, 34.9), UNEVEN),
        ((0.0, 10.0, 20.0, 35.0), UNEVEN),
        ((0.0, 10.0, 20.0, 35.1), MISSING),
        ((0.0, 10.0, 30.0, 40.0), MISSING),
        ((0.0, 3.0, 6.0, 12.0, 15.0, 15.5), MISSING),
        ((0.0, 3.0, 6.0, 6.0, 12.0), SAME),
    ],
    ids=str,
)
def test_places_are_judged_against_an_even_row_and_gaps_against_their_median(
    places: tuple[float, ...], told: str
) -> None:
    assert reason(run(places=places)) == told
    assert reason(run(places=places[::-1])) == told


def test_the_distance_between_slices_is_the_mean_gap() -> None:
    made = stack(run(places=(0.0, 10.0, 20.1, 30.0, 40.2)))
    assert made.spacing[0] == pytest.approx(10.05)
    assert made.affine[2, 2] == pytest.approx(10.05)


def sheared(per_slice: float, gap: float = 10.0, axis: int = 0) -> list[Header]:
    slices = run(places=[gap * k for k in range(4)])
    made = []
    for k, h in enumerate(slices):
        position = [0.0, 0.0, gap * k]
        position[axis] += per_slice * k
        made.append(header(**vars(h) | {"position": tuple(position)}))
    return made


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    ("per_slice", "gap", "good"),
    [
        (0.209, 10.0, True),
        (0.211, 10.0, False),
        (-0.211, 10.0, False),
        (0.029, 1.0, True),
        (0.031, 1.0, False),
    ],
)
def test_each_slice_may_move_a_fiftieth_of_the_gap_and_a_hundredth_mm_sideways(
    per_slice: float, gap: float, axis: int, good: bool
) -> None:
    told = "" if good else "the stack is sheared: slices do not follow their normal"
    assert reason(sheared(per_slice, gap, axis)) == told


@pytest.mark.parametrize(
    ("shift", "gap", "good"),
    [
        (0.299, 10.0, True),
        (0.301, 10.0, False),
        (-0.301, 10.0, False),
        (0.119, 1.0, True),
        (0.121, 1.0, False),
    ],
)
@pytest.mark.parametrize("which", [1, 2])
def test_one_slice_may_lie_a_fiftieth_of_the_gap_and_a_tenth_mm_aside(
    shift: float, gap: float, which: int, good: bool
) -> None:
    slices = run(places=[gap * k for k in range(4)])
    moved = {"position": (0.0, shift, gap * which)}
    slices[which] = header(**vars(slices[which]) | moved)
    told = "" if good else "slices are shifted sideways against each other"
    assert reason(slices) == told


@pytest.mark.parametrize(
    ("shifts", "good"),
    [
        ({1: (0.22, 0.0)}, True),
        ({1: (0.22, 0.22)}, False),
        ({1: (0.2, 0.0), 2: (0.2, 0.0)}, True),
        ({1: (0.2, 0.0), 2: (-0.2, 0.0), 3: (0.2, 0.0)}, True),
    ],
    ids=["one axis", "two axes", "two slices", "three slices"],
)
def test_the_sideways_shift_is_each_slices_own_distance(
    shifts: dict[int, tuple[float, float]], good: bool
) -> None:
    slices = run(places=[10.0 * k for k in range(5)])
    for k, (x, y) in shifts.items():
        slices[k] = header(**vars(slices[k]) | {"position": (x, y, 10.0 * k)})
    assert reason(slices) == ("" if good else "slices are shifted sideways against each other")


def test_the_last_slices_sideways_shift_is_seen_too() -> None:
    slices = run(places=(0.0, 3.0, 6.0, 9.0))
    slices[3] = header(**vars(slices[3]) | {"position": (0.5, 0.0, 9.0)})
    assert reason(slices).startswith("the stack is sheared")


def test_slices_at_one_place_along_an_oblique_normal_are_found() -> None:
    # (1, 1, 0) lies in the plane of the slice
    slices = at((0.0, 0.0, 0.0), (1.0, 1.0, 0.0), orientation=OBLIQUE)
    assert reason(slices) == SAME
