"""Whether a training can start: every reason against it at once, as `server train --check` says it.

`server train` refuses by the same lines.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from hepafed.common.console import FAIL, NOTE, PASS, CheckLine
from hepafed.common.contract import PROTOCOLS, Plan
from hepafed.common.errors import HepaFedError, RefusedError, UnreachableError
from hepafed.server.coordinator.estimate import Measured, disk_bytes, measured, needs
from hepafed.server.coordinator.membership import Membership
from hepafed.server.coordinator.preparation import Make
from hepafed.server.coordinator.protocol_facts import ProtocolFact, protocol_facts
from hepafed.server.members import Members
from hepafed.server.rehearsal import size_words, time_words
from hepafed.server.runs import ENDED, Runs

MOST_NAMES = 10
"""How many sites a line names."""


class PlanCheck:
    """Looks at a plan beside what the coordinator knows; starts and writes nothing."""

    def __init__(
        self,
        runs: Runs,
        members: Members,
        membership: Membership,
        free: Callable[[], int],
        make: Make,
    ) -> None:
        """`free()`: bytes that the disk of the coordinator's home has left."""
        self._runs, self._members, self._membership = runs, members, membership
        self._free, self._make = free, make

    def look(self, plan: Plan) -> list[CheckLine]:
        """Return a line for each thing that a run of this plan needs, and an estimate."""
        made = self.without_weights(plan)
        made.append(self._weights(plan))
        found = measured(self._runs, plan)
        made.append(_time(plan, found))
        made.append(_wire(plan, len(self._enrolled())))
        return made

    def without_weights(self, plan: Plan) -> list[CheckLine]:
        """Return the lines that need no look at the plan's file of weights."""
        enrolled = self._enrolled()
        made = [self._quorum(plan, enrolled)]
        if enrolled:
            made.append(_protocol(plan, enrolled, protocol_facts(self._runs, plan)))
        made += _batch(plan)
        made.append(self._disk(plan, len(enrolled)))
        return made

    def _enrolled(self) -> list[str]:
        sites = self._members.sites().values()
        return sorted(s.site for s in sites if s.node and not s.revoked and s.role == "train")

    def _quorum(self, plan: Plan, enrolled: list[str]) -> CheckLine:
        quorum = plan.rounds.quorum
        if len(enrolled) < quorum:
            return CheckLine(
                "quorum",
                FAIL,
                f"rounds.quorum is {quorum} training sites; enrolled: {_names(enrolled)}",
                "invite more sites (server invite SITE --role train), or state a smaller quorum",
            )
        try:
            online = sorted(self._membership.online() & {*enrolled})
        except UnreachableError as e:
            return CheckLine("quorum", FAIL, f"who is online is not known: {e.message}", e.hint)
        found = f"rounds.quorum is {quorum} training sites; online: {_names(online)}"
        if len(online) < quorum:
            away = _names([s for s in enrolled if s not in online])
            hint = "there: client start and client check; server sites shows who is online"
            return CheckLine("quorum", FAIL, f"{found}; offline: {away}", hint)
        return CheckLine("quorum", PASS, found)

    def _disk(self, plan: Plan, sites: int) -> CheckLine:
        need, free = disk_bytes(plan, sites), self._free()
        waiting = [r.plan for r in self._runs.all() if r.kind == "train" and r.status not in ENDED]
        others = sum(disk_bytes(p, sites) for p in waiting)
        found = f"{size_words(free)} free; the run needs {size_words(need)}"
        if waiting:
            found += f", and {len(waiting)} trainings before it {size_words(others)}"
        if free < need + others:
            hint = "free some disk space on the coordinator's machine"
            return CheckLine("disk", FAIL, found, hint)
        return CheckLine("disk", PASS, found)

    def _weights(self, plan: Plan) -> CheckLine:
        if not plan.model.weights:
            return CheckLine("weights", PASS, f"random, from seed {plan.seed}")
        try:
            must_be_full_path(plan)
            made = self._make(plan, None)
        except HepaFedError as e:
            return CheckLine("weights", FAIL, e.message, e.hint)
        said = "; ".join(made.notes) or "every tensor fits"
        return CheckLine("weights", PASS, f"{Path(plan.model.weights).name}: {said}")


