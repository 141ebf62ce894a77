"""What a coordinator knows of sites, runs and its disk, and a look at a plan over it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hepafed.common.console import CheckLine
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.files import write_whole
from hepafed.common.json_file import sealed
from hepafed.server.coordinator.plan_check import PlanCheck
from hepafed.server.coordinator.preparation import StartingWeights
from hepafed.server.members.roster import SiteEntry
from hepafed.server.runs.store import Run, Runs

PLAN = Plan(name="a", protocol="t2-dwi", rounds=RoundsPlan(count=20, quorum=2))
PLENTY = 10**12
BEGAN = datetime(2026, 1, 1, 23, 59, tzinfo=UTC)


@dataclass
class Known:
    """What a coordinator knows, and a check over it."""

    home: Path
    sites: dict[str, SiteEntry] = field(default_factory=dict)
    online: set[str] | None = None
    free: int = PLENTY
    make: Callable[[Plan, Path | None], StartingWeights] = lambda _plan, _out: StartingWeights(
        (), ""
    )

    def __post_init__(self) -> None:
        self.runs = Runs(self.home)

    def site(self, name: str, role: str = "train", **values: Any) -> None:  # noqa: ANN401
        self.sites[name] = SiteEntry(site=name, role=role, **{"node": "7", **values})

    def who_is_online(self) -> set[str]:
        if self.online is None:
            return {*self.sites}
        return self.online

    def look(self, plan: Plan = PLAN) -> dict[str, CheckLine]:
        membership = SimpleNamespace(online=self.who_is_online)
        members = SimpleNamespace(sites=lambda: self.sites)
        check = PlanCheck(
            self.runs, cast("Any", members), cast("Any", membership), lambda: self.free, self.make
        )
        lines = check.look(plan)
        found = {line.name: line for line in lines}
        assert len(found) == len(lines)
        return found

    def survey(self, answers: dict[str, int | None], *silent: str) -> Run:
        """Keep the answers of a survey: patients with T2 and DWI."""
        run = self.runs.create("cohort", Plan(name="cohort", protocol="t2"))
        sites = {s: {"by_protocol": {"t2": 50, "t2-dwi": n}} for s, n in answers.items()}
        content = {"sites": sites, "missing": dict.fromkeys(silent, "refused")}
        write_whole(self.runs.folder(run.id) / "cohort.json", sealed(content))
        return run

    def trained(self, plan: Plan, *seconds: float, status: str = "completed") -> Run:
        """Keep a run with rounds of so many seconds."""
        run = self.runs.create("train", plan)
        for n, took in enumerate(seconds, 1):
            for kind, at in (("round", BEGAN), ("done", BEGAN + timedelta(seconds=took))):
                self.runs.event(run.id, kind, at=at.isoformat(), round=n)
        return self.runs.change(run.id, status=status)
