"""The plan's `[rounds]`: how many, of whom, and how one model is made of the updates."""

import dataclasses
from dataclasses import dataclass

from hepafed.common.contract.rounds.strategies import (
    ENCODINGS,
    OWNERS,
    STRATEGIES,
    UNWEIGHTED,
    WEIGHTS,
    fewest_sites,
)
from hepafed.common.contract.rounds.values import one_of, within
from hepafed.common.errors import PlanError
from hepafed.common.records import optional

LONGEST_SECONDS = 7 * 86400
"""The longest deadline of a round."""


@dataclass(frozen=True, kw_only=True)
class RoundsPlan:
    """How the federation runs."""

    count: int = 10
    """Rounds of the run."""
    quorum: int = 2
    """Fewest sites whose updates make a round."""
    deadline: int = 3600
    """Seconds a round waits for its sites."""
    strategy: str = "fedavg"
    """How one model is made of the updates: `fedavg`, `fednova`, `fedprox`, `fedavgm`, `fedadam`,
    `fedyogi`, `fedbn`, `silobn`, `scaffold`, `median`, `trimmed-mean` or `krum`; see "Which
    strategy"."""
    weights: str = optional("examples")
    """How sites weigh in the mean: by `examples`; `equal`; or `capped`: by examples, but no site
    has more than `cap`."""
    cap: float = optional(0.4)
    """With `weights = "capped"`: the largest share of each site, at most a half. Where the sites
    are too few for that, they weigh equally."""
    average: int = optional(1)
    """The last round's weights become the mean of the weights after so many last rounds. 1: they
    stay as they are."""
    mu: float = optional(0.01)
    """`fedprox`: how strongly a site's weights are held to the round's; 0: as `fedavg`."""
    server_rate: float = optional(0.0)
    """`fedavgm`, `fedadam`, `fedyogi`: learning rate at the coordinator. 0: the usual one, 1 for
    `fedavgm`, 0.01 for the others."""
    server_momentum: float = optional(0.9)
    """`fedavgm`, `fedadam`, `fedyogi`: share of the mean that stays from round to round (β₁)."""
    server_decay: float = optional(0.99)
    """`fedadam`, `fedyogi`: share of the squares that stays from round to round (β₂)."""
    server_epsilon: float = optional(1e-3)
    """`fedadam`, `fedyogi`: added to the root of the squares (τ); smaller is more adaptive."""
    faulty: int = optional(1)
    """`trimmed-mean`, `krum`: how many sites of a round may be faulty or hostile. The quorum must
    be at least 2 · faulty + 1, for `krum` 2 · faulty + 3."""
    encoding: str = optional("bf16")
    """How a site sends its update: `bf16` (16 bits a number), `int8` (8.1 bits) or `int4` (4.3
    bits: less than 1/7 of float32). What `int8` and `int4` round off is added to the site's next
    update."""
    max_norm: float = 1e4
    """Largest L2 norm of an update; a larger one is rejected and named."""
    max_share: float = optional(0.6)
    """Largest share of one site in a round's mean, above a half; a site states its examples itself,
    and those beyond the share do not count. 1: no limit."""
    missing: str = optional("warn")
    """When sites with much of the data give no update round after round: `warn`, or `stop` the
    run."""
    missing_share: float = optional(0.3)
    """How much of the training data is much: a share of all."""
    missing_rounds: int = optional(3)
    """After how many rounds in a row without them."""

    def __post_init__(self) -> None:
        """Check every value, and what does not go together."""
        within("rounds.count", self.count, 1, 10000)
        within("rounds.quorum", self.quorum, 1, 1000)
        within("rounds.deadline", self.deadline, 5, LONGEST_SECONDS)
        one_of("rounds.strategy", self.strategy, STRATEGIES)
        one_of("rounds.weights", self.weights, WEIGHTS)
        within("rounds.cap", self.cap, 0.01, 0.5)
        within("rounds.average", self.average, 1, 1000)
        within("rounds.mu", self.mu, 0, 100)
        within("rounds.server_rate", self.server_rate, 0, 100)
        within("rounds.server_momentum", self.server_momentum, 0, 0.999)
        within("rounds.server_decay", self.server_decay, 0, 0.99999)
        within("rounds.server_epsilon", self.server_epsilon, 1e-9, 1)
        within("rounds.faulty", self.faulty, 1, 100)
        one_of("rounds.encoding", self.encoding, ENCODINGS)
        within("rounds.max_norm", self.max_norm, 1e-6, 1e12)
        within("rounds.max_share", self.max_share, 0.51, 1)
        one_of("rounds.missing", self.missing, ("warn", "stop"))
        within("rounds.missing_share", self.missing_share, 0.01, 1)
        within("rounds.missing_rounds", self.missing_rounds, 1, 10000)


def check_together(rounds: RoundsPlan) -> None:
    """Check what does not go together in `[rounds]`.

    Raises
    ------
    PlanError
        It begins with the key to change.
    """
    _check_owners(rounds)
    word = rounds.strategy
    if rounds.cap != _usual("cap") and rounds.weights != "capped":
        raise PlanError(
            f"rounds.cap: weights are {rounds.weights}, and no share is capped",
            'write weights = "capped" under [rounds], or leave cap out',
        )
    if word in UNWEIGHTED and rounds.weights != "equal":
        raise PlanError(
            f"rounds.weights: {word} counts every site once, not by {rounds.weights}",
            'write weights = "equal" under [rounds]',
        )
    if word == "scaffold" and rounds.encoding != "bf16":
        raise PlanError(
            "rounds.encoding: scaffold computes the control variates at both sides from the update "
            f"as it was trained, and {rounds.encoding} rounds it off",
            'write encoding = "bf16" under [rounds]',
        )
    if word == "fednova" and rounds.weights == "equal":
        raise PlanError(
            "rounds.weights: fednova counts the steps over a site's examples, so sites cannot "
            "weigh equally",
            'write weights = "examples" or "capped" under [rounds]',
        )
    if rounds.quorum < fewest_sites(rounds):
        fewest = fewest_sites(rounds)
        faulty = f" with faulty = {rounds.faulty}" if "faulty" in _keys_of(word) else ""
        raise PlanError(
            f"rounds.quorum: {word}{faulty} needs {fewest} sites in each round",
            f"write quorum = {fewest} under [rounds], or another strategy",
        )
    if rounds.average > rounds.count:
        raise PlanError(
            f"rounds.average: {rounds.average} rounds are more than rounds.count, {rounds.count}",
            f"write average = {rounds.count} or fewer under [rounds]",
        )


def _check_owners(rounds: RoundsPlan) -> None:
    for key, owners in OWNERS.items():
        if getattr(rounds, key) != _usual(key) and rounds.strategy not in owners:
            raise PlanError(
                f"rounds.{key}: {rounds.strategy} has no such setting; {', '.join(owners)} "
                f"{'has' if len(owners) == 1 else 'have'}",
                f"leave {key} out, or write another strategy under [rounds]",
            )


def _keys_of(word: str) -> set[str]:
    return {key for key, owners in OWNERS.items() if word in owners}


def _usual(key: str) -> object:
    return next(f.default for f in dataclasses.fields(RoundsPlan) if f.name == key)
