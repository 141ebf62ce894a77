"""The estimate of counts with noise against ordinary least squares; impossible sums are refused."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.disclosure.noise.coarse import CELLS, HALF, LENGTH
from hepafed.common.errors import PayloadError
from hepafed.server.pooling.noisy.counts import NoisySum, check_noisy, estimated

RNG = np.random.default_rng(5)
VECTOR = RNG.integers(-3, 60, LENGTH)


def design() -> np.ndarray:
    """Return which cells each count of a vector is over: calls of one side, or one cell."""
    rows = np.zeros((LENGTH, 2 * CELLS))
    for truth in range(2):
        for call in range(2):
            start = truth * CELLS + call * HALF
            rows[2 * truth + call, start : start + HALF] = 1
    rows[4:] = np.eye(2 * CELLS)
    return rows


def sum_of(vector: np.ndarray, variance: float = 4.0) -> NoisySum:
    return NoisySum(sites=("a", "b"), vector=vector, variance=variance, needs={})


def test_the_estimate_and_its_covariance_are_those_of_least_squares() -> None:
    x, found = design(), estimated(sum_of(VECTOR))
    solved, *_ = np.linalg.lstsq(x, VECTOR.astype(float), rcond=None)
    assert found.cells.ravel() == pytest.approx(solved)
    covariance = 4.0 * np.linalg.inv(x.T @ x)
    assert found.covariance == pytest.approx(covariance[:CELLS, :CELLS])
    assert found.covariance == pytest.approx(covariance[CELLS:, CELLS:])
    assert np.abs(covariance[:CELLS, CELLS:]).max() < 1e-12
    one_side = np.zeros(2 * CELLS)
    one_side[:HALF] = 1
    assert found.half == pytest.approx(one_side @ covariance @ one_side)


def test_calls_and_totals_are_sums_of_the_cells_and_may_be_negative() -> None:
    vector = VECTOR.copy()
    vector[4 : 4 + HALF], vector[0] = -5, -40
    found = estimated(sum_of(vector))
    assert found.called[0, 0] == pytest.approx(-40)
    assert found.called.sum(1) == pytest.approx(found.totals)
    assert found.called[1, 1] == pytest.approx(found.cells[1, HALF:].sum())


def consistent() -> np.ndarray:
    cells = np.arange(2 * CELLS).reshape(2, CELLS)
    called = [[cells[t, :HALF].sum(), cells[t, HALF:].sum()] for t in range(2)]
    return np.concatenate([np.ravel(called), cells.ravel()])


def test_calls_and_cells_may_be_apart_by_noise_and_no_more() -> None:
    vector = consistent()  # of variance 4 the difference has one of 4 · 9: eight times 6 is 48
    check_noisy(sum_of(vector))
    for place in range(4):
        for sign in (1, -1):
            vector = consistent() + 100
            vector[:4] = consistent()[:4] + 800
            vector[place] += 48 * sign
            check_noisy(sum_of(vector))
            vector[place] += sign
            with pytest.raises(PayloadError, match="sums with noise of a, b are impossible"):
                check_noisy(sum_of(vector))


def test_a_count_may_be_below_zero_by_noise_and_no_more() -> None:
    vector = consistent()
    vector[4] = -16  # eight times 2
    check_noisy(sum_of(vector))
    vector[4] = -17
    with pytest.raises(PayloadError, match="impossible"):
        check_noisy(sum_of(vector))


def test_a_count_beyond_all_bounds_is_refused() -> None:
    vector = consistent()
    vector[3] += 10**9
    vector[4 + CELLS + HALF] += 10**9 - vector[4 + CELLS + HALF]
    vector[3] = vector[4 + CELLS + HALF : 4 + 2 * CELLS].sum()
    with pytest.raises(PayloadError, match="impossible"):
        check_noisy(sum_of(vector))
    extreme = replace(sum_of(np.full(LENGTH, np.iinfo(np.int64).min)), variance=4.0)
    with pytest.raises(PayloadError, match="impossible"):
        check_noisy(extreme)
