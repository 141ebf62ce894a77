"""The queue: runs are conducted one at a time, each by as many attempts as it takes."""

import logging
import threading
from collections.abc import Mapping, Sequence

from hepafed.common.errors import RunError, UnreachableError
from hepafed.common.retry import Backoff
from hepafed.server.coordinator.preparation import prepare
from hepafed.server.flower import LOST, Control, SuperLink
from hepafed.server.runs import ENDED, Run, Runs

log = logging.getLogger("hepafed.server")
LONGEST_WAIT_SECONDS = 10.0
"""Longest wait before the next attempt at a run."""


def next_run(unfinished: Sequence[Run], turns: Mapping[str, int]) -> Run:
    """Return the run whose turn it is, of `unfinished` ones, oldest first.

    One that has begun goes on. Of the others it is the oldest one of the requester whose last turn
    is longest ago; `turns` numbers the last turn of each.
    """
    begun = [r for r in unfinished if r.status == "running"]
    return begun[0] if begun else min(unfinished, key=lambda r: turns.get(r.requester, 0))


class Queue:
    """Has unfinished runs conducted, requesters in turn; an attempt is a Flower run."""

    def __init__(
        self, runs: Runs, superlink: SuperLink, control: Control, stopping: threading.Event
    ) -> None:
        self._runs = runs
        self._superlink = superlink
        self._control = control
        self._stopping = stopping
        self._wake = threading.Event()
        self._over: set[int] = set()
        self._turns: dict[str, int] = {}

    def wake(self) -> None:
        """Look at once: a run was queued or stopped, or the SuperLink is there again."""
        self._wake.set()

    def attempt_over(self, flower_run: int) -> None:
        """Take note that a Flower run was conducted; LOST: perhaps the one under way."""
        self._over.add(flower_run)
        self._wake.set()

    def serve(self) -> None:
        """Have one run after the other conducted until `stopping`, whatever becomes of one."""
        waits = Backoff(LONGEST_WAIT_SECONDS)
        while not self._stopping.is_set():
            try:
                unfinished = [r for r in self._runs.all() if r.status not in ENDED]
                if not unfinished:
                    self._pause(1.0)
                    continue
                run = next_run(unfinished, self._turns)
                ended = self._attempt(run)
                self._turns[run.requester] = max(self._turns.values(), default=0) + 1
            except Exception:  # a full disk, say: another attempt; the log has the traceback
                log.exception("the queue was delayed")
                ended = False
            if ended:
                waits.after_success()
            else:
                self._wake.clear()
                self._wake.wait(waits.after_failure())

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()

    def _attempt(self, run: Run) -> bool:
        """Make one attempt at a run; return whether the run has ended with it."""
        if not self._runs.may_go_on(run.id):
            self._runs.change(run.id, status="stopped")
            self._runs.event(run.id, "stopped", model="")
            return True
        try:
            if run.flower_run:
                self._control.stop_run(run.flower_run)
            prepare(run, self._runs)
            link = self._superlink.link
            self._over.clear()
            number = self._control.start_run(run.id)
            self._runs.change(run.id, flower_run=number)
        except UnreachableError as e:
            log.warning("run %s waits: %s", run.id, e.message)
            return False
        except RunError as e:
            self._runs.change(run.id, status="failed", error=e.message, hint=e.hint)
            self._runs.event(run.id, "failed", error=e.message, hint=e.hint)
            return True
        # a SuperLink that was started anew may never hand the attempt to the executor
        while not self._over & {number, LOST} and self._superlink.link is link:
            if self._stopping.is_set():
                return False
            self._pause(1.0)
        return self._runs.get(run.id).status in ENDED
