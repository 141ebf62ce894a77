"""A bad update is refused before it is folded."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.network.weights import to_bf16
from hepafed.server.training.updates import check_update


def write(folder: Path, name: str, update: np.ndarray) -> Path:
    path = folder / name
    path.write_bytes(to_bf16(update.astype(np.float32)))
    return path


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
