"""The messages of training and tuning: weights by digest, updates, figures of the tuning split."""

from dataclasses import dataclass

from hepafed.common.contract import Plan, TuningFigures
from hepafed.common.records import optional


@dataclass(frozen=True, kw_only=True)
class CountedRound:
    """Up to which round a site's control variate is in c (`rounds.strategy = "scaffold"`)."""

    site: str
    """Name of the site."""
    round: int
    """The last of its rounds that counts."""


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """Train one round from the given weights."""

    run: str
    round: int
    plan: Plan
    weights: str
    """SHA-256 of the bf16 blob of the global weights."""
    control: str = optional("")
    """SHA-256 of the bf16 blob of c, as long as the weights; absent unless the plan says
    `scaffold`, and while c is 0."""
    counted: tuple[CountedRound, ...] = optional(())
    """Of which sites c is, and up to which round of each. A site whose update came too late goes on
    from the control variate of its own last round here."""


@dataclass(frozen=True, kw_only=True)
class TrainReply:
    """What one site made in one round."""

    run: str
    round: int
    release: str = optional("")
    """Release of HepaFed that runs at the site; 0.1.0 states none."""
    update: str
    """SHA-256 of the uploaded update, in the plan's encoding."""
    examples: int
    loss: float | None
    """Mean training loss of the round; None in a rehearsal, and unless the site's policy shares it
    (`share_training_loss`)."""
    seconds: float
    tuning: TuningFigures
    """Tuning figures of the weights that came in, before the training. Under a policy that masks,
    the numbers of cases alone."""
    steps: int = optional(0)
    """Steps of the training; absent unless the plan counts them (`fednova`, `scaffold`)."""
    planned: int = optional(0)
    """Steps that the plan asks for over so many examples; more than `steps` where the time budget
    ended before."""


@dataclass(frozen=True, kw_only=True)
class TuneRequest:
    """Score weights on the tuning split without any training."""

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
