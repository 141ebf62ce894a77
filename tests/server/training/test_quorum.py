"""A round begins when the plan's quorum is online, and no later than its deadline."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.errors import RunError
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.stores import Stores
from hepafed.server.training.quorum import wait_for_quorum

PLAN = Plan(name="a", protocol="t2", rounds=RoundsPlan(quorum=2, deadline=30))


@dataclass
class Coming:
    """Sites that come online at a second of the clock, which begins at 500."""

    at: dict[str, float]
    now: float = 500.0
    waits: list[float] = field(default_factory=list)
    stop_at: float = float("inf")
    live: LiveRun | None = None

    def online(self) -> list[str]:
        return sorted(s for s, at in self.at.items() if self.now - 500 >= at)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        if self.now - 500 >= self.stop_at and self.live is not None:
            self.live.stores.runs.ask_to_stop(self.live.run.id)

    def wait(self, home: Path) -> list[str]:
        stores = Stores(home)
        self.live = LiveRun(stores.runs.create("train", PLAN), stores, self)  # type: ignore[arg-type]
        return wait_for_quorum(self.live, clock=lambda: self.now, sleep=self.sleep)

    def said(self) -> list[dict[str, object]]:
        assert self.live is not None
        events = self.live.stores.runs.events(self.live.run.id)
        return [{k: v for k, v in e.items() if k != "at"} for e in events]


def test_exactly_the_quorum_is_enough_and_nothing_is_waited(tmp_path: Path) -> None:
    sites = Coming({"b": 0, "a": 0})
    assert sites.wait(tmp_path) == ["a", "b"]
    assert (sites.waits, sites.said()) == ([], [])


def test_whoever_is_online_takes_part_beyond_the_quorum(tmp_path: Path) -> None:
    assert Coming({"c": 0, "b": 0, "a": 0, "d": 1}).wait(tmp_path) == ["a", "b", "c"]


def test_one_below_the_quorum_is_waited_for_twice_a_second_and_said_once(tmp_path: Path) -> None:
    sites = Coming({"a": 0, "b": 29.8})
    assert sites.wait(tmp_path) == ["a", "b"]
    assert sites.waits == [0.5] * 60
    assert sites.said() == [{"event": "waiting", "online": ["a"], "quorum": 2}]


def test_past_the_deadline_the_run_fails_and_says_who_is_missing(tmp_path: Path) -> None:
    sites = Coming({"a": 0, "b": 31})
    with pytest.raises(RunError, match="quorum is 2 training sites; now online: 1") as caught:
        sites.wait(tmp_path)
    assert sites.now == 530.5
    assert sites.live is not None
    assert caught.value.hint.endswith(f"server resume {sites.live.run.id}")


def test_a_run_that_is_stopped_waits_no_longer_and_has_no_sites(tmp_path: Path) -> None:
    sites = Coming({"a": 0, "b": 20}, stop_at=3)
    assert sites.wait(tmp_path) == []
    assert sites.now == 503
