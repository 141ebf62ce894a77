"""Two lesions overlap from a quarter of the smaller one on, as ellipsoids or voxel by voxel."""

import numpy as np
import pytest
from hepafed.client.lesions.masks.mask import Mask, mask_of
from hepafed.client.lesions.overlaps import Body, overlapping
from numpy.typing import NDArray

from tests.client.volumes import affine_of

OBLIQUE = affine_of()


def masked(
    low: tuple[int, int, int], size: tuple[int, int, int], affine: NDArray[np.float64] = OBLIQUE
) -> Body:
    grid = np.zeros((40, 37, 34), bool)
    grid[tuple(slice(a, a + n) for a, n in zip(low, size, strict=True))] = True
    mask: Mask = mask_of(grid, affine)
    return affine, (0.0,) * 6, mask


@pytest.mark.parametrize(
    ("shared", "found"), [(4, []), (5, [(0, 1)])], ids=["a quarter", "more than a quarter"]
)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_masks_overlap_beyond_a_quarter_of_the_smaller(
    axis: int, shared: int, found: list[tuple[int, int]]
) -> None:
    size, other, low = [3, 3, 3], [3, 3, 3], [2, 2, 2]
    size[axis], other[axis] = 16, 18
    moved = list(low)
    moved[axis] += 16 - shared
    bodies = [
        masked((low[0], low[1], low[2]), (size[0], size[1], size[2])),
        masked((moved[0], moved[1], moved[2]), (other[0], other[1], other[2])),
    ]
    assert list(overlapping(bodies)) == found


def test_a_small_mask_inside_a_large_one_overlaps_it_in_either_order() -> None:
    large, small = masked((2, 3, 4), (20, 18, 15)), masked((9, 9, 9), (2, 1, 2))
    assert list(overlapping([large, small])) == [(0, 1)]
    assert list(overlapping([small, large])) == [(0, 1)]


def test_masks_side_by_side_share_nothing() -> None:
    assert list(overlapping([masked((2, 3, 4), (5, 6, 7)), masked((7, 3, 4), (5, 6, 7))])) == []


def test_masks_that_differ_in_one_axis_alone_are_told_apart() -> None:
    first = masked((4, 5, 6), (3, 2, 4))
    others = [masked((7, 5, 6), (3, 2, 4)), masked((4, 7, 6), (3, 2, 4))]
    assert list(overlapping([first, *others, masked((4, 5, 10), (3, 2, 4))])) == []


def test_a_box_is_the_ellipsoid_in_it() -> None:
    first = (OBLIQUE, (2, 3, 4, 11, 8, 7), None)  # half axes 5, 3 and 2 voxels
    corner = (OBLIQUE, (10, 8, 7, 19, 13, 10), None)
    inside = (OBLIQUE, (5, 5, 5, 8, 6, 6), None)
    assert list(overlapping([first, corner])) == []
    assert list(overlapping([first, inside])) == [(0, 1)]
    assert list(overlapping([inside, first])) == [(0, 1)]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("apart", "found"), [(1.0, [(0, 1)]), (1.25, [])])
def test_equal_boxes_overlap_until_little_more_than_a_half_axis_apart(
    axis: int, apart: float, found: list[tuple[int, int]]
) -> None:
    """Equal balls d radii apart share (1 - d/2)² (1 + d/4): 31 % at 1 and 18 % at 1.25."""
    low, high = [3, 4, 5], [22, 13, 12]  # half axes 10, 5 and 4
    step = apart * (10, 5, 4)[axis]
    moved = [v + step * (n % 3 == axis) for n, v in enumerate([*low, *high])]
    bodies = [(OBLIQUE, (*low, *high), None), (OBLIQUE, tuple(moved), None)]
    assert list(overlapping(bodies)) == found


def test_a_box_and_a_mask_on_another_grid_meet_in_mm() -> None:
    fine = affine_of((0.4, 0.7, 1.1), (5.0, 9.0), (-31.0, 17.5, 240.0))
    mask = masked((10, 9, 8), (8, 7, 6), fine)
    middle = np.linalg.inv(OBLIQUE) @ fine @ np.array([13.5, 12.0, 10.5, 1.0])
    box = tuple(float(v) for v in (*(middle[:3] - 0.5), *(middle[:3] + 0.5)))
    far = tuple(v + 12 for v in box)
    assert list(overlapping([mask, (OBLIQUE, box, None), (OBLIQUE, far, None)])) == [(0, 1)]


def test_pairs_are_named_by_their_places() -> None:
    one, two = (2, 3, 4, 11, 8, 7), (30, 13, 9, 40, 20, 13)
    bodies = [(OBLIQUE, b, None) for b in (one, two, one, two)]
    assert list(overlapping(bodies)) == [(0, 2), (1, 3)]


@pytest.mark.parametrize(("first", "found"), [(14, []), (12, [(0, 1)])])
def test_a_quarter_of_the_ellipsoid_counts_not_of_its_box(
    first: int, found: list[tuple[int, int]]
) -> None:
    """A half-space from 0.4 radii on holds 22 % of a ball and 30 % of its cube."""
    ball: Body = (OBLIQUE, (0, 0, 0, 19, 19, 19), None)
    beyond = masked((first, 0, 0), (40 - first, 30, 30))
    assert list(overlapping([ball, beyond])) == found
    assert list(overlapping([beyond, ball])) == found
