"""Zip archives: what is refused, and why."""

import stat
import zipfile
from pathlib import Path

import pytest
from hepafed.client.dicom.encoding.archives import is_archive, members_of
from hepafed.common.errors import DicomError


def write(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_an_archive_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "no-name", ("a", b"1"))
    assert is_archive(path.read_bytes()[:4])
    assert not is_archive(b"DICM")


@pytest.mark.parametrize(
    "name", ["../up", "/etc/absolute", "a/../../b", "C:/windows", "..\\..\\up"]
)
def test_a_name_that_leaves_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    (member,) = members_of(write(tmp_path / "a.zip", (name, b"1")))
    assert "leaves its archive" in member.reason


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("bomb", bytes(64 << 20)), ("good", b"x" * 300))
    assert ["bomb" in m.reason for m in members_of(path)] == [True, False]


def test_a_link_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "no plain file" in members_of(tmp_path / "a.zip")[0].reason


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("secret", b"1234"))
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(bytes(content))
    assert members_of(path)[0].reason == "encrypted in its archive"


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("a", b"1" * 5000))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DicomError, match="broken zip"):
        members_of(path)


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = write(tmp_path / "a.zip", ("a", b"1"), ("a", b"2"))
    with pytest.raises(DicomError, match="twice"):
        members_of(path)
