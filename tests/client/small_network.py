"""A network of a few hundred weights, and crops for it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Crop
from hepafed.client.learning import network as room
from hepafed.client.learning.trainer import Trained
from hepafed.common.contract.plan import Plan
from hepafed.common.network.weights import Flat
from torch import nn


@pytest.fixture
def crops() -> Callable[..., list[Crop]]:
    """Make a number of crops, one lesion a patient, numbered from `first` on."""

    def make(count: int, first: int = 0) -> list[Crop]:
        rng = np.random.default_rng(first)
        drawn = [rng.normal(size=(1, 1, 160, 160)).astype(np.float16) for _ in range(count)]
        return [
            Crop(f"l{i}", f"p{i}", i % 3, ("t2",), voxels) for i, voxels in enumerate(drawn, first)
        ]

    return make


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of a few hundred weights: what is tested does not depend on it."""

    def build(plan: Plan) -> nn.Module:
        torch.manual_seed(plan.seed)
        return nn.Sequential(
            nn.Conv2d(plan.protocol.count("-") + 1, 8, 5, stride=4),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(8, 3),
        )

    monkeypatch.setattr(room, "build", build)


def settled(trained: Trained) -> Flat:
    """Return a round's update once all is kept that the next round begins with."""
    trained.settle()
    return trained.update
