"""Streaming FedAvg is the mean of the updates weighted by examples."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.network.weights import to_bf16
from hepafed.server.training.weighted_mean import WeightedMean


def write(folder: Path, name: str, update: np.ndarray) -> Path:
    path = folder / name
    path.write_bytes(to_bf16(update.astype(np.float32)))
    return path


def test_the_mean_is_weighted_by_examples(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    updates = [(rng.integers(-8, 8, 50) / 4, int(n)) for n in (1, 10, 5)]
    mean = WeightedMean(50)
    for i, (update, examples) in enumerate(updates):
        mean.fold(write(tmp_path, str(i), update), examples)
    weights = mean.onto([np.ones(20, np.float32), np.ones(30, np.float32)])
    expected = 1 + np.average([u for u, _ in updates], axis=0, weights=[n for _, n in updates])
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_nothing_folded_changes_nothing() -> None:
    with pytest.raises(ValueError, match="no update"):
        WeightedMean(3).onto([np.ones(3, np.float32)])


def test_weights_of_another_size_are_not_added_to(tmp_path: Path) -> None:
    mean = WeightedMean(3)
    mean.fold(write(tmp_path, "u", np.zeros(3)), 1)
    with pytest.raises(ValueError, match="not 3"):
        mean.onto([np.ones(2, np.float32)])


def test_after_the_mean_was_given_nothing_is_folded(tmp_path: Path) -> None:
    mean = WeightedMean(1)
    path = write(tmp_path, "u", np.array([3.0]))
    mean.fold(path, 2)
    assert mean.onto([np.array([1.0], np.float32)]).tolist() == [4.0]
    with pytest.raises(PayloadError, match="must have 0 bytes"):
        mean.fold(path, 2)


def test_weights_of_too_many_numbers_are_not_added_to(tmp_path: Path) -> None:
    mean = WeightedMean(3)
    mean.fold(write(tmp_path, "u", np.zeros(3)), 1)
    with pytest.raises(ValueError, match="4 weights, not 3"):
        mean.onto(iter([np.ones(3, np.float32), np.ones(0, np.float32), np.ones(1, np.float32)]))
