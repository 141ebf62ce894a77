"""A site's noise: how much it needs, what it adds, and what its answers told together."""

from hepafed.client.release.noise.accounting import epsilon_of, need_of, rho_for
from hepafed.client.release.noise.answer import check_noise, noisy_summary, rho_of, with_noise
from hepafed.client.release.noise.book import (
    CohortBudget,
    NoisyAnswer,
    PrivacyBook,
    PrivacySpent,
    budgets,
    told,
)

__all__ = [
    "CohortBudget",
    "NoisyAnswer",
    "PrivacyBook",
    "PrivacySpent",
    "budgets",
    "check_noise",
    "epsilon_of",
    "need_of",
    "noisy_summary",
    "rho_for",
    "rho_of",
    "told",
    "with_noise",
]
