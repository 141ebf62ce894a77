"""Contours fill the voxels whose centres they hold, on the slice that they name or lie on."""

import numpy as np
import pytest
from hepafed.client.lesions.masks.mask import MaskError
from hepafed.client.lesions.masks.rtstruct import Grid, Structure, rasterise

from tests.client.volumes import affine_of

AFFINE = affine_of()
GRID = Grid((6, 9, 14), AFFINE, tuple(f"i{k}" for k in range(6)))


def drawn(*contours: tuple[str, list[tuple[float, float, float]]]) -> Structure:
    """A structure of contours, each an image and points as column, row and slice."""
    made = tuple(
        (image, (np.array([[*p, 1.0] for p in points]) @ AFFINE.T)[:, :3])
        for image, points in contours
    )
    return Structure(made, "f", frozenset(i for i, _ in contours if i), frozenset({"s"}))


def inside(structure: Structure) -> list[tuple[int, ...]]:
    """The voxels of a rasterised structure as (column, row, slice)."""
    mask = rasterise(structure, GRID)
    at = np.linalg.solve(AFFINE[:3, :3], (mask.points - AFFINE[:3, 3]).T).T
    assert np.abs(at - at.round()).max() < 1e-6
    return sorted(tuple(int(v) for v in row) for row in at.round())


def square(
    x0: float, y0: float, x1: float, y1: float, k: float
) -> list[tuple[float, float, float]]:
    return [(x0, y0, k), (x1, y0, k), (x1, y1, k), (x0, y1, k)]


def test_a_contour_fills_its_columns_and_rows_on_its_slice() -> None:
    found = inside(drawn(("i4", square(2.6, 5.4, 6.4, 7.6, 4))))
    assert found == [(x, y, 4) for x in (3, 4, 5, 6) for y in (6, 7)]


def test_the_corner_of_a_triangle_is_cut_off() -> None:
    found = inside(drawn(("i1", [(0.5, 0.5, 1), (4.6, 0.5, 1), (0.5, 4.6, 1)])))
    # inside while column + row < 5.1
    wanted = [(x, y, 1) for x in range(1, 5) for y in range(1, 5) if x + y < 5.1]
    assert found == sorted(wanted)


def test_contours_at_the_edge_reach_the_first_and_the_last_row_and_column() -> None:
    found = inside(drawn(("i0", square(-3.0, -2.0, 20.0, 30.0, 0))))
    assert found == sorted((x, y, 0) for x in range(14) for y in range(9))


def test_an_inner_contour_is_a_hole_and_another_slice_is_not_touched() -> None:
    outer, inner = square(0.5, 0.5, 7.5, 7.5, 2), square(2.5, 1.5, 5.5, 4.5, 2)
    found = inside(drawn(("i2", outer), ("i2", inner), ("i3", square(2.5, 1.5, 5.5, 4.5, 3))))
    whole = {(x, y, 2) for x in range(1, 8) for y in range(1, 8)}
    hole = {(x, y, 2) for x in (3, 4, 5) for y in (2, 3, 4)}
    assert set(found) == (whole - hole) | {(x, y, 3) for x, y, _ in hole}


def test_a_contour_without_an_image_is_drawn_on_the_nearest_slice() -> None:
    assert inside(drawn(("", square(2.5, 2.5, 3.5, 3.5, 3.4)))) == [(3, 3, 3)]


@pytest.mark.parametrize(("off", "fits"), [(0.49, True), (-0.49, True), (0.51, False)])
def test_a_contour_lies_at_most_half_a_slice_off_its_own(off: float, fits: bool) -> None:
    structure = drawn(("i3", square(2.5, 2.5, 3.5, 3.5, 3 + off)))
    if fits:
        assert inside(structure) == [(3, 3, 3)]
    else:
        with pytest.raises(MaskError, match="does not lie on its slice"):
            rasterise(structure, GRID)


@pytest.mark.parametrize("k", [-1.0, 6.0])
def test_a_contour_before_the_first_or_after_the_last_slice_is_refused(k: float) -> None:
    with pytest.raises(MaskError, match="does not lie on its slice"):
        rasterise(drawn(("", square(2.5, 2.5, 3.5, 3.5, k))), GRID)


@pytest.mark.parametrize("k", [0.0, 5.0])
def test_a_contour_on_the_first_or_last_slice_is_taken(k: float) -> None:
    assert inside(drawn(("", square(2.5, 2.5, 3.5, 3.5, k)))) == [(3, 3, int(k))]


def test_one_point_far_off_the_slice_refuses_the_contour() -> None:
    points = [*square(2.5, 2.5, 6.5, 6.5, 3), (2.0, 4.0, 3.7)]
    with pytest.raises(MaskError, match="does not lie on its slice"):
        rasterise(drawn(("i3", points)), GRID)


def test_a_contour_of_an_image_that_is_not_in_the_volume_is_refused() -> None:
    with pytest.raises(MaskError, match="refers to an image that is missing"):
        rasterise(drawn(("other", square(2.5, 2.5, 3.5, 3.5, 3))), GRID)


def test_a_mask_of_contours_keeps_what_they_refer_to() -> None:
    mask = rasterise(drawn(("i4", square(2.6, 5.4, 6.4, 7.6, 4))), GRID)
    assert (mask.frame, mask.images, mask.series) == ("f", {"i4"}, {"s"})
