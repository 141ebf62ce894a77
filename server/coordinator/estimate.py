"""How long a run will take and how many bytes, from what an earlier run of its network measured."""

from collections.abc import Iterator
from dataclasses import dataclass

from hepafed.common.contract import PROTOCOLS, Plan, kept_vectors, sent_copies
from hepafed.server import rehearsal
from hepafed.server.rehearsal import TrainingNeeds
from hepafed.server.runs import Run, Runs

PARAMETERS = 54_371_043
"""Numbers of the network with one channel."""
PARAMETERS_OF_CHANNEL = 288
"""Numbers that each further channel adds: 32 filters of 3 × 3."""


@dataclass(frozen=True)
class Measured:
    """What the rounds of an earlier run took."""

    run: str
    trained: bool
    """Whether it trained as the plan does; else it was a rehearsal."""
    seconds: float
    """Of a round, as a rehearsal counts it (`rehearsal.measured`)."""
    longest: float


def measured(runs: Runs, plan: Plan) -> Measured | None:
    """Return what the newest run measured that trained as the plan does, else a rehearsal's.

    The network is the same where protocol, size and missing sequences are. None without such a run.
    """
    found = [m for run in reversed(runs.all()) for m in _of_run(runs, run, plan)]
    return next((m for m in found if m.trained), found[0] if found else None)


def numbers_of(plan: Plan) -> int:
    """Return how many numbers the plan's network has."""
    return PARAMETERS + PARAMETERS_OF_CHANNEL * (len(PROTOCOLS[plan.protocol]) - 1)


def needs(plan: Plan, seconds: float) -> TrainingNeeds:
    """Return what the plan's training needs, for rounds of so many seconds."""
    payload = rehearsal.copy_bytes(numbers_of(plan))
    update = rehearsal.update_bytes(numbers_of(plan), plan.rounds.encoding)
    copies = sent_copies(plan.rounds)
    return rehearsal.estimate(seconds, payload, plan.rounds.count, copies, update)


def disk_bytes(plan: Plan, sites: int) -> int:
    """Return the bytes that a run needs at the coordinator while it is under way."""
    return rehearsal.server_disk(
        numbers_of(plan), sites, kept_vectors(plan.rounds), sent_copies(plan.rounds)
    )


def _of_run(runs: Runs, run: Run, plan: Plan) -> Iterator[Measured]:
    if run.kind != "train" or _network(run.plan) != _network(plan):
        return
    epochs, same = run.plan.training.epochs, run.plan.training == plan.training
    if epochs and not same:
        return
    events = runs.events(run.id)
    found = rehearsal.measured(events, numbers_of(plan))
    if found.rounds:
        yield Measured(run.id, epochs > 0, found.seconds, rehearsal.longest_round(events))


def _network(plan: Plan) -> tuple[object, ...]:
    return plan.protocol, plan.model.size, plan.data
