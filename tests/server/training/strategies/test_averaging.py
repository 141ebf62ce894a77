"""The last round's weights become the mean of the last rounds', and the sum is kept between."""

import numpy as np
import pytest
from hepafed.common.contract.rounds import RoundsPlan
from hepafed.common.network.weights import Flat
from hepafed.server.training.strategies import Past, averaged


def weights_of(round_: int) -> Flat:
    return np.random.default_rng(round_).normal(size=50).astype(np.float32)


@pytest.mark.parametrize(("count", "average"), [(5, 1), (5, 2), (5, 3), (5, 5), (1, 1)])
def test_the_mean_is_that_of_as_many_last_rounds(count: int, average: int) -> None:
    plan, kept = RoundsPlan(count=count, average=average), dict[str, Flat]()
    for number in range(1, count + 1):
        vectors: dict[str, Flat] = {"momentum": np.ones(3, np.float32)}
        made = averaged(plan, number, weights_of(number), Past(kept.get, 1), vectors)
        assert "momentum" in vectors
        if number < count:
            assert made.tobytes() == weights_of(number).tobytes(), "training goes on from its own"
        assert ("average" in vectors) == (count - average < number < count)
        kept = vectors
    last = [weights_of(n) for n in range(count - average + 1, count + 1)]
    np.testing.assert_allclose(made, np.mean(last, axis=0), rtol=1e-5, atol=1e-6)


def test_what_is_handed_in_is_not_changed() -> None:
    plan, weights = RoundsPlan(count=3, average=3), weights_of(1)
    vectors: dict[str, Flat] = {}
    averaged(plan, 1, weights, Past(), vectors)
    vectors["average"] += 1
    assert weights.tobytes() == weights_of(1).tobytes()


@pytest.mark.parametrize(("number", "there"), [(2, True), (3, False), (4, False)])
def test_a_sum_that_is_not_of_the_rounds_before_is_refused(number: int, there: bool) -> None:
    plan, kept = RoundsPlan(count=4, average=3), {"average": weights_of(1)} if there else {}
    with pytest.raises(ValueError, match=f"not that before round {number}"):
        averaged(plan, number, weights_of(number), Past(kept.get, 1), {})