def must_be_full_path(plan: Plan) -> None:
    """Refuse a file of weights that is named relative to a folder that is not known here."""
    if plan.model.weights and not Path(plan.model.weights).is_absolute():
        raise RefusedError(
            "model.weights must be a full path at the coordinator",
            "server train makes it of the plan file's folder",
        )


def must_pass(lines: Collection[CheckLine]) -> None:
    """Raise RefusedError with every line that fails; its hint is that of the only one."""
    failed = [line for line in lines if line.state == FAIL]
    if len(failed) == 1:
        raise RefusedError(failed[0].found, failed[0].hint)
    if failed:
        raise RefusedError(
            "\n".join(line.found for line in failed),
            "server train PLAN --check shows what to do for each",
        )


def _protocol(plan: Plan, enrolled: list[str], facts: Mapping[str, ProtocolFact]) -> CheckLine:
    name = f"{plan.protocol} ({', '.join(PROTOCOLS[plan.protocol])})"
    without = [s for s in enrolled if s in facts and facts[s].has is False]
    having = [s for s in enrolled if s in facts and facts[s].has]
    unknown = [s for s in enrolled if s not in without and s not in having]
    learn = "server cohort asks the sites (those with share_cohort_summary in site.toml answer)"
    found = f"examinations for {name}: "
    parts = [_counted(s, facts[s]) for s in having[:MOST_NAMES]]
    parts += [f"none at {_names(without)}"] if without else []
    parts += [f"not known for {_names(unknown)}"] if unknown else []
    found += "; ".join(parts)
    if len(enrolled) - len(without) < min(plan.rounds.quorum, len(enrolled)):
        hint = f"choose another protocol, or add data at the sites; then {learn}"
        return CheckLine("protocol", FAIL, found, hint)
    if unknown or without:
        return CheckLine("protocol", NOTE, found, learn if unknown else "")
    return CheckLine("protocol", PASS, found)


def _counted(site: str, fact: ProtocolFact) -> str:
    count = "some" if fact.patients is None else f"{fact.patients} patients"
    return f"{site} {count} ({fact.at[:10]})"


def _batch(plan: Plan) -> Iterator[CheckLine]:
    if plan.training.batch == 1 and plan.training.epochs and not plan.model.freeze_norm:
        yield CheckLine(
            "batch",
            FAIL,
            "training.batch is 1: BatchNorm cannot learn from single images",
            "state a batch of 2 or more, or model.freeze_norm = true",
        )


def _time(plan: Plan, found: Measured | None) -> CheckLine:
    rounds = plan.rounds.count
    if found is None:
        return CheckLine(
            "time",
            NOTE,
            "not known: no run of this network has measured a round here",
            "rehearse: start the same plan once with training.epochs = 0 and rounds.count = 1",
        )
    each = time_words(found.seconds)
    total = time_words(needs(plan, found.seconds).seconds)
    if found.trained or not plan.training.epochs:
        said = f"about {total}: {rounds} rounds of {each}, as in {found.run}"
    else:
        said = (
            f"at least {total}: {rounds} rounds of {each} without the training, as in the "
            f"rehearsal {found.run}; the sites' training comes on top"
        )
    if found.longest > plan.rounds.deadline:
        said += f". A round there took up to {time_words(found.longest)}"
        hint = f"rounds.deadline is {time_words(plan.rounds.deadline)}: state a longer one"
        return CheckLine("time", NOTE, said, hint)
    return CheckLine("time", NOTE, said)


def _wire(plan: Plan, sites: int) -> CheckLine:
    need = needs(plan, 0.0)
    said = f"each site receives {size_words(need.fetched)} and sends {size_words(need.sent)}"
    if sites > 1:
        both = (need.fetched + need.sent) * sites
        said += f"; {size_words(both)} at the coordinator with {sites} sites"
    return CheckLine("bytes", NOTE, said)


def _names(sites: list[str]) -> str:
    more = f" and {len(sites) - MOST_NAMES} more" if len(sites) > MOST_NAMES else ""
    return (", ".join(sites[:MOST_NAMES]) or "none") + more
