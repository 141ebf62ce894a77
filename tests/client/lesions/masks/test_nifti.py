"""Where a NIfTI file lies is stated once, or the file is refused."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from hepafed.client.lesions.masks.mask import MaskError
from hepafed.client.lesions.masks.nifti import read_frame, read_nifti
from numpy.typing import NDArray

OBLIQUE = np.array(
    [[1.4, -0.3, 0.5, -60], [0.4, 1.9, -0.2, 25], [-0.2, 0.3, 4.8, 7], [0, 0, 0, 1]], float
)
"""RAS; columns and rows are nearly, not exactly, at right angles, which only an sform can say."""
STRAIGHT = np.array([[-1.5, 0, 0, 90], [0, 2.5, 0, -40], [0, 0, 6, 12], [0, 0, 0, 1]], float)


def write(
    path: Path,
    sform: NDArray[np.float64] | None = None,
    qform: NDArray[np.float64] | None = None,
    shape: tuple[int, ...] = (5, 7, 3),
    kind: type = nibabel.Nifti1Image,
) -> Path:
    grid = np.zeros(shape, np.uint8)
    grid.flat[-1] = 1
    image = kind(grid, None)
    image.header.set_sform(sform, code=0 if sform is None else 1)
    image.header.set_qform(qform, code=0 if qform is None else 1)
    image.to_filename(path)
    return path


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_file_without_orientation_is_refused(tmp_path: Path, kind: type) -> None:
    with pytest.raises(MaskError, match="states no orientation"):
        read_frame(write(tmp_path / "m.nii", kind=kind))


@pytest.mark.parametrize("stated", [(STRAIGHT, None), (None, STRAIGHT), (STRAIGHT, STRAIGHT)])
def test_an_orientation_that_is_stated_once_or_twice_alike_is_taken(
    tmp_path: Path, stated: tuple[NDArray[np.float64] | None, ...]
) -> None:
    shape, affine = read_frame(write(tmp_path / "m.nii", *stated))
    assert shape == (5, 7, 3)
    assert affine == pytest.approx(np.diag([-1, -1, 1, 1]) @ STRAIGHT, abs=1e-4)


def test_an_oblique_sform_alone_is_taken_as_it_is(tmp_path: Path) -> None:
    mask = read_nifti(write(tmp_path / "m.nii.gz", OBLIQUE), None)
    last = OBLIQUE @ [4, 6, 2, 1]
    assert mask.points == pytest.approx(np.array([[-last[0], -last[1], last[2]]]), abs=1e-4)


@pytest.mark.parametrize(
    ("part", "moved", "refused"),
    [((0, 3), 0.7, False), ((0, 3), 0.8, True), ((2, 3), 30.0, True), ((1, 1), 0.12, False)],
    ids=["under half a voxel", "over half a voxel", "30 mm", "a spacing of 0.12 mm more"],
)
def test_two_orientations_may_differ_by_half_a_voxel_at_any_corner(
    tmp_path: Path, part: tuple[int, int], moved: float, refused: bool
) -> None:
    """The smallest voxel is 1.5 mm; 7 rows of 0.12 mm more are 0.72 mm at the last."""
    other = STRAIGHT.copy()
    other[part] += moved
    path = write(tmp_path / "m.nii", other, STRAIGHT)
    if refused:
        with pytest.raises(MaskError, match="sform and qform contradict"):
            read_frame(path)
    else:
        assert read_frame(path)[1][:3, 3] == pytest.approx(other[:3, 3] * [-1, -1, 1], abs=1e-3)


def test_a_small_difference_of_spacing_adds_up_over_the_rows(tmp_path: Path) -> None:
    other = STRAIGHT.copy()
    other[1, 1] += 0.12
    read_frame(write(tmp_path / "few.nii", other, STRAIGHT, (5, 7, 3)))
    with pytest.raises(MaskError, match="contradict"):
        read_frame(write(tmp_path / "many.nii", other, STRAIGHT, (5, 9, 3)))


def test_only_the_identity_itself_is_taken_for_a_forgotten_affine(tmp_path: Path) -> None:
    assert read_nifti(write(tmp_path / "i.nii", np.eye(4)), None).identity
    moved = np.eye(4)
    moved[2, 3] = 1
    assert not read_nifti(write(tmp_path / "m.nii", moved), None).identity
    assert not read_nifti(write(tmp_path / "s.nii", np.diag([1, 1, 2, 1])), 1).identity


@pytest.mark.parametrize("more", [(1,), (1, 1)])
def test_axes_of_length_one_beyond_the_third_are_left_out(
    tmp_path: Path, more: tuple[int, ...]
) -> None:
    flat = read_nifti(write(tmp_path / "flat.nii", STRAIGHT), None)
    found = read_nifti(write(tmp_path / "m.nii", STRAIGHT, shape=(5, 7, 3, *more)), None)
    assert found.points.tolist() == flat.points.tolist()


def test_more_than_one_image_in_a_file_is_no_mask(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="not three-dimensional"):
        read_frame(write(tmp_path / "m.nii", STRAIGHT, shape=(5, 7, 3, 2)))


def test_one_label_of_a_map_has_the_forgotten_affine_of_its_file(tmp_path: Path) -> None:
    for name, affine, forgotten in (("i.nii", np.eye(4), True), ("s.nii", STRAIGHT, False)):
        assert read_nifti(write(tmp_path / name, affine), 1).identity is forgotten
