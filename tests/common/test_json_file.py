"""State in one file: read as it was written, and damaged never taken for empty."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hepafed.common.contract import Plan
from hepafed.common.errors import ConfigError
from hepafed.common.json_file import JsonFile


@dataclass(frozen=True, kw_only=True)
class _State:
    count: int
    names: tuple[str, ...] = ()
    plan: Plan | None = None
    by_name: dict[str, float] = field(default_factory=dict)


def file_in(folder: Path) -> JsonFile[_State]:
    return JsonFile(path=folder / "state.json", record=_State, hint="put back a copy")


def test_what_was_written_is_read_and_private(tmp_path: Path) -> None:
    state = _State(count=2, names=("a", "b"), plan=Plan(name="p", protocol="t2"), by_name={"x": 1})
    file_in(tmp_path).write(state)
    assert file_in(tmp_path).read() == state
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_a_missing_file_is_what_the_caller_says_or_an_error(tmp_path: Path) -> None:
    assert file_in(tmp_path).read(missing=_State(count=0)) == _State(count=0)
    with pytest.raises(ConfigError, match=r"state\.json is missing"):
        file_in(tmp_path).read()


DAMAGES = {
    "empty": b"",
    "half": b'{"count": 1, "na',
    "not JSON": b"\x00\xff\x00",
    "not an object": b"[1]",
    "nothing": b"null",
    "deep": b"[" * 100_000,
    "wrong type": b'{"count": "1"}',
    "unknown key": b'{"count": 1, "other": 2}',
    "missing key": b"{}",
    "impossible value": b'{"count": 1, "plan": {"name": "p", "protocol": "t9"}}',
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_an_error_with_its_name_and_what_to_do(
    tmp_path: Path, damage: bytes
) -> None:
    (tmp_path / "state.json").write_bytes(damage)
    with pytest.raises(ConfigError, match=r"state\.json is damaged") as caught:
        file_in(tmp_path).read(missing=_State(count=0))
    assert caught.value.hint == "put back a copy"


def test_one_changed_character_of_a_value_is_found(tmp_path: Path) -> None:
    file_in(tmp_path).write(_State(count=2, names=("abc",)))
    path = tmp_path / "state.json"
    whole = path.read_text()
    for before, after in (("abc", "abd"), ('"count": 2', '"count": 3'), ("checksum", "checksun")):
        path.write_text(whole.replace(before, after))
        assert path.read_text() != whole
        with pytest.raises(ConfigError, match=r"state\.json is damaged"):
            file_in(tmp_path).read(missing=_State(count=0))


def test_a_file_of_a_release_without_checksums_is_read(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"count": 3}')
    assert file_in(tmp_path).read() == _State(count=3)


def test_a_file_that_cannot_be_read_is_named_as_it_is_known_in_the_home(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    file = replace(file_in(tmp_path), name="runs/a/state.json")
    with pytest.raises(ConfigError, match=r"^runs/a/state\.json cannot be read: "):
        file.read(missing=_State(count=0))
