"""What answers with noise tell together, by dp-accounting.

A discrete Gaussian that is concentrated by rho diverges (Rényi) at most as a Gaussian of noise
multiplier 1/√(2 rho) does (Bun and Steinke 2016; Canonne, Kamath and Steinke 2020). So the RDP
accountant composes the answers. That of privacy loss distributions would be tighter, but holds for
a continuous Gaussian, not for a sum of discrete ones.
"""

import math
from collections.abc import Iterable

from hepafed.common.contract import NoiseNeed, PrivacyConfig

STEPS = 60
"""Halvings with which rho is found: to a part in 10^15 or better."""


def epsilon_of(rhos: Iterable[float], delta: float) -> float:
    """Return ε of answers with zero-concentrated privacy `rhos`, all together; 0 for none."""
    from dp_accounting import GaussianDpEvent
    from dp_accounting.rdp import RdpAccountant

    accountant, told = RdpAccountant(), False
    for rho in rhos:
        accountant.compose(GaussianDpEvent(1 / math.sqrt(2 * rho)))
        told = True
    return float(accountant.get_epsilon(delta)) if told else 0.0


def rho_for(epsilon: float, delta: float) -> float:
    """Return the largest rho of one answer that is (ε, δ)-differentially private."""
    low, high = 0.0, epsilon  # ε is above rho whatever δ below ½
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if epsilon_of([middle], delta) <= epsilon else (low, middle)
    return low


def need_of(policy: PrivacyConfig) -> NoiseNeed:
    """Return the noise that a site's policy asks for."""
    return NoiseNeed(
        epsilon=policy.epsilon,
        delta=policy.delta,
        rho=rho_for(policy.epsilon, policy.delta),
        colluding_sites=policy.colluding_sites,
    )
