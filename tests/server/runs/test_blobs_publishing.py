"""What is published is whole, under the SHA-256 of its content, until it is dropped."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hepafed.common.errors import RefusedError
from hepafed.server.runs.blobs import Blobs


def test_the_name_is_the_sha256_of_all_parts_in_their_order(tmp_path: Path) -> None:
    parts = [b"b" * 70_001, b"", memoryview(b"a" * 3)]
    digest = Blobs(tmp_path).publish(parts)
    assert digest == hashlib.sha256(b"b" * 70_001 + b"aaa").hexdigest()
    assert (tmp_path / "blobs" / digest).read_bytes() == b"b" * 70_001 + b"aaa"
    assert [p.name for p in (tmp_path / "blobs").iterdir()] == [digest]


def test_the_same_content_is_published_twice_as_one(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert blobs.publish([b"ab"]) == blobs.publish([b"a", b"b"])
    assert len(list((tmp_path / "blobs").iterdir())) == 1


def test_what_is_being_published_lies_hidden_beside_the_others(tmp_path: Path) -> None:
    seen: list[str] = []

    def parts() -> Iterator[bytes]:
        yield b"half"
        seen.extend(p.name for p in (tmp_path / "blobs").iterdir())

    Blobs(tmp_path).publish(parts())
    (name,) = seen
    assert name.startswith(".")


def test_what_broke_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        Blobs(tmp_path).publish(parts())
    assert list((tmp_path / "blobs").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["f" * 63, "f" * 65, "g" + "f" * 63, "F" * 64, "X" * 64, "/" + "f" * 63, "." * 64],
    ids=["short", "long", "no hex", "capitals", "crosses", "folder", "points"],
)  # fmt: skip
def test_what_is_no_digest_is_refused_even_if_such_a_file_is_there(
    tmp_path: Path, name: str
) -> None:
    blobs = Blobs(tmp_path)
    blobs.publish([b"x"])
    if "/" not in name:
        (tmp_path / "blobs" / name).write_bytes(b"secret")
    with pytest.raises(RefusedError, match="not a digest"):
        blobs.path(name)


def test_each_hexadecimal_digit_may_stand_in_a_digest(tmp_path: Path) -> None:
    name = "0123456789abcdef" * 4
    Blobs(tmp_path).publish([b"x"])
    (tmp_path / "blobs" / name).write_bytes(b"y")
    assert Blobs(tmp_path).path(name).read_bytes() == b"y"


def test_one_blob_is_dropped_alone_and_may_be_dropped_again(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    first, second = blobs.publish([b"1"]), blobs.publish([b"2"])
    blobs.drop(first)
    blobs.drop(first)
    with pytest.raises(RefusedError, match="no such weights"):
        blobs.path(first)
    assert blobs.path(second).read_bytes() == b"2"
