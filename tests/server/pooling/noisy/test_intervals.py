"""Figures of counts with noise: those without noise in the limit, and intervals that cover."""

import math

import numpy as np
import pytest
from hepafed.common.disclosure.noise.coarse import CELLS, HALF, LENGTH, edges_of
from hepafed.common.statistics.auc import newcombe
from hepafed.server.pooling.noisy.counts import Estimated, NoisySum, estimated
from hepafed.server.pooling.noisy.intervals import (
    DROWNED,
    noisy_auc,
    noisy_rate,
    noisy_total,
)
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint


def counted(negatives: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """Count scores (logits) into a vector without noise, at an operating point of 0.5."""
    called, cells = np.zeros((2, 2)), np.zeros((2, CELLS))
    for t, x in enumerate((negatives, positives)):
        called[t] = (x < 0).sum(), (x >= 0).sum()
        cells[t] = np.histogram(x, [-np.inf, *edges_of(0.5), np.inf])[0]
    return np.concatenate([called.ravel(), cells.ravel()]).astype(np.int64)


def estimate(vector: np.ndarray, variance: float = 0.0) -> Estimated:
    return estimated(NoisySum(sites=("a",), vector=vector, variance=variance, needs={}))


@pytest.mark.parametrize(("hits", "misses"), [(7, 3), (0, 12), (40, 0), (111, 9)])
def test_without_noise_a_rate_has_wilsons_interval(hits: int, misses: int) -> None:
    found = noisy_rate(hits, misses, 0.0)
    low, high = proportion_confint(hits, hits + misses, method="wilson")
    assert found.value == hits / (hits + misses)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_the_ends_of_a_rate_are_where_the_test_turns() -> None:
    hits, misses, variance = 61.3, 20.9, 30.0
    found = noisy_rate(hits, misses, variance)
    assert found.low is not None
    assert found.high is not None
    n = hits + misses
    for p in (found.low, found.high):
        spread = n * p * (1 - p) + variance * ((1 - p) ** 2 + p**2)
        assert abs(hits - p * n) / math.sqrt(spread) == pytest.approx(1.959964, abs=1e-5)
    assert found.low < hits / n < found.high


def test_a_rate_whose_cases_are_less_than_the_noise_is_absent_and_not_zero() -> None:
    # the sum of both has a standard deviation of √8: it must be above 1.96 of it
    edge = 1.959963985 * math.sqrt(8)
    assert noisy_rate(edge - 1, 0.99, 4.0).reason == DROWNED
    for hits, misses in ((0.0, 0.0), (-3.0, 1.0), (-9.0, -9.0), (3.0, -3.0)):
        found = noisy_rate(hits, misses, 4.0)
        assert (found.value, found.low, found.high, found.reason) == (None, None, None, DROWNED)
    assert noisy_rate(20.0, 5.0, 4.0).value == 0.8
    assert noisy_rate(0.0, 0.0, 0.0).reason == DROWNED


def test_a_rate_of_a_count_below_zero_is_at_its_end_with_an_interval() -> None:
    found = noisy_rate(-2.0, 40.0, 4.0)
    assert found.value == 0.0
    assert found.low == 0.0
    assert found.high is not None
    assert 0.05 < found.high < 0.2
    other = noisy_rate(40.0, -2.0, 4.0)
    assert other.value == 1.0
    assert other.low == pytest.approx(1 - found.high)


def test_without_noise_an_auc_has_newcombes_interval_and_the_value_of_its_cells() -> None:
    rng = np.random.default_rng(3)
    down, up = rng.normal(-1, 2, 57), rng.normal(1.2, 2, 44)
    found, error = noisy_auc(estimate(counted(down, up)))
    cell = [np.searchsorted(edges_of(0.5), x, side="right") for x in (down, up)]
    pairs = np.sign(cell[1][:, None] - cell[0])
    expected = float(((pairs + 1) / 2).mean())
    assert found.value == pytest.approx(expected)
    assert error == pytest.approx((pairs == 0).mean() / 2)
    low, high = newcombe(expected, 44, 57)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.0011)


