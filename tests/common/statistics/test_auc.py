"""AUC, its variance and rates equal their definitions, whatever the ties."""

import math

import numpy as np
import pytest
from hepafed.common.statistics.auc import (
    adjusted_interval,
    auc_from_intervals,
    delong_auc,
    freedom_of_sum,
    satterthwaite,
)
from hepafed.common.statistics.bins import Intervals
from hepafed.common.statistics.rates import Z, rate
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

scores = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=25)


def placements(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """Pairwise wins, a tie half: the definition."""
    difference = positives[:, None] - negatives[None, :]
    return (np.sign(difference) + 1) / 2


@given(scores, scores)
def test_delong_is_its_definition(positives: list[float], negatives: list[float]) -> None:
    p, n = np.array(positives), np.array(negatives)
    wins = placements(p, n)
    auc = delong_auc(p, n)
    assert auc is not None
    assert auc.value == pytest.approx(wins.mean())
    assert auc.value == pytest.approx(
        roc_auc_score([1] * len(p) + [0] * len(n), np.concatenate([p, n]))
    )
    if min(len(p), len(n)) < 2:
        assert auc.se is None
    else:
        variance = wins.mean(1).var(ddof=1) / len(p) + wins.mean(0).var(ddof=1) / len(n)
        assert auc.se == pytest.approx(variance**0.5)


def test_one_class_has_no_auc() -> None:
    assert delong_auc(np.array([1.0]), np.array([])) is None
    assert auc_from_intervals(Intervals(*np.array([[0], [9], [5], [0]]))) is None


cells = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 6), st.integers(0, 3), st.integers(0, 3)),
    min_size=1, max_size=8,
)  # fmt: skip


@given(cells)
def test_overlapping_intervals_count_half_and_bound_the_error(rows: list[tuple[int, ...]]) -> None:
    low, width, p, n = np.array(rows).T
    made = list(zip(low, low + width, p, n, strict=True))
    auc = auc_from_intervals(Intervals(low, low + width, p, n))
    m, n = p.sum(), n.sum()
    if m == 0 or n == 0:
        assert auc is None
        return
    over = sum(a[2] * b[3] for a in made for b in made if a[0] >= b[1])
    touch = sum(a[2] * b[3] for a in made for b in made if a[0] < b[1] and b[0] < a[1])
    assert auc is not None
    assert auc.value == pytest.approx((over + touch / 2) / (m * n))
    assert auc.bound == pytest.approx(touch / 2 / (m * n))


def test_rates_are_wilsons_and_clopper_pearsons() -> None:
    r = rate(198, 208)  # figures of R's binom.confint and binom.test
    assert r.low == pytest.approx(0.913777195589058, abs=1e-9)
    assert r.high == pytest.approx(0.97367892865868, abs=1e-9)
    assert r.exact_low == pytest.approx(0.913364049348495, abs=1e-9)
    assert r.exact_high == pytest.approx(0.976707619745614, abs=1e-9)
    assert rate(0, 0).value is None
    assert (rate(0, 5).low, rate(5, 5).high) == (0.0, 1.0)


def test_an_auc_of_one_keeps_a_width_on_the_adjusted_interval() -> None:
    auc = delong_auc(np.arange(100.0, 140.0), np.arange(25.0))
    assert auc is not None
    assert auc.interval == (1.0, 1.0)
    assert auc.adjusted is not None
    low, high = auc.adjusted
    assert high == 1.0
    # the end of Newcombe's score interval is where 1.96 standard errors reach 1
    more = (65 / 2 - 1) * ((1 - low) / (2 - low) + low / (1 + low))
    assert 1 - low == pytest.approx(Z * np.sqrt(low * (1 - low) / (40 * 25) * (1 + more)), rel=1e-6)
    worst = delong_auc(np.arange(25.0), np.arange(100.0, 140.0))
    assert worst is not None
    assert worst.adjusted == (0.0, pytest.approx(1 - low))


@given(scores, scores)
def test_the_adjusted_interval_holds_its_auc_and_stays_inside(
    positives: list[float], negatives: list[float]
) -> None:
    auc = delong_auc(np.array(positives), np.array(negatives))
    assert auc is not None
    if auc.se is None:
        assert auc.adjusted is None
        return
    assert auc.adjusted is not None
    assert 0 <= auc.adjusted[0] <= auc.value <= auc.adjusted[1] <= 1


def test_few_cases_widen_the_adjusted_interval_by_students_t() -> None:
    pairs = 10**9  # so many that half a pair is nothing
    narrow = adjusted_interval(0.8, 0.05, math.inf, 40, 40, pairs)
    wide = adjusted_interval(0.8, 0.05, 5.0, 40, 40, pairs)
    assert narrow is not None
    assert wide is not None
    logit = [math.log(p / (1 - p)) for p in (narrow[0], 0.8, wide[0])]
    assert (logit[1] - logit[0]) * 0.16 / 0.05 == pytest.approx(1.959964, abs=1e-5)
    assert (logit[1] - logit[2]) * 0.16 / 0.05 == pytest.approx(2.570582, abs=1e-5)


def test_half_a_pair_is_added_to_those_won_and_those_lost() -> None:
    # 199 of 200 pairs won: 199.5 to 1.5
    found = adjusted_interval(0.995, 0.004, math.inf, 20, 10, 200)
    assert found is not None
    low, high = (math.log(p / (1 - p)) for p in found)
    assert (low + high) / 2 == pytest.approx(math.log(199.5 / 1.5))
    share = 199.5 / 201
    assert (high - low) / 2 == pytest.approx(1.959964 * 0.004 / (share * (1 - share)), rel=1e-6)


def test_half_a_pair_does_not_carry_an_interval_past_its_auc() -> None:
    found = adjusted_interval(0.995, 1e-9, math.inf, 20, 10, 200)
    assert found is not None
    assert found[1] == 0.995


def test_the_adjusted_interval_keeps_its_level_at_a_high_auc_of_few_positives() -> None:
    # 15 positives of 60, AUC 0.98: without the half pair it covers 98 % (benchmarks/coverage.py)
    rng, replicates = np.random.default_rng(15), 4000
    shift, held = 2**0.5 * norm.ppf(0.98), 0
    for _ in range(replicates):
        truth = rng.random(60) < 0.25
        scores = rng.normal(size=60) + shift * truth
        auc = delong_auc(scores[truth], scores[~truth])
        if auc is not None and auc.adjusted is not None:
            held += auc.adjusted[0] <= 0.98 <= auc.adjusted[1]
    assert 0.93 <= held / replicates <= 0.97


def test_degrees_of_freedom_fall_where_few_carry_the_variance() -> None:
    assert satterthwaite((1.0, 0.0), (10, 99)) == pytest.approx(9)
    assert satterthwaite((1.0, 1.0), (11, 11)) == pytest.approx(20)
    even, peaked = np.ones(50), np.zeros(50)
    peaked[0] = 7.0
    assert freedom_of_sum((even**2).sum(), (even**4).sum(), 50) == math.inf
    assert freedom_of_sum((peaked**2).sum(), (peaked**4).sum(), 50) == pytest.approx(2.0, abs=0.1)
