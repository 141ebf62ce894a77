"""A run that is conducted writes into its own history and folder."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from hepafed.common.contract.plan import Plan
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sites import Sites
from hepafed.server.runs.stores import Stores


def test_each_missing_site_is_a_line_of_the_runs_own_history(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    plan = Plan(name="demo", protocol="t2")
    other, run = (stores.runs.create("train", plan) for _ in range(2))
    live = LiveRun(run, stores, cast("Sites", None))
    live.note_missing({"b": "offline", "a": "refused: policy"}, round=2)
    lines = [{k: v for k, v in e.items() if k != "at"} for e in stores.runs.events(run.id)]
    assert lines == [
        {"event": "missing", "round": 2, "site": "a", "reason": "refused: policy"},
        {"event": "missing", "round": 2, "site": "b", "reason": "offline"},
    ]
    assert stores.runs.events(other.id) == []


def test_a_run_that_is_asked_to_stop_may_not_go_on(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    run = stores.runs.create("train", Plan(name="demo", protocol="t2"))
    live = LiveRun(run, stores, cast("Sites", None))
    assert live.may_go_on()
    stores.runs.ask_to_stop(run.id)
    assert not live.may_go_on()
    assert live.folder == stores.runs.folder(run.id)


def test_a_change_and_an_event_are_of_the_run_alone(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    other, run = (stores.runs.create("train", Plan(name="demo", protocol="t2")) for _ in range(2))
    live = LiveRun(run, stores, cast("Sites", None))
    live.change(round=3, model="m")
    live.event("round", number=3)
    assert stores.runs.get(run.id) == replace(run, round=3, model="m")
    assert live.run == run
    (event,) = stores.runs.events(run.id)
    assert (event["event"], event["number"]) == ("round", 3)
    assert stores.runs.get(other.id) == other
    assert stores.runs.events(other.id) == []
