"""Before a round: wait until the plan's quorum of training sites is online."""

import time
from collections.abc import Callable

from hepafed.common.errors import RunError
from hepafed.server.runs import LiveRun


def wait_for_quorum(
    live: LiveRun,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Return the sites that are online once they make a quorum; none when the run was stopped.

    Raises
    ------
    RunError
        There was no quorum within the plan's deadline.
    """
    rounds = live.run.plan.rounds
    limit = clock() + rounds.deadline
    said = False
    while live.may_go_on():
        online = live.sites.online()
        if len(online) >= rounds.quorum:
            return online
        if clock() > limit:
            raise RunError(
                f"the plan's quorum is {rounds.quorum} training sites; now online: {len(online)}",
                "see server sites; then server resume " + live.run.id,
            )
        if not said:
            live.event("waiting", online=online, quorum=rounds.quorum)
            said = True
        sleep(0.5)
    return []
