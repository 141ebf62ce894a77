"""An archive's limits: how many files, how large, how tight, and which names and kinds."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hepafed.client.dicom.encoding.archives import is_archive, members_of
from hepafed.common.errors import DicomError


def claiming(path: Path, *claims: tuple[int, int]) -> Path:
    """Write an archive whose directory claims (unpacked, packed) bytes for each of its files."""
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(len(claims)):
            archive.writestr(f"{k}", b"")
    content = bytearray(path.read_bytes())
    at = 0
    for unpacked, packed in claims:
        at = content.index(b"PK\x01\x02", at)
        content[at + 20 : at + 28] = struct.pack("<II", packed, unpacked)
        at += 4
    path.write_bytes(bytes(content))
    return path


def reason(tmp_path: Path, unpacked: int, packed: int) -> str:
    (member,) = members_of(claiming(tmp_path / "z", (unpacked, packed)))
    assert member.size == unpacked
    return member.reason


MB = 1 << 20


@pytest.mark.parametrize(
    ("unpacked", "packed", "told"),
    [
        (512 * MB, 512 * MB, ""),
        (512 * MB + 1, 512 * MB, "too large in its archive"),
        (16 * MB, 0, ""),
        (16 * MB + 1, 0, "packed too tightly in its archive (a zip bomb?)"),
        (400 * 50_000, 50_000, ""),
        (400 * 50_000 + 1, 50_000, "packed too tightly in its archive (a zip bomb?)"),
        (16 * MB, 10, ""),
    ],
)
def test_a_member_has_a_largest_size_and_ratio(
    tmp_path: Path, unpacked: int, packed: int, told: str
) -> None:
    assert reason(tmp_path, unpacked, packed) == told


@pytest.mark.parametrize(("last", "good"), [(256, True), (257, False)])
def test_an_archive_unpacks_to_at_most_256_gigabytes(tmp_path: Path, last: int, good: bool) -> None:
    most = 1 << 31
    claims = [(most, 1)] * 127 + [(most - 256, 1), (last, 1)]
    path = claiming(tmp_path / "z", *claims)
    if good:
        assert len(members_of(path)) == 129
    else:
        with pytest.raises(DicomError, match="unpacks to too much"):
            members_of(path)


def crowd(path: Path, count: int) -> Path:
    """Write an archive's directory alone, of so many empty files."""
    entry = struct.Struct("<4s6H3I5H2I")
    made = bytearray()
    for k in range(count):
        name = b"%06d" % k
        made += entry.pack(b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0)
        made += name
    size = len(made)
    made += struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 0)
    made += struct.pack("<4sIQI", b"PK\x06\x07", 0, size, 1)
    made += struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, size, 0xFFFFFFFF, 0)
    path.write_bytes(bytes(made))
    return path


@pytest.mark.parametrize(("count", "good"), [(200_000, True), (200_001, False)])
def test_an_archive_holds_at_most_200_000_files(tmp_path: Path, count: int, good: bool) -> None:
    path = crowd(tmp_path / "z", count)
    if good:
        assert len(members_of(path)) == count
    else:
        with pytest.raises(DicomError, match="too many files"):
            members_of(path)


def test_files_are_listed_in_the_archives_order_without_folders(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        for name in ("b/2", "folder/", "a/1", "c"):
            archive.writestr(name, b"123"[: len(name)])
    assert [(m.name, m.size, m.reason) for m in members_of(tmp_path / "z")] == [
        ("b/2", 3, ""),
        ("a/1", 3, ""),
        ("c", 1, ""),
    ]


@pytest.mark.parametrize(
    ("name", "leaves"),
    [
        ("a/b..c", False),
        ("..a/b", False),
        ("a:b/c", True),
        ("a/b:c", False),
        ("a\\..\\b", True),
        ("\\a", True),
    ],
)
def test_only_a_name_that_could_leave_is_refused(tmp_path: Path, name: str, leaves: bool) -> None:
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr(name, b"1")
    (member,) = members_of(tmp_path / "z")
    assert member.reason == ("a name that leaves its archive" if leaves else "")


@pytest.mark.parametrize(
    ("mode", "plain"),
    [
        (0, True),
        (0o644, True),
        (stat.S_IFREG | 0o600, True),
        (stat.S_IFLNK | 0o777, False),
        (stat.S_IFIFO | 0o600, False),
        (stat.S_IFCHR | 0o600, False),
    ],
)
def test_only_a_plain_file_is_taken(tmp_path: Path, mode: int, plain: bool) -> None:
    info = zipfile.ZipInfo("x")
    info.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr(info, b"1")
    (member,) = members_of(tmp_path / "z")
    assert member.reason == ("" if plain else "no plain file in its archive")


def test_an_empty_archive_is_one_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z", "w"):
        pass
    assert is_archive((tmp_path / "z").read_bytes()[:4])
    assert members_of(tmp_path / "z") == []
    assert not is_archive(b"PK\x01\x02")
