"""The bytes of files and of an archive's members: limits, changes, and what cannot be read."""

import os
import zipfile
import zlib
from pathlib import Path

import pytest
from hepafed.client.dicom.encoding.file_bytes import inflated, opened, whole
from hepafed.client.dicom.encoding.reasons import BrokenFileError


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def test_a_file_is_read_whole_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    with opened(tmp_path / "x") as (stream, size):
        assert (stream.read(), size) == (b"12345", 5)
    assert whole(tmp_path / "x") == b"12345"


def test_a_member_is_read_with_its_unpacked_size(tmp_path: Path) -> None:
    path = archive(tmp_path / "z", a=b"1" * 5000, b=b"22")
    with opened(path, "a") as (stream, size):
        assert (stream.read(), size) == (b"1" * 5000, 5000)
    assert whole(path, "b") == b"22"


def test_an_archive_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = archive(tmp_path / "z", a=b"one")
    assert whole(path, "a") == b"one"
    archive(path, a=b"two and more")
    os.utime(path, ns=(1, 1))
    assert whole(path, "a") == b"two and more"
    archive(path, a=b"ten and more")
    os.utime(path, ns=(2, 2))
    assert whole(path, "a") == b"ten and more"


def test_what_is_not_there_is_a_broken_file(tmp_path: Path) -> None:
    path = archive(tmp_path / "z", a=b"one")
    with pytest.raises(BrokenFileError, match="cannot be read"):
        whole(tmp_path / "none")
    with pytest.raises(BrokenFileError, match="cannot be read"):
        whole(tmp_path)
    with pytest.raises(BrokenFileError, match="cannot be read"):
        whole(tmp_path / "none", "a")
    with pytest.raises(BrokenFileError, match="damaged"):
        whole(path, "other")
    (tmp_path / "y").write_bytes(b"no archive")
    with pytest.raises(BrokenFileError, match="damaged"):
        whole(tmp_path / "y", "a")


def test_a_damaged_member_is_a_broken_file(tmp_path: Path) -> None:
    path = archive(tmp_path / "z", a=bytes(range(256)) * 40)
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(BrokenFileError, match="damaged"):
        whole(path, "a")


def test_an_encrypted_member_is_a_broken_file(tmp_path: Path) -> None:
    path = archive(tmp_path / "z", a=b"1234")
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BrokenFileError, match="encrypted"):
        whole(path, "a")


@pytest.mark.parametrize(("size", "good"), [(1 << 29, True), ((1 << 29) + 1, False)])
def test_half_a_gigabyte_is_the_most_of_one_file(tmp_path: Path, size: int, good: bool) -> None:
    with (tmp_path / "x").open("wb") as stream:
        stream.truncate(size)
    if good:
        assert len(whole(tmp_path / "x")) == size
    else:
        with pytest.raises(BrokenFileError, match="too large"):
            whole(tmp_path / "x")


def packed(content: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(content) + engine.flush()


@pytest.mark.parametrize(
    ("limit", "kept", "complete"), [(11, 10, True), (10, 10, False), (9, 9, False), (100, 10, True)]
)
def test_inflating_stops_at_its_limit_and_says_so(limit: int, kept: int, complete: bool) -> None:
    content = b"0123456789"
    found = inflated(b"meta" + packed(content), 4, limit)
    assert found == (b"meta" + content[:kept], complete)


def test_a_damaged_deflated_data_set_is_a_broken_file() -> None:
    with pytest.raises(BrokenFileError, match="damaged"):
        inflated(b"meta\xff\xff\xff\xff", 4)


def zeros(count: int) -> bytes:
    """Give a packed stream of so many zeros without holding them."""
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    parts = [engine.compress(bytes(1 << 20)) for _ in range(count >> 20)]
    return b"".join((*parts, engine.compress(bytes(count % (1 << 20))), engine.flush()))


@pytest.mark.parametrize(
    ("count", "complete"), [((1 << 28) - 1, True), (1 << 28, False), ((1 << 28) + 5, False)]
)
def test_a_deflated_data_set_is_at_most_a_quarter_gigabyte(count: int, complete: bool) -> None:
    found, all_of_it = inflated(zeros(count), 0)
    assert len(found) == min(count, 1 << 28)
    assert all_of_it is complete
