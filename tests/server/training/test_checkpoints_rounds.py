"""The newest checkpoint is that of the highest round, and what it keeps is the whole state."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import RunError
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.network.weights import Layout
from hepafed.server.training import checkpoints
from hepafed.server.training.checkpoints import SiteTuning, TrainingState

LAYOUT = Layout(("b", "a"), ((1024, 1100), (3,)))
"""1,126,403 numbers: two pieces of 1,048,576, the last one short."""
SMALL = Layout(("w",), ((2,),))


def numbers(layout: Layout, start: int) -> np.ndarray:
    return np.arange(start, start + layout.size, dtype=np.float32)


def kept(folder: Path, *rounds: int) -> None:
    """Write the checkpoints of these rounds, in this order, from a folder of their own each."""
    for number in rounds:
        apart = folder / f"apart-{number}"
        save = TrainingState(SMALL, folder / "none", round=number)
        checkpoints.save(apart, save, numbers(SMALL, number))
        (found,) = apart.iterdir()
        found.rename(folder / found.name)


@pytest.mark.parametrize(
    ("rounds", "newest"),
    [
        ((1, 2), 2),
        ((2, 1), 2),
        ((9, 10), 10),
        ((10, 9), 10),
        ((9, 11, 10), 11),
        ((100, 99), 100),
        ((99, 100), 100),
        ((1000, 999), 1000),
        ((9999, 10000), 10000),
        ((10000, 9999), 10000),
    ],
)
def test_the_newest_is_the_highest_round_however_the_files_came(
    tmp_path: Path, rounds: tuple[int, ...], newest: int
) -> None:
    kept(tmp_path, *rounds)
    found = checkpoints.load(tmp_path)
    assert found is not None
    assert found.round == newest
    assert np.concatenate(list(checkpoints.parts(found))).tolist() == [newest, newest + 1]


def test_among_many_checkpoints_the_newest_is_found(tmp_path: Path) -> None:
    """A folder gives its files in no order: the highest of 60 is the first or last by chance."""
    rounds = [n * 37 % 61 for n in range(1, 61)]
    kept(tmp_path, *rounds)
    found = checkpoints.load(tmp_path)
    assert found is not None
    assert found.round == 60


def test_every_field_of_the_state_survives(tmp_path: Path) -> None:
    state = TrainingState(
        layout=LAYOUT,
        weights=tmp_path / "none",
        round=12,
        scores={3: 0.5, 11: 0.875},
        best=11,
        judged={
            3: {"a": SiteTuning({"a": 7}, 0.5, 0.125)},
            11: {"b c": SiteTuning({"b": 9, "c": 4}, 0.875, 0.25)},
        },
        figures={n: {"a": {"lesions": n, "macro_auc": 0.875, "tasks": []}} for n in (4, 11, 12)},
        examples={"b": 3, "a": 1000},
        said={"round": 12, "loss": 0.25, "seconds": 1.5, "auc": None, "best": 11},
    )
    checkpoints.save(tmp_path / "run", state, numbers(LAYOUT, 5))
    assert state.weights == tmp_path / "run/round-00012.safetensors"
    assert list(state.figures) == [11, 12], "those whose weights are kept"
    for n in (4, 11):  # their weights
        save_safetensors(checkpoints.file_of_round(tmp_path / "run", n), LAYOUT, numbers(LAYOUT, n))
    assert checkpoints.load(tmp_path / "run") == state


def test_weights_of_several_pieces_are_read_whole_and_in_order(tmp_path: Path) -> None:
    state = TrainingState(LAYOUT, tmp_path / "none", round=1)
    checkpoints.save(tmp_path, state, numbers(LAYOUT, 5))
    assert [p.size for p in checkpoints.parts(state)] == [1 << 20, LAYOUT.size - (1 << 20)]
    whole = checkpoints.weights_of_round(tmp_path, state, 1)
    assert whole.tobytes() == numbers(LAYOUT, 5).tobytes()


def test_older_rounds_go_and_other_files_stay(tmp_path: Path) -> None:
    save_safetensors(tmp_path / "initial.safetensors", SMALL, numbers(SMALL, 0))
    kept(tmp_path, 4, 1, 7, 8, 9)
    state = TrainingState(SMALL, tmp_path / "none", round=10, best=4)
    checkpoints.save(tmp_path, state, numbers(SMALL, 10))
    left = sorted(p.name for p in tmp_path.glob("*.safetensors"))
    assert left == ["initial.safetensors", *(f"round-{n:05d}.safetensors" for n in (4, 9, 10))]


def test_a_safetensors_file_of_another_program_is_no_checkpoint(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": numbers(SMALL, 0)}, str(tmp_path / "round-00001.safetensors"))
    assert checkpoints.load(tmp_path) is None


def test_a_file_of_weights_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"gone.safetensors is missing or damaged"):
        checkpoints.from_initial(tmp_path / "gone.safetensors")


def test_a_checkpoint_of_0_1_0_is_read_and_its_errors_are_above_0(tmp_path: Path) -> None:
    """There a row was a site's lesions, AUC and DeLong error, which could be 0 or missing."""
    rows = {"a": [40, 0.875, 0.25], "b": [40, 1.0, 0.0], "c": [1, 0.5, None]}
    about = {"round": 1, "scores": {"1": 0.9}, "best": 1, "examples": {}, "judged": {"1": rows}}
    path = checkpoints.file_of_round(tmp_path, 1)
    save_safetensors(path, SMALL, numbers(SMALL, 0), {"hepafed": json.dumps(about)})
    found = checkpoints.load(tmp_path)
    assert found is not None
    assert {k: v[:2] for k, v in found.judged[1].items()} == {
        "a": ({"a": 40}, 0.875),
        "b": ({"b": 40}, 1.0),
        "c": ({"c": 1}, 0.5),
    }
    q = 400.5 / 401
    more = 19 * ((1 - q) / (2 - q) + q / (1 + q))
    assert found.judged[1]["a"].se == 0.25
    assert found.judged[1]["b"].se == pytest.approx(math.sqrt(q * (1 - q) / 400 * (1 + more)))
    assert found.judged[1]["c"].se == 0.5
