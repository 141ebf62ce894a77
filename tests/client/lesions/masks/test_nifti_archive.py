"""NIfTI files in a zip archive are read as those beside it, and unpack within a limit."""

import gzip
import tracemalloc
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hepafed.client.lesions.labels import Label
from hepafed.client.lesions.masks.mask import MaskError
from hepafed.client.lesions.masks.nifti import read_grid, read_nifti
from hepafed.client.lesions.masks.read import look_at
from hepafed.client.lesions.outline import outline_of

DATA = Path(__file__).parents[5] / "shared/data/dicom"
REAL = DATA / "TotalSegmentator/nifti/example_seg_mr.nii.gz"
AFFINE = np.array([[0, -1.5, 0, 7], [2.5, 0, 0, -3], [0, 0, 6, 11], [0, 0, 0, 1.0]])


def packed(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "m.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("another.nii", b"something else")
        archive.writestr(name, content)
    return path


def grid() -> np.ndarray:
    made = np.zeros((7, 5, 3), np.int16)
    made[2:4, 1, 1:] = 3
    made[5, 4, 0] = 8
    return made


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_nifti_file_gives_the_same_voxels_in_and_outside_an_archive(
    tmp_path: Path, kind: type, ending: str, order: str
) -> None:
    plain = tmp_path / f"m{ending}"
    header = kind.header_class(endianness=order)
    kind(grid(), AFFINE, header).to_filename(plain)
    path = packed(tmp_path, f"P1/m{ending}", plain.read_bytes())
    alone, inside = read_grid(plain), read_grid(path, f"P1/m{ending}")
    assert (alone[0] == inside[0]).all()
    assert (inside[0] == grid()).all()
    assert (alone[1] == inside[1]).all()
    mask = read_nifti(path, 3, f"P1/m{ending}")
    assert np.array_equal(mask.points, read_nifti(plain, 3).points)
    assert len(mask.points) == 4


@pytest.mark.skipif(not REAL.exists(), reason="the real data is not beside the project")
def test_a_real_label_map_gives_the_same_liver_in_an_archive(tmp_path: Path) -> None:
    path = packed(tmp_path, "seg.nii.gz", REAL.read_bytes())
    file = look_at(path, "seg.nii.gz")
    assert (file.kind, file.path, file.member) == ("nifti", path, "seg.nii.gz")
    points = read_nifti(path, 5, "seg.nii.gz").points
    assert np.array_equal(points, read_nifti(REAL, 5).points)


def test_broken_members_end_in_a_reason(tmp_path: Path) -> None:
    nibabel.Nifti1Image(grid(), AFFINE).to_filename(tmp_path / "good.nii")
    good = (tmp_path / "good.nii").read_bytes()
    damaged = bytearray(gzip.compress(good))
    damaged[-6] ^= 1  # its checksum
    cases = {
        "cut.nii": good[:380],
        "head.nii": good[:100],
        "empty.nii": b"",
        "words.nii": b"not a mask at all",
        "cut.nii.gz": gzip.compress(good)[:60],
        "bad.nii.gz": b"\x1f\x8b not gzip",
        "sum.nii.gz": bytes(damaged),
        "report.txt": b"hello",
        "nii": good,
    }
    for name, content in cases.items():
        path = packed(tmp_path, f"P1/{name}", content)
        row = Label(2, "P", "L", 0, mask_file=path, mask_member=f"P1/{name}")
        with pytest.raises(MaskError) as e:
            outline_of(row, [])
        assert "P1" not in e.value.message


def test_a_member_that_is_gone_since_the_table_was_read_ends_in_a_reason(tmp_path: Path) -> None:
    path = packed(tmp_path, "m.nii", b"")
    with pytest.raises(MaskError, match="cannot be read"):
        read_grid(path, "n.nii")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_member_may_unpack_to_its_limit_and_to_no_byte_more(tmp_path: Path, ending: str) -> None:
    nibabel.Nifti1Image(grid(), AFFINE).to_filename(tmp_path / "m.nii")
    content = (tmp_path / "m.nii").read_bytes()
    sent = gzip.compress(content) if ending == ".nii.gz" else content
    path = packed(tmp_path, f"m{ending}", sent)
    assert (read_grid(path, f"m{ending}", len(content))[0] == grid()).all()
    with pytest.raises(MaskError, match="too large"):
        read_grid(path, f"m{ending}", len(content) - 1)


def test_an_nii_gz_that_is_a_bomb_costs_no_more_memory_than_the_limit(tmp_path: Path) -> None:
    nibabel.Nifti1Image(grid(), AFFINE).to_filename(tmp_path / "m.nii")
    bomb = gzip.compress((tmp_path / "m.nii").read_bytes() + bytes(1 << 26))
    path = packed(tmp_path, "m.nii.gz", bomb)
    tracemalloc.start()
    with pytest.raises(MaskError, match="too large"):
        read_grid(path, "m.nii.gz", 1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
