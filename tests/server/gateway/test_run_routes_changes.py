"""What a person changes of a run: it is stopped, resumed, and aimed anew; how many may wait."""

from typing import Any

import pytest
from hepafed.common.contract.plan import Plan, TrainingPlan
from hepafed.server.runs.store import Run

from .gates import PLAN, Gate, said


def new(gate: Gate, kind: str = "train", **values: Any) -> Run:  # noqa: ANN401
    return gate.stores.runs.create(kind, PLAN, **values)


def test_a_run_is_stopped_and_resumed(gate: Gate) -> None:
    other, run = new(gate), new(gate)
    answer = gate("POST", f"/api/runs/{run.id}/stop", "ann", json={})
    assert (answer.status_code, answer.json()["id"]) == (200, run.id)
    assert not gate.stores.runs.may_go_on(run.id)
    assert gate.stores.runs.may_go_on(other.id)
    assert said(gate("POST", f"/api/runs/{run.id}/resume", "ann"))[0] == 403
    gate.stores.runs.change(run.id, status="stopped")
    answer = gate("POST", f"/api/runs/{run.id}/resume", "ann")
    assert (answer.json()["id"], answer.json()["status"]) == (run.id, "queued")
    assert gate.stores.runs.may_go_on(run.id)


def failed(gate: Gate, kind: str = "train", epochs: int = 1) -> str:
    plan = Plan(name="t", protocol="t2", training=TrainingPlan(epochs=epochs))
    run = gate.stores.runs.create(kind, plan)
    return gate.stores.runs.change(run.id, status="failed").id


def test_a_training_goes_on_with_another_rule_of_its_operating_point(gate: Gate) -> None:
    run = failed(gate)
    body = {"operating_point": {"rule": "sensitivity >= 0.9"}}
    answer = gate("POST", f"/api/runs/{run}/resume", "ann", json=body)
    assert answer.json()["plan"]["operating_point"] == body["operating_point"]
    assert gate.stores.runs.get(run).plan.operating_point.rule == "sensitivity >= 0.9"
    (event,) = gate.stores.runs.events(run)
    assert (event["event"], event["rule"], event["before"]) == (
        "aimed",
        "sensitivity >= 0.9",
        "youden",
    )


@pytest.mark.parametrize("rule", ["specificity >= 1.5", "", 7, None])
def test_a_rule_that_cannot_be_changes_nothing(gate: Gate, rule: object) -> None:
    run = failed(gate)
    body = {"operating_point": {"rule": rule}}
    assert gate("POST", f"/api/runs/{run}/resume", "ann", json=body).status_code == 400
    assert gate.stores.runs.get(run).status == "failed"
    assert gate.stores.runs.events(run) == []


@pytest.mark.parametrize(("kind", "epochs"), [("validate", 1), ("cohort", 1), ("train", 0)])
def test_a_run_that_makes_no_model_takes_no_rule(gate: Gate, kind: str, epochs: int) -> None:
    run = failed(gate, kind, epochs)
    body = {"operating_point": {"rule": "youden"}}
    answer = gate("POST", f"/api/runs/{run}/resume", "ann", json=body)
    assert said(answer) == (403, f"{run} makes no model: it has no operating point")
    assert gate.stores.runs.get(run).status == "failed"
    assert gate("POST", f"/api/runs/{run}/resume", "ann", json={}).status_code == 200


def test_an_evaluator_has_so_many_runs_waiting_and_the_coordinator_can_stop_one(gate: Gate) -> None:
    """Twenty validations that wait for 7 days each once blocked the queue for days."""
    gate.site("a", "validate")
    body = {"model": gate.freeze(), "wait": 60.0}
    answers = [gate("POST", "/api/validate", "eva", json=body) for _ in range(7)]
    assert [a.status_code for a in answers] == [200] * 5 + [403] * 2
    assert said(answers[-1])[1] == "5 runs of eva have not ended; 5 are allowed"
    assert "ask the coordinator to stop one" in answers[-1].json()["hint"]
    first, second = (a.json()["id"] for a in answers[:2])
    assert {gate.stores.runs.get(r).requester for r in (first, second)} == {"eva"}
    gate.tokens["bob"] = gate.members.grant("bob", "evaluator")[0]
    assert gate("POST", "/api/validate", "bob", json=body).status_code == 200
    for _ in range(6):
        answer = gate("POST", "/api/validate", "ann", json=body)
        assert (answer.status_code, answer.json()["requester"]) == (200, "")
    assert gate("POST", f"/api/runs/{first}/stop", "eva", json={}).status_code == 403
    assert gate("POST", f"/api/runs/{first}/stop", "ann", json={}).status_code == 200
    assert gate("POST", "/api/validate", "eva", json=body).status_code == 200
    assert gate("POST", "/api/validate", "eva", json=body).status_code == 403
    gate.stores.runs.change(second, status="completed")
    assert gate("POST", "/api/validate", "eva", json=body).status_code == 200


def test_an_evaluator_s_validation_waits_an_hour_at_most(gate: Gate) -> None:
    gate.site("a", "validate")
    body = {"model": gate.freeze()}
    answer = gate("POST", "/api/validate", "eva", json={**body, "wait": 3600.5})
    assert said(answer) == (403, "an evaluator's validation waits 3600 s for sites at most")
    assert gate("POST", "/api/validate", "eva", json={**body, "wait": 3600}).status_code == 200
    week = {**body, "wait": 7 * 86400}
    assert gate("POST", "/api/validate", "ann", json=week).status_code == 200
