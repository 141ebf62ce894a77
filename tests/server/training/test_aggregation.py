"""Streaming FedAvg is the weighted mean, and a bad update is refused before it is folded."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.network.weights import to_bf16
from hepafed.server.training.aggregation import WeightedMean, check_update


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


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_update_that_is_not_finite_is_refused(tmp_path: Path, bad: float) -> None:
    update = np.zeros(9)
    update[4] = bad
    with pytest.raises(PayloadError, match="NaN"):
        check_update(write(tmp_path, "u", update), 9, 1e4)


def test_an_update_above_the_norm_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "u", np.array([3.0, 4.0]))
    assert check_update(path, 2, 5.0) == pytest.approx(5.0)
    with pytest.raises(PayloadError, match="norm"):
        check_update(path, 2, 4.9)


def test_an_update_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PayloadError, match="bytes"):
        check_update(write(tmp_path, "u", np.zeros(3)), 2, 1.0)
