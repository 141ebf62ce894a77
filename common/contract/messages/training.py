"""Training and tuning: weights by digest, a round's update, figures of the tuning split."""

from dataclasses import dataclass

from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.plan import Plan


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """Train one round from the given weights."""

    run: str
    round: int
    plan: Plan
    weights: str
    """SHA-256 of the bf16 blob of the global weights."""


@dataclass(frozen=True, kw_only=True)
class TrainReply:
    """One site's round."""

    run: str
    round: int
    update: str
    """SHA-256 of the uploaded bf16 update."""
    examples: int
    loss: float | None
    """Mean training loss; None in a rehearsal."""
    seconds: float
    tuning: TuningFigures
    """Of the weights that came in, before training."""


@dataclass(frozen=True, kw_only=True)
class TuneRequest:
    """Score weights on the tuning split, train nothing."""

    run: str
    round: int
    plan: Plan
    weights: str


@dataclass(frozen=True, kw_only=True)
class TuneReply:
    """Answer to a `TuneRequest`."""

    run: str
    round: int
    tuning: TuningFigures
