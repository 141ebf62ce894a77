"""What a site trains from, on which lesions, and what a repeated round gives."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning import trainer as train
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.network.weights import Flat, flatten

from tests.client.small_network import settled

Make = Callable[..., list[Crop]]

PLAN = Plan(
    name="small", protocol="t2", model=ModelPlan(size=75), rounds=RoundsPlan(count=3),
    training=TrainingPlan(batch=2),
)  # fmt: skip
PRETRAINED = replace(PLAN, model=replace(PLAN.model, weights="coordinator/only.safetensors"))


@pytest.fixture
def home(tmp_path: Path, crops: Make) -> Path:
    Cohort.create(tmp_path).add(crops(6))
    return tmp_path


def start(trainer: Trainer) -> Flat:
    network = trainer.network(PLAN)
    return flatten(network.module, network.layout)


def test_a_site_never_looks_for_the_coordinators_pretrained_weights(home: Path) -> None:
    """What it trains from comes as a blob; the path is one of another machine."""
    trainer = Trainer(home, 0, "cpu")
    module = trainer.network(PRETRAINED).module
    assert trainer.network(PLAN).module is module


def test_lesions_ingested_later_are_used_from_the_next_request_on(home: Path, crops: Make) -> None:
    trainer = Trainer(home, 0, "cpu")
    before = trainer.images(PLAN, "external")
    assert trainer.images(PLAN, "external") is before
    (changed,) = [c for c in crops(6) if c.lesion == "l4"]
    Cohort.open(home).add([*crops(2, 10), replace(changed, label=2)])
    after = trainer.images(PLAN, "external")
    assert len(after.selection.labels) == 8
    assert after.labels[after.selection.lesions.index("l4")] == 2
    assert trainer.images(PLAN, "external") is after


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("broken_off", [False, True], ids=["answered", "broken off"])
def test_a_round_asked_again_and_those_after_it_are_as_if_asked_once(
    home: Path, optimiser: str, broken_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(PLAN, training=TrainingPlan(batch=2, optimiser=optimiser, momentum=0.9))
    once, again = Trainer(home, 0, "cpu"), Trainer(home, 0, "cpu")
    weights = start(once)
    expected = [settled(once.train(plan, weights, "r", n)) for n in (1, 2, 3)]
    got = [settled(again.train(plan, weights, "r", n)) for n in (1, 2)]
    if broken_off:
        with monkeypatch.context() as patch:
            patch.setattr(train, "difference", _lost)
            with pytest.raises(MemoryError):
                again.train(plan, weights, "r", 3)
    else:
        got[1] = settled(again.train(plan, weights, "r", 2))
        got[1] = settled(again.train(plan, weights, "r", 2))
    got.append(settled(again.train(plan, weights, "r", 3)))
    for n, (one, other) in enumerate(zip(got, expected, strict=True), 1):
        assert np.array_equal(one, other), f"round {n}"
    fresh = Trainer(home, 0, "cpu").train(plan, weights, "other", 3).update
    assert not np.array_equal(fresh, expected[2])  # the moments matter here


def _lost(*_: object) -> Any:  # noqa: ANN401
    raise MemoryError
