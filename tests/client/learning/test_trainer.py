"""What a site trains from and scores, on which lesions, and what a repeated round gives."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning import trainer as train
from hepafed.client.learning.trainer import Flat, Trainer
from hepafed.client.worker.app import SiteApp
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import ValidateRequest
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.network.weights import Layout, flatten
from torch import nn

PLAN = Plan(
    name="small", protocol="t2", model=ModelPlan(size=75), rounds=RoundsPlan(count=3),
    training=TrainingPlan(batch=2),
)  # fmt: skip
PRETRAINED = replace(PLAN, model=replace(PLAN.model, weights="coordinator/only.safetensors"))


def crops(count: int, first: int = 0) -> list[Crop]:
    rng = np.random.default_rng(first)
    return [
        Crop(f"l{i}", f"p{i}", i % 3, ("t2",), rng.normal(size=(1, 1, 160, 160)).astype(np.float16))
        for i in range(first, first + count)
    ]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Cohort.create(tmp_path).add(crops(6))
    return tmp_path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of a few hundred weights: what is tested does not depend on it."""

    def build(plan: Plan) -> nn.Module:
        torch.manual_seed(plan.seed)
        return nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=4),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(8, 3),
        )

    monkeypatch.setattr(train, "build", build)


def start(trainer: Trainer) -> Flat:
    return flatten(trainer.module(PLAN), trainer.layout(PLAN))


def test_a_site_never_looks_for_the_coordinators_pretrained_weights(home: Path) -> None:
    """What it trains from comes as a blob; the path is one of another machine."""
    trainer = Trainer(home, 0, "cpu")
    module = trainer.module(PRETRAINED)
    assert trainer.module(PLAN) is module


def test_lesions_ingested_later_are_used_from_the_next_request_on(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    before = trainer.images(PLAN, "external")
    assert trainer.images(PLAN, "external") is before
    (changed,) = [c for c in crops(6) if c.lesion == "l4"]
    Cohort.open(home).add([*crops(2, 10), replace(changed, label=2)])
    after = trainer.images(PLAN, "external")
    assert len(after.selection.labels) == 8
    assert after.labels[after.selection.lesions.index("l4")] == 2
    assert len(trainer._images) == 1  # the old arrays are let go


class Given:
    """In place of the network to the coordinator: the weights are at hand."""

    def __init__(self) -> None:
        self.fetched = 0

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        self.fetched += 1
        return np.random.default_rng(1).random(layout.size, np.float32)

    def send(self, *_: object) -> str:
        return "d"


@pytest.mark.usefixtures("small")
def test_scores_of_a_run_are_made_once_and_anew_when_the_cohort_has_changed(home: Path) -> None:
    config = SiteConfig(site="s", role="validate", address="localhost:1", release="plain")
    wire = Given()
    site = SiteApp(home, config, wire)  # type: ignore[arg-type]
    request = ValidateRequest(
        run="v-1", model="m", plan=PLAN, weights="w", threshold=0.5, split="external"
    )
    assert [site._validate(request).lesions for _ in range(2)] == [6, 6]
    assert wire.fetched == 1
    Cohort.open(home).add(crops(2, 10))
    assert site._validate(request).lesions == 8


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("broken_off", [False, True], ids=["answered", "broken off"])
def test_a_round_asked_again_and_those_after_it_are_as_if_asked_once(
    home: Path, optimiser: str, broken_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(PLAN, training=TrainingPlan(batch=2, optimiser=optimiser, momentum=0.9))
    once, again = Trainer(home, 0, "cpu"), Trainer(home, 0, "cpu")
    weights = start(once)
    expected = [once.train(plan, weights, "r", n).update for n in (1, 2, 3)]
    got = [again.train(plan, weights, "r", n).update for n in (1, 2)]
    if broken_off:
        with monkeypatch.context() as patch:
            patch.setattr(train, "difference", _lost)
            with pytest.raises(MemoryError):
                again.train(plan, weights, "r", 3)
    else:
        got[1] = again.train(plan, weights, "r", 2).update
        got[1] = again.train(plan, weights, "r", 2).update
    got.append(again.train(plan, weights, "r", 3).update)
    for n, (one, other) in enumerate(zip(got, expected, strict=True), 1):
        assert np.array_equal(one, other), f"round {n}"
    fresh = Trainer(home, 0, "cpu").train(plan, weights, "r", 3).update
    assert not np.array_equal(fresh, expected[2])  # the moments matter here


def _lost(*_: object) -> Any:  # noqa: ANN401
    raise MemoryError