def test_the_variance_of_the_test_is_that_of_the_noise_and_of_the_cases() -> None:
    rng = np.random.default_rng(8)
    vector = counted(rng.normal(-1, 2, 300), rng.normal(1, 2, 200))
    variance = 60.0
    found, _ = noisy_auc(estimate(vector, variance))
    assert found.low is not None
    assert found.high is not None
    above = np.tri(CELLS, k=-1) + np.eye(CELLS) / 2
    true = estimate(vector).cells
    for a in (found.low, found.high):
        drawn = []
        for _ in range(4000):
            noise = rng.normal(0, math.sqrt(variance), LENGTH)
            cells = estimate(vector, variance).cells + estimate_noise(noise)
            drawn.append(cells[1] @ (above - a) @ cells[0])
        middle = true[1] @ (above - a) @ true[0]
        assert np.mean(drawn) == pytest.approx(middle, abs=5 * np.std(drawn) / math.sqrt(4000))
        mixed = ((200 + 300) / 2 - 1) * ((1 - a) / (2 - a) + a / (1 + a))
        cases = 200 * 300 * a * (1 - a) * (1 + mixed)
        # at an end the distance is 1.96 standard deviations; the program estimates the variance
        distance = abs(true[1] @ above @ true[0] - a * 200 * 300)
        assert distance / math.sqrt(np.var(drawn) + cases) == pytest.approx(1.96, rel=0.06)


def estimate_noise(noise: np.ndarray) -> np.ndarray:
    """Return the estimate's part that is noise: it is linear in the counts."""
    called, cells = noise[:4].reshape(2, 2), noise[4:].reshape(2, CELLS).copy()
    for side in range(2):
        half = slice(side * HALF, (side + 1) * HALF)
        cells[:, half] += ((called[:, side] - cells[:, half].sum(1)) / (HALF + 1))[:, None]
    return cells


def test_an_auc_that_the_noise_hides_is_absent() -> None:
    vector = counted(np.array([-1.0, 2.0]), np.array([0.3, 1.0, 4.0]))
    found, error = noisy_auc(estimate(vector, 50.0))
    assert (found.value, found.low, found.reason, error) == (None, None, DROWNED, 0.0)
    empty, _ = noisy_auc(estimate(np.zeros(LENGTH, np.int64)))
    assert empty.reason == DROWNED
    assert noisy_auc(estimate(-vector, 1.0))[0].reason == DROWNED


@pytest.mark.parametrize(
    ("patients", "auc", "variance"), [(100, 0.85, 6.7), (300, 0.7, 49.0), (1000, 0.9, 176.0)]
)
def test_intervals_hold_the_truth_as_often_as_they_say(
    patients: int, auc: float, variance: float
) -> None:
    rng = np.random.default_rng(2026)
    shift = norm.ppf(auc) * 2 * math.sqrt(2) / 2
    sensitivity = norm.sf(-shift / 2)
    runs, inside, right = 250, 0, 0
    for _ in range(runs):
        positives = int(rng.binomial(patients, 0.4))
        vector = counted(
            rng.normal(-shift, 2, patients - positives), rng.normal(shift, 2, positives)
        )
        vector = vector + np.rint(rng.normal(0, math.sqrt(variance), LENGTH)).astype(np.int64)
        found = estimate(vector, variance)
        a, _ = noisy_auc(found)
        s = noisy_rate(found.called[1, 1], found.called[1, 0], found.half)
        inside += a.low is not None and a.high is not None and a.low <= auc <= a.high
        right += s.low is not None and s.high is not None and s.low <= sensitivity <= s.high
    # 95 % of 250 is 237.5; ± 3.5 standard deviations of √(250 · 0.95 · 0.05) = 3.4
    for k in (inside, right):
        assert 226 <= k <= 249


def test_a_number_of_patients_is_never_negative_and_has_the_interval_of_the_noise() -> None:
    found = noisy_total(40.0, 25.0)
    assert (found.value, found.low, found.high) == pytest.approx((40.0, 30.2002, 49.7998), abs=1e-3)
    found = noisy_total(-4.0, 25.0)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(5.7998, abs=1e-3)
