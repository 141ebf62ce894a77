"""A mask's voxels lie where its affine says; its box on another grid holds its voxels' extent."""

import numpy as np
import pytest
from hepafed.client.lesions.masks.mask import MaskError, box_in, mask_of

from tests.client.volumes import affine_of


def test_a_voxel_of_a_mask_lies_where_its_column_row_and_slice_say() -> None:
    affine = affine_of((2.0, 3.0, 5.0), (90.0, 0.0), (10.0, 20.0, 30.0))
    grid = np.zeros((9, 8, 7), bool)
    grid[4, 1, 2] = grid[5, 1, 2] = True
    made = mask_of(grid, affine, frame="f")
    # columns run along y, rows along −x
    assert made.points == pytest.approx(np.array([[7, 28, 40], [7, 30, 40]]))
    assert made.steps == pytest.approx(np.array([[0, 2, 0], [-3, 0, 0], [0, 0, 5]]))
    assert made.frame == "f"


def test_a_mask_of_one_voxel_is_a_mask_and_one_of_none_is_not() -> None:
    grid = np.zeros((3, 4, 5), bool)
    with pytest.raises(MaskError, match="empty"):
        mask_of(grid, np.eye(4))
    grid[2, 3, 4] = True
    assert mask_of(grid, np.eye(4)).points.tolist() == [[2, 3, 4]]


def test_a_box_on_a_finer_grid_holds_the_whole_of_the_coarse_voxels() -> None:
    grid = np.zeros((9, 8, 7), bool)
    grid[2:4, 5, 1] = True
    coarse = affine_of((4.0, 6.0, 10.0), (0.0, 0.0), (0.0, 0.0, 0.0))
    fine = affine_of((1.0, 2.0, 5.0), (0.0, 0.0), (0.5, 1.0, 2.5))
    # x from 6 to 14 mm, y from 27 to 33 mm, z from 5 to 15 mm
    wanted = (6.0, 13.5, 1.0, 13.0, 15.5, 2.0)
    assert box_in(mask_of(grid, coarse), fine) == pytest.approx(wanted)


def test_a_mask_thinner_than_a_voxel_of_the_other_grid_has_its_middle_as_box() -> None:
    grid = np.ones((1, 1, 1), bool)
    fine = affine_of((0.4, 0.6, 1.0), (0.0, 0.0), (8.0, 9.0, 10.0))
    coarse = affine_of((4.0, 6.0, 10.0), (0.0, 0.0), (0.0, 0.0, 0.0))
    assert box_in(mask_of(grid, fine), coarse) == (2.0, 1.5, 1.0, 2.0, 1.5, 1.0)
