"""What people ask: a training, a validation, a cohort survey; that a run stops or resumes."""

import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hepafed.common.console import CheckLine
from hepafed.common.contract import OperatingPointPlan, Plan, RoundsPlan, plan_from
from hepafed.common.errors import RefusedError
from hepafed.common.files import UNFINISHED
from hepafed.server.coordinator.membership import Membership
from hepafed.server.coordinator.plan_check import PlanCheck, must_be_full_path, must_pass
from hepafed.server.coordinator.preparation import INITIAL, Make, make_for_person
from hepafed.server.members import Members
from hepafed.server.models import Registry
from hepafed.server.runs import ENDED, Run, Runs
from hepafed.server.validation import DEFAULT_WAIT, Asked, fitting

COHORT_SECONDS = 60
"""How long the sites have to say what their cohorts look like."""
SITES_HINT = "see server sites"
MOST_QUEUED = 5
"""Runs of one evaluator that have not ended."""
LONGEST_EVALUATOR_WAIT = 3600.0
"""Seconds that a validation of an evaluator may wait for sites: the queue waits with it."""


class Requests:
    """Checks what is asked and queues it; `wake` tells the queue.

    Every method raises RefusedError when what is asked cannot be done.
    """

    def __init__(
        self,
        runs: Runs,
        registry: Registry,
        members: Members,
        membership: Membership,
        wake: Callable[[], None],
        make: Make = make_for_person,
        free: Callable[[Path], int] = lambda home: shutil.disk_usage(home).free,
    ) -> None:
        """`free(home)`: bytes that are left on the disk of the coordinator's home."""
        self._runs = runs
        self._registry = registry
        self._members = members
        self._membership = membership
        self._wake = wake
        self._make = make
        self._check = PlanCheck(runs, members, membership, lambda: free(runs.home), make)
        self._queuing = threading.Lock()

    def check(self, plan: Plan) -> list[CheckLine]:
        """Return everything that a training of this plan needs, and an estimate; start nothing."""
        return self._check.look(plan)

    def train(self, plan: Plan) -> Run:
        """Queue a training that can start; where it starts from a file, its weights are made now.

        Raises
        ------
        RefusedError
            For every reason that `check` shows as failing.
        PlanError, RunError, BusyError
            The file of weights cannot be used, or not now.
        """
        must_pass(self._check.without_weights(plan))
        if not plan.model.weights:
            return self._queued(self._runs.create("train", plan))
        must_be_full_path(plan)
        weights = self._runs.home / f".{INITIAL}.{secrets.token_hex(4)}{UNFINISHED}"
        try:
            made = self._make(plan, weights)
            name = Path(plan.model.weights).name
            run = self._runs.create("train", plan, files={INITIAL: weights})
            self._runs.event(run.id, "weights", file=name, notes=made.notes, sha256=made.sha256)
        finally:
            weights.unlink(missing_ok=True)
        return self._queued(run)

    def validate(self, asked: Asked, requester: str = "") -> Run:
        """Queue a validation of a frozen model; its evaluation is kept before any score exists.

        `requester` is the evaluator who asks, "" for the coordinator.
        """
        if requester and asked.wait > LONGEST_EVALUATOR_WAIT:
            raise RefusedError(
                f"an evaluator's validation waits {LONGEST_EVALUATOR_WAIT:.0f} s for sites at most",
                "ask with a shorter wait, or ask the coordinator to start it",
            )
        card = self._registry.card(asked.model)
        asked = fitting(asked, card, self._registry.all())
        self._comparable(asked)
        role = "train" if asked.split == "test" else "validate"
        known = self._enrolled(role)
        _must_be_among(asked.sites, known, f"enrolled {role} site")
        if not asked.sites and not asked.wait:
            self._need(role, 1)
        with self._queuing:
            self._has_room(requester)
            return self._queued(
                self._runs.create(
                    "validate",
                    plan_from(card.plan),
                    promise=asked.evaluation,
                    model=asked.model,
                    against=asked.against,
                    split=asked.split,
                    sites=tuple(sorted(set(asked.sites or known))),
                    wait=asked.wait or DEFAULT_WAIT,
                    subgroups=asked.subgroups,
                    requester=requester,
                )
            )

    def _has_room(self, requester: str) -> None:
        """Refuse an evaluator with `MOST_QUEUED` runs that are neither ended nor told to stop."""
        own = [r for r in self._runs.all() if requester and r.requester == requester]
        waiting = [r for r in own if r.status not in ENDED and self._runs.may_go_on(r.id)]
        if len(waiting) >= MOST_QUEUED:
            raise RefusedError(
                f"{len(waiting)} runs of {requester} have not ended; {MOST_QUEUED} are allowed",
                "wait until one has ended (server runs), or ask the coordinator to stop one",
            )

    def _comparable(self, asked: Asked) -> None:
        """Refuse a comparison with a model that is not there, or is the same."""
        digests = [self._registry.card(m).sha256 for m in (asked.model, *asked.against)]
        if len(set(digests)) < len(digests):
            raise RefusedError("a model cannot be compared with itself", "name other models")

    def survey(self, sites: tuple[str, ...]) -> Run:
        """Queue the question what cohorts look like, of these sites or, without any, of all."""
        _must_be_among(sites, self._enrolled(), "enrolled site")
        if not self._membership.online():
            raise RefusedError("no site is online", SITES_HINT)
        plan = Plan(name="cohort", protocol="t2", rounds=RoundsPlan(deadline=COHORT_SECONDS))
        return self._queued(self._runs.create("cohort", plan, sites=tuple(sorted(set(sites)))))

    def stop(self, run: str) -> Run:
        """Have a run stop before its next step."""
        known = self._runs.get(run)
        if known.status in ENDED:
            raise RefusedError(
                f"{run} has ended already: {known.status}",
                "nothing is left to stop; see server runs",
            )
        self._runs.ask_to_stop(run)
        return self._queued(known)

    def resume(self, run: str, operating_point: OperatingPointPlan | None = None) -> Run:
        """Queue a stopped or failed run again; it goes on at its last completed round.

        `operating_point` takes the place of the plan's own; the history says so. No site is told.
        """
        known = self._runs.get(run)
        if known.status not in ("stopped", "failed"):
            raise RefusedError(
                f"{run} is {known.status}; only a stopped or failed run can be resumed",
                "see server runs",
            )
        plan = known.plan
        if operating_point is not None:
            if known.kind != "train" or known.rehearses:
                raise RefusedError(
                    f"{run} makes no model: it has no operating point",
                    f"server resume {run}, without --operating-point",
                )
            before, plan = plan.operating_point.rule, replace(plan, operating_point=operating_point)
            self._runs.event(run, "aimed", rule=operating_point.rule, before=before)
        self._runs.clear_stop(run)
        return self._queued(self._runs.change(run, plan=plan, status="queued", error="", hint=""))

    def _enrolled(self, role: str = "") -> set[str]:
        """Return the sites that are enrolled and not revoked, of one role or of both."""
        sites = self._members.sites().values()
        return {s.site for s in sites if s.node and not s.revoked and role in ("", s.role)}

    def _need(self, role: str, count: int) -> None:
        online = self._membership.online()
        ready = [s for s, e in self._members.sites().items() if s in online and e.role == role]
        if len(ready) < count:
            raise RefusedError(
                f"{count} online {role} sites are needed; online now: {len(ready)}", SITES_HINT
            )

    def _queued(self, run: Run) -> Run:
        self._wake()
        return run


def _must_be_among(sites: tuple[str, ...], known: set[str], what: str) -> None:
    for site in sites:
        if site not in known:
            raise RefusedError(f"{site[:40]} is not an {what}", SITES_HINT)
