"""The supervisor keeps the SuperLink alive: its state lies on disk, so it can be started again."""

import logging
import threading
import time
from collections.abc import Callable

from hepafed.common.errors import HepaFedError
from hepafed.common.retry import Backoff
from hepafed.server.flower import SuperLink

log = logging.getLogger("hepafed.server")
LONGEST_WAIT_SECONDS = 60.0
"""Longest wait before the next start of a SuperLink that dies."""


def supervise(
    superlink: SuperLink,
    stopping: threading.Event,
    restore: Callable[[], None],
    wake: Callable[[], None],
) -> None:
    """Start the SuperLink again whenever it has died, until `stopping`.

    After each start `restore` tells Flower what it may have lost, then `wake` is called: what could
    not be done without a SuperLink can be now.
    """
    waits, started = Backoff(LONGEST_WAIT_SECONDS), time.monotonic()
    while not stopping.wait(0.5):
        if superlink.alive:
            continue
        wait = waits.after_life(time.monotonic() - started)
        log.error(
            "the SuperLink stopped; restarting in %.0f s. Details: flower/superlink.log", wait
        )
        if stopping.wait(wait):
            return
        started = time.monotonic()
        try:
            superlink.start()
            restore()
            wake()
        except (HepaFedError, OSError) as e:
            log.error("the SuperLink does not start: %s", e)
            superlink.stop()  # one that answers only in part is started again, too
