"""A plan of each strategy, as small as what it needs."""

from typing import Any

from hepafed.common.contract.plan import Plan, TrainingPlan
from hepafed.common.contract.rounds import RoundsPlan

SGD = TrainingPlan(optimiser="sgd", rate=0.1, schedule="constant", weight_decay=0.0)
NEEDED: dict[str, dict[str, Any]] = {
    "scaffold": {"weights": "equal"},
    "median": {"weights": "equal", "quorum": 3},
    "trimmed-mean": {"weights": "equal", "quorum": 3},
    "krum": {"weights": "equal", "quorum": 5},
}


def plan_of(word: str, **rounds: Any) -> Plan:  # noqa: ANN401
    """Make a plan of a strategy; `rounds` are further keys of its [rounds]."""
    how = RoundsPlan(strategy=word, **{"deadline": 5, **NEEDED.get(word, {}), **rounds})
    return Plan(name="a", protocol="t2", training=SGD, rounds=how)
