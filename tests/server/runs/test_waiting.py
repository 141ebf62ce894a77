"""Who waits for a person is told which plan or model it is, and the command that allows it."""

from dataclasses import replace

import pytest
from hepafed.common.contract import plan_digest
from hepafed.common.contract.messages import (
    CohortRequest,
    ComparedModel,
    CompareRequest,
    TrainRequest,
    TuneRequest,
    ValidateRequest,
)
from hepafed.common.contract.plan import Plan
from hepafed.server.runs.waiting import allow_command, thing_of, waits_for_person

PLAN = Plan(name="t2-plan", protocol="t2", study="liver")
MODELS = tuple(
    ComparedModel(model=f"m-{w}", plan=PLAN, weights=w * 64, threshold=0.5) for w in "ab"
)


@pytest.mark.parametrize(
    ("question", "digest", "thing"),
    [
        (TrainRequest(run="r", round=1, plan=PLAN, weights=""), plan_digest(PLAN), "plan t2-plan"),
        (TuneRequest(run="r", round=1, plan=PLAN, weights=""), plan_digest(PLAN), "plan t2-plan"),
        (TuneRequest(run="r", round=1, plan=PLAN, weights=""), "b" * 64, ""),
        (
            ValidateRequest(
                run="r", model="m-1", plan=PLAN, weights="a" * 64, threshold=0.5, split="test"
            ),
            "a" * 64,
            "model m-1",
        ),
        (CompareRequest(run="r", split="test", models=MODELS), "b" * 64, "model m-b"),
        (CompareRequest(run="r", split="test", models=MODELS), "c" * 64, ""),
        (CohortRequest(run="r"), "a" * 64, ""),
    ],
    ids=["train", "tune", "no plan of it", "validate", "compare", "no model of it", "cohort"],
)
def test_the_plan_or_model_is_named_and_a_wrong_digest_names_nothing(
    question: object, digest: str, thing: str
) -> None:
    assert thing_of(question, digest) == thing


def test_the_reason_gives_the_study_in_the_command() -> None:
    assert waits_for_person("b", "liver") == (
        "waits for a person at b, who types there: client allow --study liver"
    )
    assert allow_command("") == "client pending, then client allow"
    other = replace(PLAN, seed=8)
    assert thing_of(TrainRequest(run="r", round=1, plan=other, weights=""), plan_digest(PLAN)) == ""
