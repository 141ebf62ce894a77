"""How a federation runs its rounds: the plan's `[rounds]`, and what each strategy needs."""

from hepafed.common.contract.rounds.rounds_plan import LONGEST_SECONDS, RoundsPlan, check_together
from hepafed.common.contract.rounds.strategies import (
    ADAPTIVE,
    AT_SITES,
    COUNTED,
    LOCAL_NORM,
    ROBUST,
    STEPPED,
    STRATEGIES,
    fewest_sites,
    kept_vectors,
    sent_copies,
    server_rate,
)
from hepafed.common.contract.rounds.values import one_of, within

__all__ = [
    "ADAPTIVE",
    "AT_SITES",
    "COUNTED",
    "LOCAL_NORM",
    "LONGEST_SECONDS",
    "ROBUST",
    "STEPPED",
    "STRATEGIES",
    "RoundsPlan",
    "check_together",
    "fewest_sites",
    "kept_vectors",
    "one_of",
    "sent_copies",
    "server_rate",
    "within",
]
