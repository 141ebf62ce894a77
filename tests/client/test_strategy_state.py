"""The state of the newest round and of the one that it went on from is kept, held to digests."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.client.strategy_state import HINT, StrategyState
from hepafed.common.errors import ConfigError, DataError


@pytest.fixture
def kept(tmp_path: Path) -> StrategyState:
    return StrategyState(tmp_path)


def keep(kept: StrategyState, round_: int, after: int, run: str = "r", word: str = "fedbn") -> None:
    kept.keep(run, round_, word, {"bn.weight": np.full((2, 3), round_, np.float32)}, after)


def there(kept: StrategyState, run: str = "r", word: str = "fedbn") -> list[int]:
    return [n for n in range(20) if kept.read(run, n, word) is not None]


def test_the_newest_round_and_the_one_before_it_stay(kept: StrategyState) -> None:
    for round_, after, expected in ((1, 0, [1]), (2, 1, [1, 2]), (5, 2, [2, 5]), (9, 5, [5, 9])):
        keep(kept, round_, after)
        assert there(kept) == expected


def test_a_round_asked_for_again_goes_on_from_where_it_did(kept: StrategyState) -> None:
    keep(kept, 1, 0)
    keep(kept, 4, 1)
    assert [kept.newest("r", n, "fedbn") for n in (1, 2, 4, 5, 9)] == [0, 1, 1, 4, 4]
    keep(kept, 4, kept.newest("r", 4, "fedbn"))
    assert there(kept) == [1, 4]


def test_state_of_another_run_or_strategy_is_not_taken(kept: StrategyState) -> None:
    keep(kept, 1, 0)
    assert (there(kept, "other"), there(kept, "r", "silobn")) == ([], [])
    assert kept.newest("other", 5, "fedbn") == kept.newest("r", 5, "silobn") == 0
    keep(kept, 2, 1, "other")
    assert (there(kept), there(kept, "other")) == ([], [2])


def test_what_is_read_is_what_was_kept(kept: StrategyState) -> None:
    keep(kept, 7, 0)
    found = kept.read("r", 7, "fedbn")
    assert found is not None
    np.testing.assert_array_equal(found["bn.weight"], np.full((2, 3), 7, np.float32))


@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_damage_is_named_and_refused(kept: StrategyState, tmp_path: Path, damage: str) -> None:
    keep(kept, 3, 0)
    (path,) = (tmp_path / "strategy").glob("*.safetensors")
    content = path.read_bytes()
    path.unlink()
    if damage == "flipped":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    words = "is damaged" if damage == "flipped" else "is missing"
    assert list(kept.faults()) == [f"strategy/{path.name} {words}"]
    with pytest.raises(DataError, match=words) as caught:
        kept.read("r", 3, "fedbn")
    assert caught.value.hint == HINT


def test_only_the_owner_can_look_into_the_folder(kept: StrategyState, tmp_path: Path) -> None:
    keep(kept, 1, 0)
    assert (tmp_path / "strategy").stat().st_mode & 0o777 == 0o700
    assert list(kept.faults()) == []


def test_a_lost_list_is_not_taken_for_an_empty_one(kept: StrategyState, tmp_path: Path) -> None:
    keep(kept, 3, 0)
    (tmp_path / "strategy/known.json").unlink()
    assert list(kept.faults()) == ["strategy/known.json is missing"]
    with pytest.raises(ConfigError, match=r"strategy/known\.json is missing"):
        kept.newest("r", 4, "fedbn")
    for path in (tmp_path / "strategy").iterdir():
        path.unlink()
    assert kept.newest("r", 4, "fedbn") == 0, "the folder was emptied, as the hint says"
