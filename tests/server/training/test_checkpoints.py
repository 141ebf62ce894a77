"""A checkpoint gives back the state it was made from, and keeps no more files than needed."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import PayloadError, RunError
from hepafed.common.network.weights import Layout, save_safetensors
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


def test_a_damaged_checkpoint_is_an_error(tmp_path: Path, state: TrainingState) -> None:
    state.round = 1
    checkpoints.save(tmp_path, state, _numbers(1))
    path = state.weights
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises((RunError, PayloadError)):
        _whole(state)
    path.write_bytes(whole[:20])
    with pytest.raises(RunError):
        checkpoints.load(tmp_path)
