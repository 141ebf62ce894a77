"""Contours become voxels: those inside, and those on the line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.lesions.masks.mask import MaskError
from hepafed.client.lesions.masks.rtstruct import Grid, Structure, rasterise, read_structure
from numpy.typing import NDArray

Make = Callable[..., Any]
TURN = np.linalg.qr(np.array([[3.0, -1, 0.5], [1, 4, -0.3], [-0.2, 0.4, 5]]))[0]
AFFINE = np.eye(4)
AFFINE[:3, :3], AFFINE[:3, 3] = TURN * [0.7, 1.3, 5.0], [-33.1, 12.7, 8.9]
GRID = Grid((3, 12, 17), AFFINE, ("1.1", "1.2", "1.3"))


def drawn(*polygons: list[tuple[float, float]], k: int = 1, image: str = "") -> Structure:
    """Draw polygons of (column, row) on a slice."""
    contours = []
    for polygon in polygons:
        at = np.array([(x, y, k, 1) for x, y in polygon], float)
        contours.append((image, (at @ AFFINE.T)[:, :3]))
    return Structure(tuple(contours), "", frozenset(), frozenset())


def voxels(structure: Structure) -> set[tuple[int, ...]]:
    """Give the (column, row, slice) of the voxels inside."""
    points: NDArray[np.float64] = rasterise(structure, GRID).points
    at = (points - AFFINE[:3, 3]) @ np.linalg.inv(AFFINE[:3, :3]).T
    return {tuple(int(v) for v in row) for row in np.round(at)}


def block(x: range, y: range, k: int = 1) -> set[tuple[int, ...]]:
    return {(a, b, k) for a in x for b in y}


def test_a_contour_through_pixel_centres_keeps_its_first_and_last_row_and_column() -> None:
    square = [(3, 2), (9, 2), (9, 6), (3, 6)]
    assert voxels(drawn(square)) == block(range(3, 10), range(2, 7))
    assert voxels(drawn(square[::-1])) == block(range(3, 10), range(2, 7))
    assert voxels(drawn([*square, square[0]])) == block(range(3, 10), range(2, 7))


def test_a_contour_between_centres_holds_those_inside() -> None:
    assert voxels(drawn([(2.6, 1.4), (9.4, 1.4), (9.4, 6.4), (2.6, 6.4)])) == block(
        range(3, 10), range(2, 7)
    )
    assert voxels(drawn([(3.1, 2.1), (8.9, 2.1), (8.9, 5.9), (3.1, 5.9)])) == block(
        range(4, 9), range(3, 6)
    )


def test_slanting_edges_and_a_dent_are_filled_row_by_row() -> None:
    arrow = [(1, 1), (7, 1), (4, 3), (7, 5), (1, 5)]
    by_row = {1: range(1, 8), 2: range(1, 6), 3: range(1, 5), 4: range(1, 6), 5: range(1, 8)}
    wanted = {(x, y, 1) for y, columns in by_row.items() for x in columns}
    assert voxels(drawn(arrow)) == wanted


def test_a_contour_inside_another_is_a_hole() -> None:
    outer, inner = (
        [(2, 2), (10, 2), (10, 9), (2, 9)],
        [(4.5, 4.5), (7.5, 4.5), (7.5, 6.5), (4.5, 6.5)],
    )
    hole = block(range(5, 8), range(5, 7))
    assert voxels(drawn(outer, inner)) == block(range(2, 11), range(2, 10)) - hole


def test_a_contour_over_the_edge_of_the_image_is_cut_there() -> None:
    assert voxels(drawn([(-4, -3), (2, -3), (2, 1), (-4, 1)])) == block(range(3), range(2))
    assert voxels(drawn([(14, 9), (30, 9), (30, 20), (14, 20)])) == block(
        range(14, 17), range(9, 12)
    )


def test_a_contour_goes_to_the_slice_of_its_image_or_else_to_the_nearest() -> None:
    square = [(3, 2), (5, 2), (5, 4), (3, 4)]
    assert {k for _, _, k in voxels(drawn(square, k=2, image="1.3"))} == {2}
    assert {k for _, _, k in voxels(drawn(square, k=0))} == {0}


@pytest.mark.parametrize(("off", "refused"), [(0.49, False), (0.51, True), (-0.51, True)])
def test_a_contour_lies_on_its_slice_within_half_a_slice(off: float, refused: bool) -> None:
    at = np.array([(3, 2, 1 + off, 1), (5, 2, 1 + off, 1), (5, 4, 1 + off, 1)], float)
    one = Structure((("1.2", (at @ AFFINE.T)[:, :3]),), "", frozenset(), frozenset())
    if refused:
        with pytest.raises(MaskError, match="does not lie on its slice"):
            rasterise(one, GRID)
    else:
        assert {k for _, _, k in voxels(one)} == {1}


def test_a_contour_of_an_image_that_is_not_in_the_volume_is_refused() -> None:
    with pytest.raises(MaskError, match="an image that is missing"):
        rasterise(drawn([(3, 2), (5, 2), (5, 4)], image="1.4"), GRID)


def test_a_contour_of_two_points_is_left_out_and_the_others_stay(
    tmp_path: Path, examination: Make, write_rtstruct: Make
) -> None:
    t2 = examination().volume("t2")
    at = np.array([[20, 20, 5, 1], [30, 20, 5, 1], [30, 30, 5, 1.0]])
    good = (at @ t2.affine.T)[:, :3]
    line = good[:2] + t2.affine[:3, 2]
    path = write_rtstruct(tmp_path / "r.dcm", t2, {"L1": [(5, good), (6, line)], "L2": [(6, line)]})
    (contour,) = read_structure(path, 1, "").contours
    assert contour[1] == pytest.approx(good, abs=1e-3)
    with pytest.raises(MaskError, match="no closed contour"):
        read_structure(path, 2, "")
