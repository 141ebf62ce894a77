"""`server start`: SuperLink, executor and run queue behind the gateway, in one process."""

import json
import logging
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hepafed.common.contract import Plan, RoundsPlan, plan_from
from hepafed.common.disclosure import fingerprint
from hepafed.common.errors import RefusedError, RunError, UnreachableError
from hepafed.common.files import write_whole
from hepafed.common.records import write_record
from hepafed.common.retry import backoff
from hepafed.server.coordinator.conductor import Conductor
from hepafed.server.flower import LOST, Executor, SuperLink
from hepafed.server.members import Admission, Members, SiteEntry
from hepafed.server.models import Registry
from hepafed.server.runs import ENDED, Blobs, Desk, Inbox, Run, Runs
from hepafed.server.validation import DEFAULT_WAIT, Asked, fitting

log = logging.getLogger("hepafed.server")
COHORT_SECONDS = 60
"""How long the sites have to say what their cohorts look like."""
SHORT_LIFE_SECONDS = 20.0
"""A SuperLink that lived shorter than this waits longer before its next start."""
LONGEST_WAIT_SECONDS = (60.0, 10.0)
"""Before the next start of a SuperLink that dies; before the next attempt at a run."""


class Coordinator:
    """Everything of a running coordinator but the network."""

    def __init__(self, home: Path) -> None:
        self._enrolling = threading.Lock()
        self.members = Members(home)
        self.admission = Admission(home, self.members)
        self.link = SuperLink(home)
        self.desk = Desk(Runs(home), Blobs(home), Inbox(home), Registry(home))
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._over: set[int] = set()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the SuperLink, the executor and the queue; unfinished runs go on."""
        self.desk.blobs.clear()
        self.link.start()
        conductor = Conductor(self.desk, self.members)
        executor = Executor(self.link, conductor, self._stopping, self._attempt_over)
        for name, target in (
            ("executor", executor.serve),
            ("queue", self._serve_queue),
            ("supervisor", self._supervise),
        ):
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End everything; a run under way goes on at the next start."""
        self._stopping.set()
        self._wake.set()
        self.link.stop()
        for thread in self._threads:
            thread.join(2)
        self.link.stop()  # one that the supervisor was just starting

    def _supervise(self) -> None:
        """Start the SuperLink again whenever it has died: its state lies on disk."""
        failures, started = 0, time.monotonic()
        while not self._stopping.wait(0.5):
            if self.link.alive:
                continue
            short = time.monotonic() - started < SHORT_LIFE_SECONDS
            failures = failures + 1 if short else 0
            wait = backoff(failures, LONGEST_WAIT_SECONDS[0])
            log.error("the SuperLink ended; again in %.0f s (see flower/superlink.log)", wait)
            if self._stopping.wait(wait):
                return
            started = time.monotonic()
            try:
                self.link.start()
                self._wake.set()
            except (RunError, OSError) as e:
                log.error("the SuperLink does not start: %s", e)

    def _serve_queue(self) -> None:
        """Have the oldest unfinished run conducted, one at a time, whatever becomes of one."""
        failures = 0
        while not self._stopping.is_set():
            try:
                unfinished = [r for r in self.desk.runs.all() if r.status not in ENDED]
                if not unfinished:
                    self._wake.wait(1.0)
                    self._wake.clear()
                    continue
                ended = self._attempt(unfinished[0])
            except Exception:  # a full disk, say: another attempt; the log has the traceback
                log.exception("the queue was held up")
                ended = False
            failures = 0 if ended else failures + 1
            if failures:
                self._wake.clear()
                self._wake.wait(backoff(failures - 1, LONGEST_WAIT_SECONDS[1]))

    def _attempt_over(self, flower_run: int) -> None:
        self._over.add(flower_run)
        self._wake.set()

    def _attempt(self, run: Run) -> bool:
        """Make one attempt at a run; returns whether the run has ended with it."""
        if not self.desk.runs.may_go_on(run.id):
            self.desk.runs.change(run.id, status="stopped")
            self.desk.runs.event(run.id, "stopped", model="")
            return True
        try:
            if run.flower_run:
                self.link.stop_run(run.flower_run)
            self._prepare(run)
            link = self.link.link
            self._over.clear()
            number = self.link.start_run(run.id)
            self.desk.runs.change(run.id, flower_run=number)
        except UnreachableError as e:
            log.warning("run %s waits: %s", run.id, e.message)
            return False
        except RunError as e:
            self.desk.runs.change(run.id, status="failed", error=e.message, hint=e.hint)
            self.desk.runs.event(run.id, "failed", error=e.message, hint=e.hint)
            return True
        # a SuperLink that was started anew may never hand the attempt to the executor
        while not self._over & {number, LOST} and self.link.link is link:
            if self._stopping.is_set():
                return False
            self._wake.wait(1.0)
            self._wake.clear()
        return self.desk.runs.get(run.id).status in ENDED

    def _prepare(self, run: Run) -> None:
        """Make a training's initial weights, once, in a process of its own."""
        folder = self.desk.runs.folder(run.id)
        initial = folder / "initial.safetensors"
        if run.kind != "train" or initial.exists():
            return
        self.desk.runs.event(run.id, "preparing")
        write_whole(folder / "plan.json", json.dumps(write_record(run.plan)))
        made = subprocess.run(
            [
                sys.executable,
                "-m",
                "hepafed.server.training.initial_weights",
                str(folder / "plan.json"),
                str(initial),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            log.error("initial weights of %s: %s", run.id, made.stderr[-4000:])
            first = (made.stderr.strip().splitlines() or [""])[0] if made.returncode == 1 else ""
            raise RunError(f"the initial weights could not be made {first[:300]}", "see server.log")

    # What the API asks for

    def enrol(self, token: str, public_key: str, own: str) -> SiteEntry:
        """Spend an invite; the key that spent it may ask again, with the same result.

        `own` is the SHA-256, in hex, of the token that the site made for itself.
        """
        now = datetime.now(UTC)
        with self._enrolling:
            known = self.members.enrolled_before(token, public_key, own, now)
            if known is not None:
                return known
            entry = self.members.invited(token, now)
            node = self.link.register(public_key, entry.site)
            return self.members.enrol(entry, public_key, own, node, now)

    def revoke(self, site: str) -> None:
        """Shut a site out of Fleet, weights and later runs."""
        entry = self.members.revoke(site)
        try:
            if entry.node:
                self.link.unregister(entry.node)
        except UnreachableError as e:  # the gateway lets it in no more, whatever Flower knows
            log.warning("%s is revoked, but Flower was not told: %s", site, e.message)

    def online(self) -> set[str]:
        """Name the sites whose node is connected."""
        nodes = self.link.online_nodes()
        return {s.site for s in self.members.sites().values() if s.node in nodes and not s.revoked}

    def train(self, plan: object) -> Run:
        """Queue a training; RefusedError when its quorum is not online."""
        checked: Plan = plan_from(plan)
        self._need("train", checked.rounds.quorum)
        return self._queued(self.desk.runs.create("train", checked))

    def validate(self, asked: Asked) -> Run:
        """Queue a validation of a frozen model; its evaluation is kept before any score exists."""
        card = self.desk.registry.card(asked.model)
        asked = fitting(asked, card, self.desk.registry.all())
        self._comparable(asked)
        role = "train" if asked.split == "test" else "validate"
        known = {
            name: s
            for name, s in self.members.sites().items()
            if s.node and s.role == role and not s.revoked
        }
        for site in asked.sites:
            if site not in known:
                raise RefusedError(
                    f"{site[:40]} is not an enrolled {role} site", "see server sites"
                )
        if not asked.sites and not asked.wait:
            self._need(role, 1)
        return self._queued(
            self.desk.runs.create(
                "validate",
                plan_from(card.plan),
                promise=asked.evaluation,
                model=asked.model,
                against=asked.against,
                split=asked.split,
                sites=tuple(sorted(set(asked.sites or known))),
                wait=asked.wait or DEFAULT_WAIT,
                subgroups=asked.subgroups,
            )
        )

    def _comparable(self, asked: Asked) -> None:
        """Refuse a comparison with a model that is not there, or is the same."""
        digests = [self.desk.registry.card(m).sha256 for m in (asked.model, *asked.against)]
        if len(set(digests)) < len(digests):
            raise RefusedError("a model is to be compared with itself", "name other models")

    def cohort(self, sites: list[str]) -> Run:
        """Queue the question what the sites' cohorts look like."""
        known = {s for s, e in self.members.sites().items() if e.node and not e.revoked}
        for site in sites:
            if site not in known:
                raise RefusedError(f"{site[:40]} is not an enrolled site", "see server sites")
        if not self.online():
            raise RefusedError("no site is online", "see server sites")
        plan = Plan(name="cohort", protocol="t2", rounds=RoundsPlan(deadline=COHORT_SECONDS))
        return self._queued(self.desk.runs.create("cohort", plan, sites=tuple(sorted(set(sites)))))

    def _need(self, role: str, count: int) -> None:
        online = self.online()
        ready = [s for s, e in self.members.sites().items() if s in online and e.role == role]
        if len(ready) < count:
            raise RefusedError(
                f"{len(ready)} {role} sites are online, {count} are needed", "see server sites"
            )

    def _queued(self, run: Run) -> Run:
        self._wake.set()
        return run

    def stop_run(self, run: str) -> Run:
        """Have a run stop before its next step."""
        known = self.desk.runs.get(run)
        if known.status in ENDED:
            raise RefusedError(f"{run} has ended already: {known.status}")
        self.desk.runs.ask_to_stop(run)
        return self._queued(known)

    def resume_run(self, run: str) -> Run:
        """Queue a stopped or failed run again; it goes on at its last completed round."""
        known = self.desk.runs.get(run)
        if known.status not in ("stopped", "failed"):
            raise RefusedError(f"{run} is {known.status}; only a stopped or failed run resumes")
        self.desk.runs.clear_stop(run)
        return self._queued(self.desk.runs.change(run, status="queued", error="", hint=""))

    def describe_sites(self) -> list[dict[str, Any]]:
        """List the sites for people."""
        online = self.online()
        return [
            {
                "site": s.site,
                "role": s.role,
                "state": "revoked" if s.revoked else "enrolled" if s.node else "invited",
                "online": s.site in online,
                "fingerprint": fingerprint(s.public_key) if s.public_key else "",
                "enrolled": s.enrolled,
                "expires": s.expires if s.invite else "",
            }
            for s in self.members.sites().values()
        ]
