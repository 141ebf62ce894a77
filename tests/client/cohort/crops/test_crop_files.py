"""A crop's file holds finite numbers of the store's size, under the digest of its bytes."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort.crops.crop_files import is_whole, read_crop, sweep, write_crop
from hepafed.client.cohort.records import Lesion
from hepafed.common.errors import CohortError
from numpy.typing import NDArray

GOOD = np.random.default_rng(5).normal(size=(2, 3, 160, 160)).astype(np.float16)


def row(digest: str) -> Lesion:
    return Lesion("l", "p", "e", 0, "t2,dwi", 3, digest)


@pytest.mark.parametrize("place", [(0, 0, 0, 0), (1, 2, 159, 159)], ids=["first", "last"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=["nan", "inf", "minus inf"])
def test_one_value_that_is_not_finite_keeps_a_crop_out(
    tmp_path: Path, place: tuple[int, ...], value: float
) -> None:
    voxels = GOOD.copy()
    voxels[place] = value
    with pytest.raises(CohortError, match="not finite numbers"):
        write_crop(tmp_path, voxels)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "shape",
    [(2, 3, 160, 159), (2, 3, 159, 160), (3, 160, 160), (1, 2, 3, 160, 160)],
    ids=["narrow", "low", "three", "five"],
)
def test_a_crop_of_another_size_is_kept_out(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(CohortError, match="size"):
        write_crop(tmp_path, np.zeros(shape, np.float16))


def test_a_crop_reads_back_from_a_file_named_by_its_bytes(tmp_path: Path) -> None:
    digest = write_crop(tmp_path, GOOD)
    (path,) = tmp_path.iterdir()
    assert path.name == f"{hashlib.sha256(path.read_bytes()).hexdigest()}.npy"
    assert path.name == f"{digest}.npy"
    assert path.stat().st_mode & 0o077 == 0
    assert path.read_bytes()[:8] == b"\x93NUMPY\x01\x00"
    assert np.array_equal(read_crop(tmp_path, row(digest)), GOOD)


def test_a_whole_crop_is_not_written_again_and_a_damaged_one_is(tmp_path: Path) -> None:
    digest = write_crop(tmp_path, GOOD)
    (path,) = tmp_path.iterdir()
    first = path.stat().st_ino
    write_crop(tmp_path, GOOD)
    assert path.stat().st_ino == first
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_whole(tmp_path, digest)
    write_crop(tmp_path, GOOD)
    assert is_whole(tmp_path, digest)


def test_a_crop_that_was_never_written_is_not_whole(tmp_path: Path) -> None:
    assert not is_whole(tmp_path, "0" * 64)


@pytest.mark.parametrize(
    "about",
    [{"slices": 2}, {"slices": 4}, {"sequences": "t2"}, {"sequences": "t2,dwi,adc"}],
    ids=["fewer slices", "more slices", "fewer sequences", "more sequences"],
)
def test_a_crop_of_another_shape_than_its_row_says_is_damaged(
    tmp_path: Path, about: dict[str, object]
) -> None:
    digest = write_crop(tmp_path, GOOD)
    with pytest.raises(CohortError, match="missing or damaged"):
        read_crop(tmp_path, replace(row(digest), **about))  # type: ignore[arg-type]


def stored(folder: Path, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    (folder / f"{digest}.npy").write_bytes(content)
    return digest


def saved(voxels: NDArray[np.generic]) -> bytes:
    out = io.BytesIO()
    np.save(out, voxels)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [saved(GOOD.astype(np.float32)), b"no array", saved(np.array([{}], object))],
    ids=["float32", "no array", "pickled"],
)
def test_a_file_that_is_no_array_of_float16_is_damaged_whatever_its_name(
    tmp_path: Path, content: bytes
) -> None:
    digest = stored(tmp_path, content)
    with pytest.raises(CohortError, match="missing or damaged"):
        read_crop(tmp_path, row(digest))


def test_sweeping_leaves_the_named_crops_alone_and_removes_all_else(tmp_path: Path) -> None:
    for name in ("a.npy", "b.npy", "a.tmp", "c.npy", "note"):
        (tmp_path / name).write_bytes(b"x")
    sweep(tmp_path, {"a", "c"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npy", "c.npy"]
