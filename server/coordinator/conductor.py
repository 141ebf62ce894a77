"""The ServerApp: Flower calls it for each attempt; it conducts the run that the attempt names."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hepafed.common.console import complain, say
from hepafed.common.errors import HepaFedError, UnreachableError
from hepafed.common.room import full_words, is_full, waiting_for_room
from hepafed.server.members import LedgerHeads, Members
from hepafed.server.runs import (
    ENDED,
    PERSON_SECONDS,
    LiveRun,
    Run,
    Sites,
    Stores,
    asked_study,
    sealing,
)
from hepafed.server.training import train
from hepafed.server.validation import survey, validate

log = logging.getLogger("hepafed.server")

PROCEDURES: Mapping[str, Callable[[LiveRun], str]] = {
    "train": train,
    "validate": validate,
    "cohort": survey,
}
"""The procedure by the run's kind.

Each returns the model's id, a word where there is no model, or "" when the run was stopped.
"""


class Conductor:
    """Calls the right procedure for a run and writes down how the run ended."""

    def __init__(
        self,
        stores: Stores,
        members: Members,
        heads: LedgerHeads,
        patience: float = PERSON_SECONDS,
        connections: Callable[[str], int] = lambda _site: 0,
    ) -> None:
        self._stores = stores
        self._members = members
        self._heads = heads
        self._patience = patience
        self._connections = connections

    def __call__(self, grid: Any, context: Any) -> None:  # noqa: ANN401 - Flower's Grid and Context
        """Conduct the run named in the attempt's configuration."""
        runs = self._stores.runs
        run = runs.get(str(context.run_config["hepafed-run"]))
        if run.status in ENDED:
            return
        run = runs.change(run.id, status="running", error="", hint="")
        live = LiveRun(run, self._stores, self._sites(run, grid))
        try:
            with waiting_for_room(partial(self._note_room, run.id), live.may_go_on):
                model = PROCEDURES[run.kind](live)
        except UnreachableError as e:  # this attempt is lost; the queue makes another one
            log.warning("run %s was interrupted: %s", run.id, e.message)
            live.change(status="queued")
            live.event("interrupted", reason=e.message)
        except HepaFedError as e:
            _fail(live, e.message, e.hint)
        except Exception as e:  # the run fails, the server goes on; the log has the traceback
            if is_full(e):  # another attempt, when there is room
                log.error("run %s waits: %s", run.id, full_words(self._stores.runs.home, 0))
                live.change(status="queued")
                live.event("interrupted", reason="the coordinator's disk is full")
                return
            log.exception("run %s failed", run.id)
            _fail(live, f"{type(e).__name__} in the coordinator", "see server.log")
        else:
            status = "completed" if model else "stopped"
            model = "" if run.kind == "cohort" or run.rehearses else model
            live.change(status=status, model=model or run.model)
            live.event(status, model=model)

    def _note_room(self, run: str, words: str) -> None:
        """Make known that a run waits for room on the disk, and that it goes on."""
        runs = self._stores.runs
        if words:
            runs.held[run] = words
            log.error("run %s waits: %s", run, words)
            complain(f"run {run} waits: {words}")
            return
        runs.event(run, "room", text=runs.held.pop(run, ""))
        say(f"run {run} goes on: there is room on the disk")

    def _sites(self, run: Run, grid: Any) -> Sites:  # noqa: ANN401 - Flower's Grid
        return Sites(
            grid,
            nodes=lambda: self._nodes(run),
            may_go_on=lambda: self._stores.runs.may_go_on(run.id),
            identities=lambda: {s.site: s.public_key for s in self._members.sites().values()},
            seal=sealing(self._stores, run),
            study=lambda: asked_study(self._stores, run),
            patience=self._patience,
            note=partial(self._stores.runs.event, run.id),
            heads=self._heads,
            connections=self._connections,
        )

    def _nodes(self, run: Run) -> dict[str, int]:
        """Return Flower's node of each site that a run may ask.

        A training and an internal test ask the sites of role train, an external validation those
        of role validate, a cohort survey all.
        """
        role = "train" if run.kind == "train" or run.split == "test" else "validate"
        return {
            s.site: int(s.node)
            for s in self._members.sites().values()
            if s.node and not s.revoked and (s.role == role or run.kind == "cohort")
        }


def _fail(live: LiveRun, error: str, hint: str) -> None:
    live.change(status="failed", error=error, hint=hint)
    live.event("failed", error=error, hint=hint)
