"""Whose run is conducted next: requesters take turns, and what has begun goes on."""

import pytest
from hepafed.common.contract.plan import Plan
from hepafed.server.coordinator.queue import next_run
from hepafed.server.runs.store import Run


def run(name: str, requester: str = "", status: str = "queued") -> Run:
    plan = Plan(name="a", protocol="t2")
    return Run(id=name, kind="validate", plan=plan, created="", requester=requester, status=status)


def test_twenty_runs_of_one_evaluator_let_the_others_in_between() -> None:
    waiting = [*(run(f"e{n}", "eva") for n in range(20)), run("c1"), run("b1", "bob"), run("c2")]
    turns: dict[str, int] = {}
    order = []
    for turn in range(1, 7):
        chosen = next_run(waiting, turns)
        order.append(chosen.id)
        turns[chosen.requester] = turn
        waiting.remove(chosen)
    assert order == ["e0", "c1", "b1", "e1", "c2", "e2"]


@pytest.mark.parametrize("requester", ["eva", ""])
def test_a_run_that_has_begun_goes_on_before_any_other(requester: str) -> None:
    waiting = [run("first", "bob"), run("begun", requester, "running"), run("last")]
    assert next_run(waiting, {requester: 9}).id == "begun"


def test_the_runs_of_one_requester_keep_their_order() -> None:
    assert next_run([run("old"), run("new")], {"": 3}).id == "old"
