"""A file that was written is not taken for an empty one when it is gone, nor used when changed."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hepafed.common.errors import ConfigError
from hepafed.common.kept_files import (
    REGISTER,
    KeptJsonFile,
    fault_of,
    faults_in,
    is_noted,
    must_be_readable,
    note_gone,
    note_kept,
)


@dataclass(frozen=True, kw_only=True)
class Count:
    number: int


NONE = Count(number=0)


def held(folder: Path, name: str = "count.json") -> KeptJsonFile[Count]:
    return KeptJsonFile(path=folder / name, record=Count, hint="restore a copy")


def test_a_file_that_never_was_is_an_empty_state_and_one_that_is_gone_is_an_error(
    tmp_path: Path,
) -> None:
    file = held(tmp_path)
    assert file.read(missing=NONE) == NONE
    file.write(Count(number=3))
    file.write(Count(number=4))
    assert file.read(missing=NONE).number == 4
    file.path.unlink()
    with pytest.raises(ConfigError, match=r"count\.json is missing") as lost:
        file.read(missing=NONE)
    assert lost.value.hint == "restore a copy"
    file.write(Count(number=5))
    assert file.read(missing=NONE).number == 5


def test_a_file_of_a_home_without_a_register_is_read_and_noted_at_the_next_write(
    tmp_path: Path,
) -> None:
    file = held(tmp_path)
    file.write(Count(number=3))
    (tmp_path / REGISTER).unlink()
    assert file.read(missing=NONE).number == 3
    assert not is_noted(file.path)
    file.write(Count(number=4))
    assert is_noted(file.path)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda p: p.unlink(), "is missing"),
        (lambda p: p.write_bytes(b"kez"), "is damaged: it was changed after it was written"),
        (lambda p: (p.unlink(), p.mkdir()), "cannot be read"),
        (lambda p: None, ""),
    ],
)
def test_a_file_that_does_not_change_is_held_to_its_digest(
    tmp_path: Path,
    change: object,
    fault: str,
) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"key")
    assert fault_of(path) == ""
    note_kept(path)
    change(path)  # type: ignore[operator]
    assert fault_of(path) == fault
    assert list(faults_in(tmp_path)) == ([("key", fault)] if fault else [])
    note_gone(path)
    assert fault_of(path) == ""


def test_a_file_that_may_change_need_only_be_there(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"1")
    note_kept(path, changes=True)
    path.write_bytes(b"2")
    assert fault_of(path) == ""
    path.unlink()
    assert fault_of(path) == "is missing"


@pytest.mark.parametrize("content", [b"", b"{", b'{"files": {"key": "', b"\xff"])
def test_a_damaged_register_is_named_and_never_believed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"key")
    note_kept(path)
    (tmp_path / REGISTER).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{tmp_path.name}/{REGISTER} is damaged") as found:
        must_be_readable(tmp_path)
    assert "made anew" in found.value.hint
    assert fault_of(path) == ""
    note_kept(path)
    must_be_readable(tmp_path)
    assert is_noted(path)


def test_a_folder_in_place_of_the_register_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / REGISTER).mkdir()
    path = tmp_path / "key"
    path.write_bytes(b"key")
    note_kept(path)
    assert fault_of(path) == ""
    with pytest.raises(ConfigError, match="cannot be read"):
        must_be_readable(tmp_path)
