"""A plan is looked at without a start, and what hinders it refuses the start by the same words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan
from hepafed.common.errors import PlanError
from hepafed.common.records import write_record
from hepafed.server.coordinator.preparation import INITIAL, StartingWeights

from .gates import PLAN, Gate, said

FILE = "/data/net.safetensors"
FROM_FILE = replace(PLAN, model=ModelPlan(weights=FILE))


def body(plan: Plan) -> dict[str, Any]:
    return {"plan": write_record(plan)}


def looked_at(gate: Gate, plan: Plan) -> dict[str, str]:
    answer = gate("POST", "/api/train/check", "ann", json=body(plan))
    assert answer.status_code == 200, answer.text
    return {line["name"]: line["state"] for line in answer.json()["lines"]}


def test_a_look_at_a_plan_starts_and_writes_nothing(gate: Gate) -> None:
    gate.site("a")
    before = sorted(gate.home.rglob("*"))
    found = looked_at(gate, FROM_FILE)
    assert found == {
        "quorum": "pass", "protocol": "note", "disk": "pass", "weights": "pass", "time": "note",
        "bytes": "note",
    }  # fmt: skip
    assert sorted(gate.home.rglob("*")) == before
    assert (gate.stores.runs.all(), gate.woken) == ([], 0)


def test_a_start_is_refused_for_all_that_a_look_shows_as_failing(gate: Gate) -> None:
    gate.free = 10
    plan = replace(PLAN, rounds=RoundsPlan(quorum=3))
    found = looked_at(gate, plan)
    assert [n for n, state in found.items() if state == "fail"] == ["quorum", "disk"]
    answer = gate("POST", "/api/train", "ann", json=body(plan))
    code, words = said(answer)
    assert code == 403
    assert len(words.splitlines()) == 2
    assert "--check" in answer.json()["hint"]
    assert gate.stores.runs.all() == []


def test_a_run_starts_from_weights_that_were_made_before_it_was_queued(gate: Gate) -> None:
    gate.site("a")

    def make(plan: Plan, out: Path | None) -> StartingWeights:
        assert plan == FROM_FILE
        assert out is not None
        out.write_bytes(b"weights")
        return StartingWeights(("it starts anew",), "f" * 64)

    gate.make = make
    answer = gate("POST", "/api/train", "ann", json=body(FROM_FILE))
    assert answer.status_code == 200, answer.text
    (run,) = gate.stores.runs.all()
    assert (gate.stores.runs.folder(run.id) / INITIAL).read_bytes() == b"weights"
    (event,) = gate.stores.runs.events(run.id)
    assert (event["event"], event["file"]) == ("weights", "net.safetensors")
    assert (event["notes"], event["sha256"]) == (["it starts anew"], "f" * 64)
    assert gate.woken == 1
    assert [p.name for p in gate.home.glob(".*")] == []


def test_weights_that_cannot_be_used_are_refused_before_there_is_a_run(gate: Gate) -> None:
    gate.site("a")

    def make(_plan: Plan, out: Path | None) -> StartingWeights:
        if out is not None:
            out.write_bytes(b"half")
        raise PlanError("model.weights: net.safetensors is damaged", "export it again")

    gate.make = make
    answer = gate("POST", "/api/train", "ann", json=body(FROM_FILE))
    assert said(answer) == (400, "model.weights: net.safetensors is damaged")
    assert answer.json()["hint"] == "export it again"
    assert looked_at(gate, FROM_FILE)["weights"] == "fail"
    assert (gate.stores.runs.all(), gate.woken) == ([], 0)
    assert [p.name for p in gate.home.glob(".*")] == []


@pytest.mark.parametrize("path", ["/api/train", "/api/train/check"])
@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"model": {"weights": "/" + "a" * 4096}}, 400, "plan.model.weights: expected text of"),
        ({"model": {"weights": "/a\0b"}}, 200, ""),
        ({"protocol": "t2" * 10**5}, 400, "protocol: 't2t2"),
        ({"name": "n" * 10**5}, 400, "name: 'nnn"),
        ({"rounds": {"quorum": 10**18}}, 400, "rounds.quorum: 1000000000000000000 is outside"),
        ({"colour": "red"}, 400, "unknown key plan.colour"),
        ({"rounds": {"count": float("1e999")}}, 400, "the request is not JSON"),
    ],
)
def test_a_plan_from_outside_is_bounded(
    gate: Gate, path: str, values: dict[str, Any], code: int, words: str
) -> None:
    gate.site("a")
    text = {"plan": {**write_record(PLAN), **values}}
    answer = (
        gate("POST", path, "ann", json=text)
        if code != 400 or "count" not in str(values)
        else gate("POST", path, "ann", content=b'{"plan": {"rounds": {"count": Infinity}}}')
    )
    assert answer.status_code == code, answer.text
    if words:
        assert answer.json()["error"].startswith(words)
        assert len(answer.content) < 1000


@pytest.mark.parametrize(("who", "words"), [("eva", "does not allow check-plan"), ("nobody", "")])
def test_only_the_coordinator_has_a_plan_looked_at(gate: Gate, who: str, words: str) -> None:
    code, text = said(gate("POST", "/api/train/check", who, json=body(PLAN)))
    assert code == 403
    assert words in text


def test_a_path_that_is_not_whole_is_refused(gate: Gate) -> None:
    gate.site("a")
    plan = replace(PLAN, model=ModelPlan(weights="net.safetensors"))
    assert said(gate("POST", "/api/train", "ann", json=body(plan))) == (
        403,
        "model.weights must be a full path at the coordinator",
    )
    assert looked_at(gate, plan)["weights"] == "fail"
