"""The ServerApp: Flower calls it for each attempt; it conducts the run that the attempt names."""

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from hepafed.common.errors import HepaFedError, UnreachableError
from hepafed.server.members import Members
from hepafed.server.runs import ENDED, Desk, Exchange, Run
from hepafed.server.training import train
from hepafed.server.validation import survey, validate

log = logging.getLogger("hepafed.server")

PROCEDURES: Mapping[str, Callable[[Run, Desk, Exchange], str]] = {
    "train": train,
    "validate": validate,
    "cohort": survey,
}
"""By the run's kind; each returns the model, a word where there is none, or "" when stopped."""


class Conductor:
    """Calls the right procedure for a run and keeps how it ended."""

    def __init__(self, desk: Desk, members: Members) -> None:
        self._desk = desk
        self._members = members

    def __call__(self, grid: Any, context: Any) -> None:  # noqa: ANN401 - Flower's Grid and Context
        """Conduct the run named in the attempt's configuration."""
        run = self._desk.runs.get(str(context.run_config["hepafed-run"]))
        if run.status in ENDED:
            return
        run = self._desk.runs.change(run.id, status="running", error="", hint="")
        exchange = Exchange(
            grid,
            lambda: self._nodes(run),
            lambda: self._desk.runs.may_go_on(run.id),
            lambda: {s.site: s.public_key for s in self._members.sites().values()},
        )
        try:
            model = PROCEDURES[run.kind](run, self._desk, exchange)
        except UnreachableError as e:  # this attempt is lost; the queue makes another one
            log.warning("run %s was interrupted: %s", run.id, e.message)
            self._desk.runs.change(run.id, status="queued")
            self._desk.runs.event(run.id, "interrupted", reason=e.message)
        except HepaFedError as e:
            self._fail(run, e.message, e.hint)
        except Exception as e:  # the run fails, the server goes on; the log has the traceback
            log.error("run %s failed\n%s", run.id, traceback.format_exc())
            self._fail(run, f"{type(e).__name__} in the coordinator", "see server.log")
        else:
            status = "completed" if model else "stopped"
            model = "" if run.kind == "cohort" else model
            self._desk.runs.change(run.id, status=status, model=model or run.model)
            self._desk.runs.event(run.id, status, model=model)

    def _fail(self, run: Run, error: str, hint: str) -> None:
        self._desk.runs.change(run.id, status="failed", error=error, hint=hint)
        self._desk.runs.event(run.id, "failed", error=error, hint=hint)

    def _nodes(self, run: Run) -> dict[str, int]:
        """Sites that a run may ask: for training and the internal test those of role train.

        What their cohorts look like may be asked of all.
        """
        role = "train" if run.kind == "train" or run.split == "test" else "validate"
        return {
            s.site: int(s.node)
            for s in self._members.sites().values()
            if s.node and not s.revoked and (s.role == role or run.kind == "cohort")
        }
