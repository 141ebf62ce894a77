"""A mask lands on the same tissue whatever format it came in."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hepafed.client.lesions.labels import Label
from hepafed.client.lesions.masks.mask import MaskError, box_in, mask_of
from hepafed.client.lesions.masks.nifti import read_grid, read_nifti
from hepafed.client.lesions.masks.read import look_at
from hepafed.client.lesions.masks.rtstruct import Grid, rasterise, read_structure
from hepafed.client.lesions.masks.seg import read_seg
from hepafed.client.lesions.outline import outline_of
from hypothesis import given
from hypothesis import strategies as st

DATA = Path(__file__).parents[5] / "shared/data/dicom"
real = pytest.mark.skipif(not DATA.exists(), reason="the real DICOM data is not beside the project")
Make = Callable[..., Any]
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@real
def test_the_liver_segment_of_a_real_seg_lies_on_its_ct_slices() -> None:
    mask = read_seg(DATA / "dcmqi/liver-seg-ct/liver.dcm", None, "")
    assert len(mask.points) == 107098
    assert len(mask.images) == 3
    assert sorted(np.unique(mask.points[:, 2].round(2))) == [-128.69, -127.69, -126.69]
    column = (mask.points[:, 0] + 235.199997) / 0.810547
    assert np.abs(column - column.round()).max() < 1e-3
    assert 0 <= column.min() < column.max() <= 511


@real
def test_the_liver_of_a_real_label_map_has_the_oracle_s_voxels_and_place() -> None:
    known = json.loads((DATA / "oracle/nifti.json").read_text())["nifti"][1]
    mask = read_nifti(DATA / known["file"], 5)
    assert len(mask.points) == known["label_voxels"]["5"]
    image = nibabel.load(DATA / known["file"])
    index = np.argwhere(np.asarray(image.dataobj) == 5)
    ras = nibabel.affines.apply_affine(np.array(known["affine_ras"]), index)
    assert np.abs(mask.points - ras * [-1, -1, 1]).max() < 1e-3


@real
def test_a_label_map_without_a_mask_value_is_a_problem() -> None:
    with pytest.raises(MaskError, match="several values"):
        read_nifti(DATA / "TotalSegmentator/nifti/example_seg_mr.nii.gz", None)


def test_a_seg_written_on_an_oblique_series_gives_its_voxels_back(
    tmp_path: Path, examination: Make, write_seg: Make
) -> None:
    exam = examination()
    t2, inside = exam.volume("t2"), exam.inside("t2")
    path = write_seg(tmp_path / "seg.dcm", t2, {"L1": inside, "L2": np.roll(inside, 9, axis=2)})
    mask = read_seg(path, None, "l1")
    assert np.abs(np.sort(mask.points, 0) - np.sort(exam.points("t2")[inside], 0)).max() < 1e-3
    assert box_in(mask, t2.affine) == pytest.approx(exam.box("t2"), abs=1e-3)
    assert read_seg(path, 2, "").points.mean() != pytest.approx(mask.points.mean())
    with pytest.raises(MaskError, match="several segments"):
        read_seg(path, None, "other")


def test_contours_fill_the_voxels_whose_centres_they_hold(
    tmp_path: Path, examination: Make, write_rtstruct: Make
) -> None:
    exam = examination()
    t2 = exam.volume("t2")
    middle, k = np.array([30.0, 33.0]), 6
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    rings = []
    for radius in (9.3, 4.2):
        at = np.stack(
            [
                middle[0] + radius * np.cos(angle),
                middle[1] + radius * np.sin(angle),
                np.full(64, k),
                np.ones(64),
            ],
            -1,
        )
        rings.append((k, (at @ t2.affine.T)[:, :3]))
    path = write_rtstruct(tmp_path / "rt.dcm", t2, {"L1": rings})
    shape = (len(t2.headers), t2.headers[0].rows, t2.headers[0].columns)
    grid = Grid(shape, t2.affine, tuple(h.instance for h in t2.headers))
    mask = rasterise(read_structure(path, None, ""), grid)
    y, x = np.mgrid[: shape[1], : shape[2]]
    distance = np.hypot(x - middle[0], y - middle[1])
    ring = (distance <= 9.3) & (distance > 4.2)
    wanted = exam.points("t2")[k][ring]
    assert abs(len(mask.points) - len(wanted)) <= 4  # the polygon is a little inside its circle
    assert np.abs(mask.points.mean(axis=0) - wanted.mean(axis=0)).max() < 0.5


@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_a_nifti_mask_of_any_orientation_gives_the_same_box(
    tmp_path: Path, examination: Make, flip: tuple[int, int, int]
) -> None:
    exam = examination()
    t2 = exam.volume("t2")
    grid = exam.inside("t2").transpose(2, 1, 0).astype(np.uint8)
    affine = TO_LPS @ t2.affine
    for axis, way in enumerate(flip):
        if way < 0:
            affine[:3, 3] += affine[:3, axis] * (grid.shape[axis] - 1)
            affine[:3, axis] *= -1
            grid = np.flip(grid, axis)
    path = tmp_path / "mask.nii.gz"
    nibabel.Nifti1Image(grid, affine).to_filename(path)
    mask = read_nifti(path, None)
    assert box_in(mask, t2.affine) == pytest.approx(exam.box("t2"), abs=1e-3)
    low_t2, high_t2 = np.split(np.array(box_in(mask, exam.volume("dwi").affine)), 2)
    low, high = np.split(np.array(exam.box("dwi"), float), 2)
    assert np.abs((low_t2 + high_t2) / 2 - (low + high) / 2).max() < 1.1


@given(st.lists(st.tuples(*[st.integers(0, n - 1) for n in (9, 8, 7)]), min_size=1, max_size=20))
def test_on_its_own_grid_a_mask_s_box_is_its_first_and_last_index(
    voxels: list[tuple[int, int, int]],
) -> None:
    grid = np.zeros((9, 8, 7), bool)
    for v in voxels:
        grid[v] = True
    turn = np.linalg.qr(np.random.default_rng(len(voxels)).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * [1.5, 2.5, 6.0], [10, -20, 30]
    index = np.array(voxels)
    wanted = [*index.min(axis=0), *index.max(axis=0)]
    assert box_in(mask_of(grid, affine), affine) == pytest.approx(wanted, abs=1e-5)


def _nifti(path: Path, grid: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nibabel.Nifti1Image(grid, np.eye(4) if affine is None else affine).to_filename(path)
    return path


def test_broken_and_absurd_masks_end_in_a_reason(tmp_path: Path) -> None:
    good = _nifti(tmp_path / "good.nii", np.ones((4, 4, 4), np.uint8)).read_bytes()
    huge = bytearray(good)
    huge[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], "<i2").tobytes()
    cases = {
        "empty.nii": _nifti(tmp_path / "e.nii", np.zeros((4, 4, 4), np.uint8)).read_bytes(),
        "flat.nii": _nifti(tmp_path / "f.nii", np.ones((4, 4), np.uint8)).read_bytes(),
        "huge.nii": bytes(huge),
        "cut.nii": good[:380],
        "words.nii": b"not a mask at all",
        "cut.nii.gz": gzip.compress(good)[:60],
        "bad.nii.gz": b"\x1f\x8b not gzip",
        "none.dcm": b"",
        "report.txt": b"hello",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        row = Label(2, "P", "L", 0, mask_file=tmp_path / name)
        with pytest.raises(MaskError) as caught:
            outline_of(row, [])
        assert str(tmp_path) not in caught.value.message


def test_a_dicom_file_that_is_no_mask_is_named_so(examination: Make) -> None:
    with pytest.raises(MaskError, match="neither SEG nor RTSTRUCT"):
        look_at(Path(examination().volume("t2").headers[0].path))


def test_a_nifti_affine_that_cannot_be_inverted_is_refused(tmp_path: Path) -> None:
    path = _nifti(tmp_path / "a.nii", np.ones((4, 4, 4), np.uint8))
    raw = bytearray(path.read_bytes())
    raw[252:256] = np.array([0, 2], "<i2").tobytes()  # sform alone
    raw[280:328] = bytes(48)
    path.write_bytes(bytes(raw))
    with pytest.raises(MaskError, match="affine"):
        read_grid(path)
