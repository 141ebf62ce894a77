"""What is said of an update is said of all of it, however many pieces it is read in."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.network.weights import to_bf16
from hepafed.server.training.updates import check_update, read_update
from hepafed.server.training.weighted_mean import WeightedMean
from numpy.typing import NDArray

SIZE = (1 << 19) + 12_345
"""Three pieces of 262,144 numbers, the last one short."""


def written(folder: Path, update: NDArray[np.float32]) -> Path:
    path = folder / "u"
    path.write_bytes(to_bf16(update))
    return path


@pytest.mark.parametrize("place", [0, 262_143, 262_144, 524_288, SIZE - 1])
def test_the_norm_counts_every_piece(tmp_path: Path, place: int) -> None:
    update = np.zeros(SIZE, np.float32)
    update[place] = 4.0
    update[SIZE // 2] = 3.0
    assert check_update(written(tmp_path, update), SIZE, 5.0) == pytest.approx(5.0)
    with pytest.raises(PayloadError, match="norm"):
        check_update(tmp_path / "u", SIZE, 4.99)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 300_000, SIZE - 1])
def test_one_number_that_is_not_finite_is_found_anywhere(
    tmp_path: Path, place: int, bad: float
) -> None:
    update = np.ones(SIZE, np.float32)
    update[place] = bad
    with pytest.raises(PayloadError, match="NaN or infinity"):
        check_update(written(tmp_path, update), SIZE, 1e9)


def test_finite_numbers_whose_squares_overflow_are_above_the_norm(tmp_path: Path) -> None:
    update = np.full(SIZE, 1e30, np.float32)
    with pytest.raises(PayloadError, match="norm"):
        check_update(written(tmp_path, update), SIZE, 1e9)


def test_the_pieces_are_the_update_in_its_order(tmp_path: Path) -> None:
    update = np.arange(SIZE, dtype=np.float32) % 251
    parts = list(read_update(written(tmp_path, update), SIZE))
    assert [part.size for part in parts] == [1 << 18, 1 << 18, 12_345]
    assert (np.concatenate(parts) == update).all()


def test_every_piece_is_folded_at_its_place(tmp_path: Path) -> None:
    update = np.arange(SIZE, dtype=np.float32) % 251
    mean = WeightedMean(SIZE)
    mean.fold(written(tmp_path, update), 3)
    mean.fold(written(tmp_path, -update), 1)
    made = mean.onto(iter(np.split(np.ones(SIZE, np.float32), [7, 100_000, 300_001])))
    assert made == pytest.approx(1 + update / 2)
    assert mean.examples == 4
