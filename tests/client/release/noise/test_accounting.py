"""What answers with noise tell together, against the formulas of the papers."""

import math

import numpy as np
import pytest
from hepafed.client.release.noise.accounting import epsilon_of, need_of, rho_for
from hepafed.common.contract.privacy import PrivacyConfig


def converted(rho: float, delta: float) -> float:
    """Return epsilon by proposition 12 of Canonne, Kamath and Steinke (2020), on a grid."""
    a = 1 + np.logspace(-4, 4, 400_000)
    found = rho * a + np.log1p(-1 / a) - (math.log(delta) + np.log(a)) / (a - 1)
    return float(found.min())


@pytest.mark.parametrize("rho", [0.0085, 0.0305, 0.2, 1.2])
@pytest.mark.parametrize("delta", [1e-5, 1e-9])
def test_one_answer_tells_what_the_conversion_says(rho: float, delta: float) -> None:
    found, best = epsilon_of([rho], delta), converted(rho, delta)
    assert best * (1 - 1e-9) <= found <= best * 1.01  # its orders are fewer: never less
    assert found < rho + 2 * math.sqrt(rho * math.log(1 / delta))  # Bun and Steinke (2016)


def test_answers_add_up_in_rho_whatever_their_order() -> None:
    assert epsilon_of([0.1, 0.02, 0.3], 1e-5) == pytest.approx(epsilon_of([0.42], 1e-5))
    assert epsilon_of([0.3, 0.1, 0.02], 1e-5) == pytest.approx(epsilon_of([0.42], 1e-5))
    assert epsilon_of([], 1e-5) == 0.0


@pytest.mark.parametrize("epsilon", [0.01, 0.5, 1.0, 3.0, 8.0, 50.0])
def test_rho_is_the_largest_that_keeps_epsilon(epsilon: float) -> None:
    rho = rho_for(epsilon, 1e-5)
    assert epsilon_of([rho], 1e-5) <= epsilon
    assert epsilon_of([rho * 1.001], 1e-5) > epsilon
    assert rho < epsilon


def test_a_need_states_the_policy_and_its_rho() -> None:
    policy = PrivacyConfig(epsilon=1.0, lifetime_epsilon=2.0, delta=1e-6, colluding_sites=3)
    need = need_of(policy)
    assert (need.epsilon, need.delta, need.colluding_sites) == (1.0, 1e-6, 3)
    assert need.rho == rho_for(1.0, 1e-6)
    assert need.possible()
