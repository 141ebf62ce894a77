"""A site's noise: how much it needs, what it adds, and what its answers told together."""

from hepafed.client.release.noise.accounting import epsilon_of, need_of, rho_for
from hepafed.client.release.noise.answer import answer_to, check_noise, noisy_summary, with_noise
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
    "answer_to",
    "budgets",
    "check_noise",
    "epsilon_of",
    "need_of",
    "noisy_summary",
    "rho_for",
    "told",
    "with_noise",
]
