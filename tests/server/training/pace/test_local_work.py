"""The steps that a site states are those of the plan, and weigh as the optimiser makes them."""

from dataclasses import replace

import pytest
import torch
from hepafed.common.contract.local_work import MOST_ROUND_STEPS, rate_at
from hepafed.common.contract.messages import TrainReply
from hepafed.common.contract.plan import Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import PayloadError
from hepafed.server.training.pace import WHOLE, check_steps, counted_work, work_of
from hepafed.server.training.pace.local_work import effective_steps
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.training.answering import tuning

PLAN = Plan(
    name="a",
    protocol="t2",
    rounds=RoundsPlan(count=5, strategy="fednova"),
    training=TrainingPlan(batch=10, epochs=3, budget=60, schedule="constant"),
)
NONE = replace(PLAN, training=replace(PLAN.training, budget=0))
FEDAVG = replace(NONE, rounds=RoundsPlan(count=5))


def reply(steps: int, planned: int, examples: int = 95, round_: int = 1) -> TrainReply:
    """Make the reply of a site of 95 images: 10 batches an epoch, 30 steps."""
    return TrainReply(
        run="r", round=round_, update="0" * 64, examples=examples, loss=None, seconds=1.0,
        tuning=tuning(0.8), steps=steps, planned=planned,
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 17, 30])
def test_steps_up_to_the_planned_ones_can_be(steps: int) -> None:
    check_steps(reply(steps, 30), PLAN)


@pytest.mark.parametrize(
    ("plan", "steps", "planned", "examples", "what"),
    [
        (PLAN, 0, 30, 95, "impossible number of steps"),
        (PLAN, -1, 30, 95, "impossible number of steps"),
        (PLAN, 31, 30, 95, "impossible number of steps"),
        (PLAN, 10, 29, 95, "planned 29 steps; the plan asks for 30"),
        (PLAN, 10, 31, 95, "planned 31 steps"),
        (PLAN, 0, 0, 95, "planned 0 steps"),
        (PLAN, 1, 30, 10**9, "300,000,000 steps; at most 1,000,000"),
        (NONE, 29, 30, 95, "fewer steps than the plan, which has no budget"),
    ],
)
def test_steps_that_are_not_those_of_the_plan_are_named(
    plan: Plan, steps: int, planned: int, examples: int, what: str
) -> None:
    with pytest.raises(PayloadError, match=what):
        check_steps(reply(steps, planned, examples), plan)


def test_the_most_steps_that_can_be_counted_are_counted() -> None:
    plan = replace(PLAN, training=replace(PLAN.training, batch=10, epochs=1000))
    check_steps(reply(5, MOST_ROUND_STEPS, 10 * MOST_ROUND_STEPS // 1000), plan)


@pytest.mark.parametrize(
    "plan", [FEDAVG, replace(PLAN, training=replace(PLAN.training, epochs=0))],
    ids=["fedavg", "rehearsal"],
)  # fmt: skip
def test_where_steps_are_not_counted_nothing_is_made_of_them(plan: Plan) -> None:
    stated = reply(10**15, -4)
    check_steps(stated, plan)
    assert work_of(stated, plan) == WHOLE
    assert counted_work(WHOLE, stated, plan, 1) == WHOLE


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 40),
    st.integers(0, 20),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.5, 0.95]),
    st.sampled_from(["constant", "cosine", "one-cycle"]),
)
def test_the_work_of_sgd_is_how_far_a_gradient_of_one_is_followed(
    steps: int, more: int, round_: int, momentum: float, schedule: str
) -> None:
    """PyTorch's own optimiser is the oracle."""
    training = TrainingPlan(
        optimiser="sgd", momentum=momentum, schedule=schedule, rate=0.3, weight_decay=0.0
    )
    plan = replace(PLAN, training=training)
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([weight], 1.0, momentum)
    for step in range(steps):
        progress = (round_ - 1 + step / (steps + more)) / 5
        optimiser.param_groups[0]["lr"] = rate_at(training, progress)
        weight.grad = torch.ones_like(weight)
        optimiser.step()
    found = effective_steps(plan, round_, steps, steps + more)
    assert found == pytest.approx(-float(weight.detach()) / 0.3)


def test_without_schedule_and_momentum_the_work_is_the_number_of_steps() -> None:
    assert work_of(reply(12, 30), PLAN) == (12.0, 30.0, 12.0)
    assert work_of(reply(30, 30), PLAN) == (30.0, 30.0, 30.0)


def test_the_momentum_of_a_plan_for_adamw_does_not_count() -> None:
    plan = replace(PLAN, training=replace(PLAN.training, momentum=0.9))
    assert work_of(reply(12, 30), plan).steps == 12


@pytest.mark.parametrize(
    ("steps", "counted", "weighs"),
    [(30, 95, 30), (30, 50, 15), (9, 50, 9), (16, 50, 15), (30, 1, 3)],
)
def test_steps_over_examples_that_do_not_count_do_not_count(
    steps: int, counted: int, weighs: int
) -> None:
    work = work_of(reply(steps, 30), PLAN)
    made = counted_work(work, reply(steps, 30), PLAN, counted)
    assert made == (steps, 30, weighs)
