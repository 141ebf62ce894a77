"""Which plans one network serves, and what is frozen in it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hepafed.client.learning.network import build_network, freeze_norm
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import PayloadError
from hepafed.common.network.weights import Layout, flatten
from torch import nn

PLAN = Plan(name="a", protocol="t2", model=ModelPlan(size=75))
CPU = torch.device("cpu")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("plan", "served"),
    [
        (PLAN, True),
        (replace(PLAN, name="b", seed=3, rounds=RoundsPlan(count=7)), True),
        (replace(PLAN, training=TrainingPlan(batch=3)), True),
        (replace(PLAN, model=ModelPlan(size=75, weights="elsewhere")), True),
        (replace(PLAN, protocol="t2-dwi"), False),
        (replace(PLAN, model=ModelPlan(size=76)), False),
        (replace(PLAN, model=ModelPlan(size=75, dropout=0.1)), False),
        (replace(PLAN, model=ModelPlan(size=75, freeze_norm=True)), False),
    ],
    ids=[
        "same",
        "other run",
        "other training",
        "pretrained",
        "other protocol",
        "other size",
        "other dropout",
        "frozen",
    ],
)
def test_a_network_serves_plans_of_its_model_and_protocol(plan: Plan, served: bool) -> None:
    pretrained = replace(PLAN, model=replace(PLAN.model, weights="coordinator/only"))
    assert build_network(pretrained, CPU).serves(plan) is served


@pytest.mark.usefixtures("small")
def test_weights_are_put_into_the_network_itself() -> None:
    network = build_network(PLAN, CPU)
    assert network.layout == Layout.of(network.module)
    weights = np.arange(network.layout.size, dtype=np.float32) / 8
    assert network.loaded(weights) is network.module
    assert flatten(network.module, network.layout).tobytes() == weights.tobytes()
    with pytest.raises(PayloadError):
        network.loaded(weights[:-1])


def test_frozen_are_the_batchnorm_layers_alone_however_deep_until_the_next_training() -> None:
    inner = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(0.5))
    module = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), inner).train()
    freeze_norm(module)
    assert [m.training for m in module.modules()] == [True, True, False, True, False, True]
    module.train()
    assert all(m.training for m in module.modules())
