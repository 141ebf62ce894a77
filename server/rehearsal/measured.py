"""The figures of a rehearsal, from a run's history and the size of its network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from hepafed.common.records import optional

BYTES_OF_WEIGHT, BYTES_SENT = 4, 2
"""A number of the network on the coordinator's disk (float32) and on the wire (bf16)."""
STORED_WEIGHTS = 7
"""Most files of float32 weights of one training at a time: the initial ones, the checkpoints of
the best, the last two and the new round, its unfinished file, and the model."""
STORED_PAYLOADS = 3
"""Most files of bf16 weights: those of the round, the next ones, and the model's."""
STORED_VECTORS = 4
"""Most files of a vector that a strategy keeps: of the last two rounds and the new one, and its
unfinished file."""
SITE_DISK_OF_ROUND = 1 << 16
"""Most bytes by which a site's ledger and logs grow in a round. Weights and updates are not kept on
disk there."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What a rehearsal measured: each round as in a training, but without a training step."""

    rounds: int
    """Rounds that were held."""
    seconds: float
    """Of a round: median from its question to its checkpoint, without the first round if there are
    others, because sites build the network in it."""
    sites: dict[str, float]
    """Seconds of each site that answered: median from question to answer, likewise."""
    payload: int
    """Bytes of the weights that each site fetches in a round."""
    site_disk: int
    """Most bytes by which a site's home grows in a round."""
    server_disk: int
    """Most bytes that a training of this network with these sites takes at the coordinator."""
    copies: int = optional(1)
    """Copies of that size that go to each site in a round of a training: 2 with `scaffold`."""
    update: int = optional(0)
    """Bytes of the update that each site sends in a round; 0: as many as it fetches."""


@dataclass(frozen=True)
class TrainingNeeds:
    """What a training of some rounds needs; its seconds are as long as the measured rounds."""

    seconds: float
    fetched: int
    """Bytes to each site: the weights of each round, and the last ones for the tuning step."""
    sent: int
    """Bytes of updates from each site."""
    site_disk: int
    """Most bytes by which a site's home grows."""


def measured(
    events: Iterable[Mapping[str, Any]],
    weights: int,
    vectors: int = 0,
    copies: int = 1,
    encoding: str = "bf16",
) -> Rehearsal:
    """Return what a run's history tells of its rounds, for a network of so many numbers.

    `vectors`: those that the plan's strategy keeps from round to round; `copies`: those that it
    sends to a site in a round, the weights among them; `encoding`: in which the sites send theirs.

    A round that was held twice, because the coordinator was killed, counts from its last question.
    """
    rounds, sites = _times(events)
    return Rehearsal(
        rounds=len(rounds),
        seconds=_middle(rounds),
        sites={site: _middle(found) for site, found in sorted(sites.items())},
        payload=copy_bytes(weights),
        site_disk=SITE_DISK_OF_ROUND,
        server_disk=server_disk(weights, len(sites), vectors, copies),
        copies=copies,
        update=0 if encoding == "bf16" else update_bytes(weights, encoding),
    )


def longest_round(events: Iterable[Mapping[str, Any]]) -> float:
    """Return the seconds of the longest round of a history; 0 without a whole round."""
    return max(_times(events)[0].values(), default=0.0)


def _times(
    events: Iterable[Mapping[str, Any]],
) -> tuple[dict[int, float], dict[str, dict[int, float]]]:
    """Return the seconds of each round, and of each site's answers by round."""
    asked: dict[int, datetime] = {}
    rounds: dict[int, float] = {}
    sites: dict[str, dict[int, float]] = {}
    for event in events:
        number = event.get("round", 0)
        if event["event"] == "round":
            asked[number] = datetime.fromisoformat(event["at"])
        elif event["event"] in ("reply", "done") and number in asked:
            took = datetime.fromisoformat(event["at"]) - asked[number]
            kept = rounds if event["event"] == "done" else sites.setdefault(event["site"], {})
            kept[number] = max(0.0, took.total_seconds())
    return rounds, sites


def copy_bytes(weights: int) -> int:
    """Return the bytes of one copy of so many numbers as they are sent (bf16)."""
    return BYTES_SENT * weights


def update_bytes(weights: int, encoding: str) -> int:
    """Return the bytes of an update of so many numbers, but for BatchNorm's float32 statistics.

    They are a thousandth of the network.
    """
    from hepafed.common.network import UpdateForm  # the commands that print this need no numpy

    return UpdateForm(encoding, weights).length


def server_disk(weights: int, sites: int, vectors: int = 0, copies: int = 1) -> int:
    """Return the most bytes that a training of so many numbers takes at the coordinator.

    Among them are the updates of all sites of a round: some strategies need them at once.
    """
    stored = (STORED_WEIGHTS + STORED_VECTORS * vectors) * BYTES_OF_WEIGHT
    stored += (STORED_PAYLOADS + copies - 1 + sites) * BYTES_SENT
    return stored * weights


def _middle(seconds: Mapping[int, float]) -> float:
    """Return the median over rounds, the first one left out where there are others."""
    later = [s for number, s in seconds.items() if number > 1]
    return median(later or seconds.values() or [0.0])


def estimate(
    seconds: float, payload: int, rounds: int, copies: int = 1, update: int = 0
) -> TrainingNeeds:
    """Return what a training of so many rounds needs.

    `seconds`: of one round; `payload`: bytes of one copy of the weights as they are sent; `copies`:
    those that go to a site in a round; `update`: bytes of an update, 0 for as many as of one copy.
    """
    return TrainingNeeds(
        seconds=rounds * seconds,
        fetched=(rounds * copies + 1) * payload,
        sent=rounds * (update or payload),
        site_disk=rounds * SITE_DISK_OF_ROUND,
    )
