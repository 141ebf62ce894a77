"""Updates that came when their round was over: they are refused, and their site is named."""

import math

from hepafed.common.contract import Plan
from hepafed.server.runs import LiveRun


def note_late(live: LiveRun) -> None:
    """Add to the run's history the updates that came too late since the last round."""
    for late in live.stores.inbox.late(live.run.id):
        live.event(
            "late",
            round=late.round,
            site=late.site,
            seconds=late.seconds,
            text=f"{late.site}: {words(live.run.plan, late.round, late.seconds)}",
        )


def words(plan: Plan, round_: int, seconds: float) -> str:
    """Return what became of an update that came so many seconds after the question, and a remedy.

    Half of the deadline leaves the other half for the transfers and the tuning split.
    """
    deadline = plan.rounds.deadline
    longer = 60 * math.ceil(1.2 * max(seconds, deadline) / 60)
    budget = min(plan.training.budget or deadline, deadline) // 2
    return (
        f"its update of round {round_} came {seconds:.0f} s after the question and was refused: "
        f"the round was over (deadline {deadline} s). A plan with rounds.deadline = {longer} gives "
        f'it time, or one with rounds.strategy = "fednova" and training.budget = {budget}'
    )
