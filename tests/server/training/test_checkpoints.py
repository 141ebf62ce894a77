"""A checkpoint gives back the state it was made from, and keeps no more files than needed."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import PayloadError, RunError
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.network.weights import Layout
from hepafed.server.training import checkpoints
from hepafed.server.training.checkpoints import TrainingState

LAYOUT = Layout(("b", "a"), ((2, 3), (4,)))


def _numbers(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(LAYOUT.size, np.float32)


@pytest.fixture
def state(tmp_path: Path) -> TrainingState:
    path = tmp_path / "initial.safetensors"
    save_safetensors(path, LAYOUT, _numbers(0))
    return checkpoints.from_initial(path)


def _whole(state: TrainingState) -> np.ndarray:
    return np.concatenate(list(checkpoints.parts(state)))


def test_a_run_starts_from_its_initial_weights(state: TrainingState) -> None:
    assert state.layout == LAYOUT
    assert _whole(state).tobytes() == _numbers(0).tobytes()


def test_what_was_saved_is_loaded(tmp_path: Path, state: TrainingState) -> None:
    assert checkpoints.load(tmp_path) is None
    state.round, state.scores, state.best = 1, {0: 0.5}, 0
    state.examples = {"a": 3}
    checkpoints.save(tmp_path, state, _numbers(1))
    found = checkpoints.load(tmp_path)
    assert found == state
    assert _whole(found).tobytes() == _numbers(1).tobytes()


def test_the_best_round_and_the_last_two_are_kept(tmp_path: Path, state: TrainingState) -> None:
    for number in range(1, 6):
        state.round, state.best = number, min(number, 2)
        checkpoints.save(tmp_path, state, _numbers(number))
    kept = sorted(p.name for p in tmp_path.glob("round-*"))
    assert kept == [f"round-{n:05d}.safetensors" for n in (2, 4, 5)]
    best = checkpoints.weights_of_round(tmp_path, state, 2)
    assert best.tobytes() == _numbers(2).tobytes()


@pytest.mark.parametrize("place", [30, 400, -1, -40], ids=["header", "state", "end", "weights"])
def test_of_a_damaged_checkpoint_the_one_before_is_gone_on_from(
    tmp_path: Path, state: TrainingState, place: int
) -> None:
    for number in (1, 2):
        state.round = number
        checkpoints.save(tmp_path, state, _numbers(number))
    content = bytearray(state.weights.read_bytes())
    content[place] ^= 1
    state.weights.write_bytes(content)
    found = checkpoints.load(tmp_path)
    assert found is not None
    assert (found.round, found.lost) == (1, ("round-00002.safetensors",))
    assert _whole(found).tobytes() == _numbers(1).tobytes()


def test_figures_of_kept_weights_that_are_damaged_are_chosen_from_no_more(
    tmp_path: Path, state: TrainingState
) -> None:
    for number in (1, 2, 3):
        state.round, state.best = number, 1
        state.figures[number] = {"a": {"round": number}}
        checkpoints.save(tmp_path, state, _numbers(number))
    checkpoints.file_of_round(tmp_path, 1).write_bytes(b"")
    found = checkpoints.load(tmp_path)
    assert found is not None
    assert (found.round, {*found.figures}) == (3, {2, 3})
    assert found.lost == ("round-00001.safetensors",)


def test_a_damaged_checkpoint_is_an_error(tmp_path: Path, state: TrainingState) -> None:
    state.round = 1
    checkpoints.save(tmp_path, state, _numbers(1))
    path = state.weights
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises((RunError, PayloadError)):
        _whole(state)
    path.write_bytes(whole[:20])
    (tmp_path / "initial.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match=r"initial\.safetensors is missing or damaged"):
        checkpoints.resumed(tmp_path)


def test_without_a_whole_checkpoint_the_run_begins_again_at_its_initial_weights(
    tmp_path: Path, state: TrainingState
) -> None:
    state.round = 1
    checkpoints.save(tmp_path, state, _numbers(1))
    state.weights.write_bytes(b"")
    found = checkpoints.resumed(tmp_path)
    assert (found.round, found.lost) == (0, ("round-00001.safetensors",))
    assert _whole(found).tobytes() == _numbers(0).tobytes()
