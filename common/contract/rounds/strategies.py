"""The strategies of a plan by their words, and what each of them needs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hepafed.common.contract.rounds.rounds_plan import RoundsPlan

STRATEGIES = (
    "fedavg",
    "fednova",
    "fedprox",
    "fedavgm",
    "fedadam",
    "fedyogi",
    "fedbn",
    "silobn",
    "scaffold",
    "median",
    "trimmed-mean",
    "krum",
)
"""Ways to make one model of the updates; the coordinator has a class for each."""
AT_SITES = ("fednova", "fedprox", "fedbn", "silobn", "scaffold")
"""Those by which a site trains otherwise; by all others it trains as by `fedavg`."""
COUNTED = ("fednova", "scaffold")
"""Those that count a site's steps."""
STEPPED = ("fedavgm", "fedadam", "fedyogi")
"""Those that take the mean of the updates as the gradient of an optimiser at the coordinator."""
ADAPTIVE = ("fedadam", "fedyogi")
LOCAL_NORM = ("fedbn", "silobn")
"""Those that leave BatchNorm, or its statistics, at the site."""
ROBUST = ("median", "trimmed-mean", "krum")
"""Those that need the updates of all sites at once, and weigh none by its examples."""
UNWEIGHTED = ("scaffold", *ROBUST)
"""Those of which the mean is one of sites, not of examples."""
ENCODINGS = ("bf16", "int8", "int4")
"""Ways to send an update."""
WEIGHTS = ("examples", "equal", "capped")
"""How the sites weigh in the mean of a round."""
OWNERS = {
    "mu": ("fedprox",),
    "server_rate": STEPPED,
    "server_momentum": STEPPED,
    "server_decay": ADAPTIVE,
    "server_epsilon": ADAPTIVE,
    "faulty": ("trimmed-mean", "krum"),
}
"""By key of `[rounds]`: the strategies that have it."""
_RATES = {"fedavgm": 1.0, "fedadam": 0.01, "fedyogi": 0.01}


def server_rate(rounds: "RoundsPlan") -> float:
    """Return the learning rate at the coordinator: the stated one, or the strategy's usual."""
    return rounds.server_rate or _RATES.get(rounds.strategy, 1.0)


def fewest_sites(rounds: "RoundsPlan") -> int:
    """Return of how many sites a round must be for what the strategy promises.

    The median of two is their mean. A trimmed mean leaves out `faulty` updates at each end. Krum
    needs 2 · `faulty` + 3 (Blanchard et al. 2017).
    """
    if rounds.strategy == "median":
        return 3
    if rounds.strategy == "trimmed-mean":
        return 2 * rounds.faulty + 1
    return 2 * rounds.faulty + 3 if rounds.strategy == "krum" else 1


def sent_copies(rounds: "RoundsPlan") -> int:
    """Return how many vectors, as long as the weights, go to each site in a round."""
    return 2 if rounds.strategy == "scaffold" else 1


def kept_vectors(rounds: "RoundsPlan") -> int:
    """Return how many vectors, as long as the weights, a round leaves for the next one."""
    own = {"fedavgm": 1, "fedadam": 2, "fedyogi": 2, "scaffold": 1}.get(rounds.strategy, 0)
    return own + (rounds.average > 1)
