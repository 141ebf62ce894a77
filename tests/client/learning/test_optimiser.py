"""Whose moments go on from round to round."""

import math

import pytest
import torch
from hepafed.client.learning.optimiser import WarmOptimiser
from hepafed.common.contract.plan import TrainingPlan
from torch import nn


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


def test_a_round_that_begins_empty_has_no_moments_of_the_one_before() -> None:
    module, warm = fresh()
    assert stepped(warm, module, SGD, "r", 1) == pytest.approx(1.0)
    optimiser = warm.begin(SGD, "r", 2, empty=True)
    assert not optimiser.state_dict()["state"]


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
