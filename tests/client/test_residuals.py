"""What an update's encoding rounds off is kept over rounds and restarts, and its loss is said."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.client.residuals import HINT, Residuals
from hepafed.common.errors import DataError
from hepafed.common.network import Layout, UpdateForm, read_parts_of

LAYOUT = Layout(("a", "b.running_var"), ((200,), (3,)))


def update(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(size=LAYOUT.size).astype(np.float32)


def sent(home: Path, number: int, word: str = "int4", run: str = "r") -> bytes:
    return bytes(Residuals(home).encoded(update(number), LAYOUT, word, run, number))


def decoded(folder: Path, content: bytes) -> np.ndarray:
    path = folder / "update"
    path.write_bytes(content)
    return np.concatenate([*read_parts_of(path, LAYOUT.size)])


@pytest.mark.parametrize("word", ["int8", "int4"])
def test_over_rounds_and_restarts_no_part_of_an_update_is_lost(tmp_path: Path, word: str) -> None:
    """Each round is a process of its own here."""
    made = sum(decoded(tmp_path, sent(tmp_path, n, word)).astype(float) for n in range(1, 13))
    true = sum(update(n).astype(float) for n in range(1, 13))
    largest = {"int8": 0.02, "int4": 0.4}[word]
    assert abs(made - true).max() < largest


def test_a_round_asked_again_is_the_same_and_so_are_those_after_it(tmp_path: Path) -> None:
    (tmp_path / "once").mkdir()
    (tmp_path / "again").mkdir()
    wanted = [sent(tmp_path / "once", n) for n in (1, 2, 3)]
    got = [sent(tmp_path / "again", n) for n in (1, 2, 2, 3, 3)]
    assert [got[0], got[2], got[4]] == wanted
    assert got[1] == got[2]


def test_the_rest_of_another_run_or_encoding_or_of_before_a_gap_is_not_added(
    tmp_path: Path,
) -> None:
    (tmp_path / "new").mkdir()
    for run, word, first, number in (
        ("q", "int4", 1, 2), ("r", "int8", 1, 2), ("r", "int4", 1, 3),
    ):  # fmt: skip
        sent(tmp_path, first)
        assert sent(tmp_path, number, word, run) == sent(tmp_path / "new", number, word, "fresh")


def test_a_round_with_a_rest_is_another_than_one_without(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    sent(tmp_path, 1)
    assert sent(tmp_path, 2) != sent(tmp_path / "new", 2)


def test_bf16_keeps_nothing(tmp_path: Path) -> None:
    assert len(sent(tmp_path, 1, "bf16")) == UpdateForm.of(LAYOUT, "bf16").length
    assert not (tmp_path / "residuals").exists()


def test_a_damaged_rest_is_named_and_its_round_is_refused(tmp_path: Path) -> None:
    sent(tmp_path, 1)
    (path,) = (tmp_path / "residuals").glob("*.safetensors")
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(raw)
    assert [*Residuals(tmp_path).faults()] == [f"residuals/{path.name} is damaged"]
    with pytest.raises(DataError, match=f"residuals/{path.name} is damaged") as e:
        sent(tmp_path, 2)
    assert e.value.hint == HINT
    assert "remove the folder residuals" in HINT
