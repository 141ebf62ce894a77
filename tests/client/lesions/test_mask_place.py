"""A mask's place: beside the table or below, also in a zip archive; never elsewhere."""

import os
import shutil
import stat
import warnings
import zipfile
from pathlib import Path

import pytest
from hepafed.client.lesions.labels import read_labels
from hepafed.client.lesions.mask_place import MaskPlaces
from hepafed.common.errors import LabelsError


def archive(path: Path, *names: str, content: bytes = b"mask") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that stands twice
        for name in names:
            made.writestr(name, content)
    return path


def refusal(folder: Path, name: str) -> str:
    with pytest.raises(LabelsError) as e:
        MaskPlaces(folder).find(name)
    assert str(folder) not in e.value.message
    return e.value.message


def test_a_file_is_found_beside_the_table_and_below(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("m.nii", "a/m.nii"):
        (tmp_path / name).write_bytes(b"mask")
        assert MaskPlaces(tmp_path).find(name) == (tmp_path / name, "")


def test_a_member_is_found_at_any_depth_of_folders_and_of_its_archive(tmp_path: Path) -> None:
    archive(tmp_path / "m.zip", "P2/l.nii", "l.nii.gz", "P1/x/l.nii")
    archive(tmp_path / "a/b/m.zip", "other", "P1/l.nii")
    places = MaskPlaces(tmp_path)
    assert places.find("m.zip/l.nii.gz") == (tmp_path / "m.zip", "l.nii.gz")
    assert places.find("m.zip/P1/x/l.nii") == (tmp_path / "m.zip", "P1/x/l.nii")
    assert places.find("a/b/m.zip/P1/l.nii") == (tmp_path / "a/b/m.zip", "P1/l.nii")


def test_both_slashes_are_one_in_the_table_and_in_the_archive(tmp_path: Path) -> None:
    archive(tmp_path / "a/m.zip", "P1\\l.nii", "P2/l.nii")
    places = MaskPlaces(tmp_path)
    assert places.find("a\\m.zip\\P1\\l.nii") == (tmp_path / "a/m.zip", "P1\\l.nii")
    assert places.find("a/m.zip/P1/l.nii") == (tmp_path / "a/m.zip", "P1\\l.nii")
    assert places.find("a\\m.zip\\P2\\l.nii") == (tmp_path / "a/m.zip", "P2/l.nii")


def test_an_archive_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    archive(tmp_path / "masks", "l.nii")
    assert MaskPlaces(tmp_path).find("masks/l.nii") == (tmp_path / "masks", "l.nii")
    (tmp_path / "no.zip").write_bytes(b"something else")
    assert refusal(tmp_path, "no.zip/l.nii") == "mask_file lies in a file that is no zip archive"


@pytest.mark.parametrize("name", ["m.zip/l.nii", "m.zip/P1", "m.zip/p1/l.nii", "m.zip/P1/l.nii/x"])
def test_a_member_that_is_not_there_is_said_to_be_missing(tmp_path: Path, name: str) -> None:
    archive(tmp_path / "m.zip", "P1/l.nii", "P1/")
    assert refusal(tmp_path, name) == "mask_file is not in its zip archive"


@pytest.mark.parametrize("twice", ["P1/l.nii", "P1\\l.nii"])
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path, twice: str) -> None:
    archive(tmp_path / "m.zip", "P1/l.nii", twice)
    assert "twice" in refusal(tmp_path, "m.zip/P1/l.nii")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("../out.nii", "outside"),
        ("../out.zip/l.nii", "outside"),
        ("link.zip/l.nii", "outside"),
        ("nowhere.nii", "does not exist"),
        ("nowhere.zip/l.nii", "does not exist"),
        ("folder.zip/l.nii", "does not exist"),
        ("a\0b/l.nii", "does not exist"),
    ],
)
def test_what_is_outside_or_nowhere_is_refused(tmp_path: Path, name: str, place: str) -> None:
    archive(tmp_path / "out.zip", "l.nii")
    (tmp_path / "out.nii").write_bytes(b"mask")
    (tmp_path / "table/folder.zip").mkdir(parents=True)
    (tmp_path / "table/link.zip").symlink_to(tmp_path / "out.zip")
    assert place in refusal(tmp_path / "table", name)


@pytest.mark.parametrize("name", ["../l.nii", "/l.nii", "a/../l.nii"])
def test_a_member_whose_name_leaves_its_archive_is_refused(tmp_path: Path, name: str) -> None:
    archive(tmp_path / "m.zip", name)
    with pytest.raises(LabelsError):
        MaskPlaces(tmp_path).find(f"m.zip/{name}")


def test_a_member_that_is_a_bomb_a_link_or_encrypted_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    archive(tmp_path / "bomb.zip", "l.nii", content=bytes(64 << 20))
    assert "zip bomb" in refusal(tmp_path, "bomb.zip/l.nii")
    link = zipfile.ZipInfo("l.nii")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    assert "no plain file" in refusal(tmp_path, "link.zip/l.nii")
    content = bytearray(archive(tmp_path / "secret.zip", "l.nii").read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(signature) + offset] |= 1
    (tmp_path / "secret.zip").write_bytes(bytes(content))
    assert "encrypted" in refusal(tmp_path, "secret.zip/l.nii")


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = archive(tmp_path / "m.zip", "l.nii", content=os.urandom(5000))
    whole.write_bytes(whole.read_bytes()[:-30])
    assert refusal(tmp_path, "m.zip/l.nii") == "mask_file lies in a broken zip archive"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_archive_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    archive(tmp_path / "m.zip", "l.nii").chmod(0)
    assert "cannot be read" in refusal(tmp_path, "m.zip/l.nii")


def test_an_archive_is_listed_once_for_all_rows(tmp_path: Path) -> None:
    archive(tmp_path / "m.zip", "1.nii", "2.nii")
    places = MaskPlaces(tmp_path)
    places.find("m.zip/1.nii")
    archive(tmp_path / "m.zip", "3.nii")  # another content: it is not looked at again
    assert places.find("m.zip/2.nii") == (tmp_path / "m.zip", "2.nii")


def test_the_rows_of_a_table_name_members_and_every_wrong_one_is_told(tmp_path: Path) -> None:
    archive(tmp_path / "m.zip", "P1/1.nii", "P2/1.nii")
    rows = ["patient_id,lesion_id,label,mask_file"]
    rows += [f"P{n},1,benign,m.zip/P{n}/1.nii" for n in (2, 1, 3)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(rows[:3]))
    found = [(r.mask_file, r.mask_member) for r in read_labels(table)]
    assert found == [(tmp_path / "m.zip", "P2/1.nii"), (tmp_path / "m.zip", "P1/1.nii")]
    table.write_text("\n".join(rows))
    with pytest.raises(LabelsError, match="row 4: mask_file is not in its zip archive") as e:
        read_labels(table)
    assert "P3" not in e.value.message
    shutil.rmtree(tmp_path)
