"""A round is durable before anybody is asked for the next; nothing stays of one that is not."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.network.weights import Layout, to_bf16
from hepafed.server.runs.blobs import Blobs
from hepafed.server.training import checkpoints
from hepafed.server.training.checkpoints import TrainingState
from hepafed.server.training.rounds import keep_round

WEIGHTS = np.random.default_rng(0).normal(size=2_500_000).astype(np.float32)


def state(folder: Path) -> TrainingState:
    return TrainingState(
        layout=Layout(("a",), ((WEIGHTS.size,),)), weights=folder / "before", round=3
    )


def test_what_is_published_is_the_checkpoint_in_bf16(tmp_path: Path) -> None:
    blobs, kept = Blobs(tmp_path), state(tmp_path)
    digest = keep_round(blobs, tmp_path / "run", kept, WEIGHTS)
    assert blobs.path(digest).read_bytes() == bytes(to_bf16(WEIGHTS))
    found = checkpoints.load(tmp_path / "run")
    assert found is not None
    assert found.round == 3
    assert np.concatenate(list(checkpoints.parts(found))).tobytes() == WEIGHTS.tobytes()


def test_without_a_checkpoint_no_weights_stay_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save", full)
    with pytest.raises(OSError, match="No space"):
        keep_round(Blobs(tmp_path), tmp_path / "run", state(tmp_path), WEIGHTS)
    assert list((tmp_path / "blobs").iterdir()) == []
