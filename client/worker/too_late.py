"""An update that was not taken because its round was over: what would have fitted."""

from hepafed.common.contract import Plan
from hepafed.common.errors import RefusedError

MARGIN = 0.1
"""Part of the deadline that is left free: no two rounds take the same time."""


def too_late(plan: Plan, elapsed: float, trained: float) -> RefusedError | None:
    """Return the error of an update that was refused; None where the deadline was not the reason.

    Parameters
    ----------
    elapsed
        Seconds from the request to the refusal.
    trained
        Seconds of the training among them.
    """
    deadline = plan.rounds.deadline
    if elapsed < deadline:
        return None
    fits = int(deadline * (1 - MARGIN) - (elapsed - trained))
    remedy = (
        f"training.budget = {fits} would have fitted"
        if fits > 0
        else "no training.budget would have fitted: the plan needs a longer rounds.deadline"
    )
    return RefusedError(
        f"the update came after the round was over: {elapsed:.0f} s after the request, of them "
        f"{trained:.0f} s of training; the plan's deadline is {deadline} s; {remedy}",
        "tell the coordinator",
    )
