"""The learning rate over a run, and whose moments go on."""

import math

import pytest
import torch
from hepafed.client.learning.optimiser import WarmOptimiser, rate_at
from hepafed.common.contract.plan import TrainingPlan
from torch import nn


@pytest.mark.parametrize(
    ("schedule", "progress", "share"),
    [
        ("constant", 0.0, 1.0),
        ("constant", 0.9, 1.0),
        ("cosine", 0.0, 1.0),
        ("cosine", 1 / 3, 0.75),
        ("cosine", 0.5, 0.5),
        ("cosine", 1.0, 0.0),
        ("one-cycle", 0.0, 0.1),
        ("one-cycle", 0.1, 0.1 + 0.9 * 0.25),
        ("one-cycle", 0.15, 0.1 + 0.9 * 0.5),
        ("one-cycle", 0.3, 1.0),
        ("one-cycle", 0.3 + 0.7 / 3, 0.75),
        ("one-cycle", 0.65, 0.5),
        ("one-cycle", 1.0, 0.0),
    ],
)
def test_the_rate_at_a_share_of_the_run(schedule: str, progress: float, share: float) -> None:
    plan = TrainingPlan(rate=0.02, schedule=schedule)
    assert rate_at(plan, progress) == pytest.approx(0.02 * share, abs=1e-9)


def test_the_one_cycle_has_no_step_at_its_peak() -> None:
    plan = TrainingPlan(rate=1.0)
    assert rate_at(plan, 0.3 - 1e-9) == pytest.approx(rate_at(plan, 0.3), abs=1e-6)


def stepped(warm: WarmOptimiser, module: nn.Module, plan: TrainingPlan, run: str, n: int) -> float:
    """Take one step with a gradient of 1 in a round; return how far the weight went."""
    optimiser = warm.begin(plan, run, n)
    before = float(module.weight.detach())
    module.weight.grad = torch.ones_like(module.weight)
    optimiser.step()
    warm.finish(run, n)
    return before - float(module.weight.detach())


def fresh() -> tuple[nn.Linear, WarmOptimiser]:
    module = nn.Linear(1, 1, bias=False)
    return module, WarmOptimiser(module)


SGD = TrainingPlan(optimiser="sgd", rate=1.0, momentum=0.5, weight_decay=0.0)


def test_the_moments_go_on_over_consecutive_rounds_of_a_run_alone() -> None:
    module, warm = fresh()
    assert stepped(warm, module, SGD, "r", 1) == pytest.approx(1.0)
    assert stepped(warm, module, SGD, "r", 2) == pytest.approx(1.5)
    assert stepped(warm, module, SGD, "r", 4) == pytest.approx(1.0)  # a round was left out
    assert stepped(warm, module, SGD, "other", 5) == pytest.approx(1.0)


def test_moments_that_were_let_go_do_not_come_back() -> None:
    module, warm = fresh()
    stepped(warm, module, SGD, "r", 1)
    warm.discard()
    assert stepped(warm, module, SGD, "r", 2) == pytest.approx(1.0)


def test_sgd_and_adamw_take_the_plans_numbers() -> None:
    module, warm = fresh()
    plan = TrainingPlan(optimiser="sgd", rate=0.5, momentum=0.0, weight_decay=0.25)
    start = float(module.weight.detach())
    assert stepped(warm, module, plan, "r", 1) == pytest.approx(0.5 * (1 + 0.25 * start))
    module, warm = fresh()
    start = float(module.weight.detach())
    plan = TrainingPlan(rate=0.1, weight_decay=0.3)
    assert stepped(warm, module, plan, "r", 1) == pytest.approx(0.1 + 0.1 * 0.3 * start, abs=1e-6)
    assert not math.isclose(start, float(module.weight.detach()))
