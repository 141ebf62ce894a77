"""Before a round: wait until the plan's quorum of training sites is online."""

import time

from hepafed.common.errors import RunError
from hepafed.server.runs import LiveRun


def wait_for_quorum(live: LiveRun) -> list[str]:
    """Return the sites that are online once they make a quorum; none when the run was stopped.

    Raises
    ------
    RunError
        There was no quorum within the plan's deadline.
    """
    rounds = live.run.plan.rounds
    limit = time.monotonic() + rounds.deadline
    said = False
    while live.may_go_on():
        online = live.sites.online()
        if len(online) >= rounds.quorum:
            return online
        if time.monotonic() > limit:
            raise RunError(
                f"the plan's quorum is {rounds.quorum} training sites; now online: {len(online)}",
                "see server sites; then server resume " + live.run.id,
            )
        if not said:
            live.event("waiting", online=online, quorum=rounds.quorum)
            said = True
        time.sleep(0.5)
    return []
