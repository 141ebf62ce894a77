"""The moments of the newest two rounds of a run are kept, and damaged ones are named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.moments import HINT, Moments
from hepafed.common.errors import ConfigError, DataError
from hepafed.common.json_file import JsonFile


def of(number: int) -> dict[str, np.ndarray]:
    return {"0.step": np.array(number, np.float32), "0.a": np.full((2, 3), number + 0.1, "<f4")}


@pytest.fixture
def kept(tmp_path: Path) -> Moments:
    made = Moments(tmp_path)
    for round in (4, 5, 6):
        made.keep("r", round, "adamw", of(round))
    return made


def files(home: Path) -> list[Path]:
    return sorted((home / "moments").glob("*.safetensors"))


def test_what_is_read_is_what_was_kept_with_its_shapes(kept: Moments) -> None:
    found = kept.read("r", 6, "adamw")
    assert found is not None
    assert [*found] == ["0.step", "0.a"]
    for name, value in of(6).items():
        assert found[name].shape == value.shape
        assert found[name].tobytes() == value.tobytes()


def test_the_newest_two_rounds_stay(kept: Moments, tmp_path: Path) -> None:
    assert [r for r in range(9) if kept.read("r", r, "adamw")] == [5, 6]
    assert len(files(tmp_path)) == 2


def test_a_round_made_again_replaces_its_own_and_later_ones(kept: Moments, tmp_path: Path) -> None:
    kept.keep("r", 5, "adamw", of(50))
    found = kept.read("r", 5, "adamw")
    assert found is not None
    assert found["0.step"] == 50
    assert kept.read("r", 6, "adamw") is None
    assert len(files(tmp_path)) == 1


def test_a_gap_leaves_nothing_of_before(kept: Moments, tmp_path: Path) -> None:
    kept.keep("r", 8, "adamw", of(8))
    assert kept.read("r", 6, "adamw") is None
    assert len(files(tmp_path)) == 1


def test_another_run_replaces_all(kept: Moments, tmp_path: Path) -> None:
    kept.keep("s", 7, "adamw", of(7))
    assert (kept.read("r", 6, "adamw"), kept.read("r", 7, "adamw")) == (None, None)
    assert kept.read("s", 7, "adamw")
    assert len(files(tmp_path)) == 1


def test_only_the_owner_can_look_into_the_folder(kept: Moments, tmp_path: Path) -> None:
    assert (tmp_path / "moments").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["emptied", "halved", "one bit", "missing"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_file_is_named_and_its_round_alone_is_refused(
    kept: Moments, tmp_path: Path, damage: str, which: int
) -> None:
    path = files(tmp_path)[which]
    raw = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    else:
        if damage == "one bit":
            raw[-2] ^= 4
        path.write_bytes({"emptied": b"", "halved": raw[: len(raw) // 2]}.get(damage, raw))
    words = "is missing" if damage == "missing" else "is damaged"
    assert [*kept.faults()] == [f"moments/{path.name} {words}"]
    with pytest.raises(DataError, match=f"{path.name} {words}") as e:
        kept.read("r", 5 + which, "adamw")
    assert e.value.hint == HINT
    assert kept.read("r", 6 - which, "adamw")


@pytest.mark.parametrize("damage", ["emptied", "halved", "longer", "its header", "its numbers"])
def test_a_short_look_reads_headers_and_lengths_alone(
    kept: Moments, tmp_path: Path, damage: str
) -> None:
    path = files(tmp_path)[0]
    raw = bytearray(path.read_bytes())
    raw[{"its header": 20}.get(damage, -2)] ^= 4
    changed = {"emptied": b"", "halved": raw[: len(raw) // 2], "longer": raw + b"\0"}
    path.write_bytes(changed.get(damage, raw))
    assert len([*kept.faults()]) == 1
    assert len([*kept.faults(whole=False)]) == (damage != "its numbers")
    path.unlink()
    assert [*kept.faults(whole=False)] == [f"moments/{path.name} is missing"]


def test_files_without_their_list_are_named_and_refused(kept: Moments, tmp_path: Path) -> None:
    (tmp_path / "moments/known.json").unlink()
    assert [*kept.faults()] == [*kept.faults(whole=False)] == ["moments/known.json is missing"]
    with pytest.raises(ConfigError, match=r"moments/known\.json is missing") as e:
        kept.read("r", 6, "adamw")
    assert e.value.hint == HINT
    kept.keep("r", 7, "adamw", of(7))  # a worker that goes on from its memory
    assert kept.read("r", 7, "adamw")
    assert kept.read("r", 6, "adamw") is None


def test_whoever_is_killed_between_its_first_file_and_the_list_has_no_moments(
    tmp_path: Path,
) -> None:
    made = Moments(tmp_path)
    made.keep("r", 1, "adamw", of(1))
    listed = made_empty(tmp_path / "other")
    (tmp_path / "moments/known.json").write_bytes(listed)
    assert made.read("r", 0, "adamw") is None
    assert made.read("r", 1, "adamw") is None
    assert not [*made.faults()]


def made_empty(home: Path) -> bytes:
    """Give the list as it is while the first file is written."""
    found: list[bytes] = []

    class Seen(np.ndarray):
        def ravel(self, *_: object, **__: object) -> np.ndarray:  # type: ignore[override]
            found.append((home / "moments/known.json").read_bytes())
            return np.asarray(self).ravel()

    home.mkdir()
    Moments(home).keep("r", 1, "adamw", {"0.a": of(1)["0.a"].view(Seen)})
    return found[0]


def test_a_file_that_no_list_names_yet_is_no_moment(kept: Moments, tmp_path: Path) -> None:
    """Its writer was killed between the file and the list."""
    known = (tmp_path / "moments/known.json").read_bytes()
    kept.keep("r", 7, "adamw", of(7))
    (tmp_path / "moments/known.json").write_bytes(known)
    assert kept.read("r", 7, "adamw") is None
    assert kept.read("r", 6, "adamw")


def test_a_damaged_list_is_named_and_refused(kept: Moments, tmp_path: Path) -> None:
    (tmp_path / "moments/known.json").write_text("{")
    (fault,) = kept.faults()
    assert "moments/known.json" in fault
    with pytest.raises(ConfigError, match=r"moments/known\.json"):
        kept.read("r", 6, "adamw")


def test_a_home_without_moments_has_no_fault(tmp_path: Path) -> None:
    made = Moments(tmp_path)
    assert not [*made.faults()]
    assert made.read("", 1, "") is None


def test_a_list_that_is_missing_beside_what_it_lists_is_named(
    kept: Moments, tmp_path: Path
) -> None:
    (tmp_path / "moments/known.json").unlink()
    assert [*kept.faults()] == ["moments/known.json is missing"]
    with pytest.raises(ConfigError, match=r"moments/known\.json is missing"):
        kept.read("r", 6, "adamw")


def test_a_crash_while_the_first_file_is_written_leaves_nothing_to_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Moments(tmp_path)
    (tmp_path / "moments").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(JsonFile, "write", _once(JsonFile.write))
        with pytest.raises(InterruptedError):
            made.keep("r", 1, "adamw", of(1))
    assert len(files(tmp_path)) == 1
    assert not [*made.faults()]
    assert made.read("r", 1, "adamw") is None
    made.keep("r", 1, "adamw", of(1))
    assert made.read("r", 1, "adamw")


def _once(write: Callable[..., None]) -> Callable[..., None]:
    """Let the first call pass, as if the process ended before the second."""
    calls: list[int] = []

    def wrapped(*given: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise InterruptedError
        write(*given)

    return wrapped
