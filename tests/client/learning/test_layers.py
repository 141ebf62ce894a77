"""Which layers learn in a round, and how fast; a restart changes nothing of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.network.weights import Flat, flatten

from tests.client.small_network import settled

PLAN = Plan(
    name="small",
    protocol="t2",
    model=ModelPlan(size=75, dropout=0.0),
    rounds=RoundsPlan(count=4),
    training=TrainingPlan(
        batch=0, optimiser="sgd", rate=0.1, schedule="constant", weight_decay=0.0, augment=False
    ),
)
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def home(tmp_path: Path, crops: Callable[..., list[Crop]]) -> Path:
    Cohort.create(tmp_path).add(crops(20))
    return tmp_path


def with_training(**values: object) -> Plan:
    return replace(PLAN, training=replace(PLAN.training, **values))


def start(trainer: Trainer) -> Flat:
    network = trainer.network(PLAN)
    network.module[5].p = 0.0
    return flatten(network.module, network.layout)


def by_name(trainer: Trainer, update: Flat) -> dict[str, Flat]:
    layout, at = trainer.network(PLAN).layout, 0
    found = {}
    for name, shape in zip(layout.names, layout.shapes, strict=True):
        found[name] = update[at : at + int(np.prod(shape))]
        at += found[name].size
    return found


LAST = {"6.weight", "6.bias"}


@pytest.mark.parametrize(("number", "frozen"), [(1, True), (2, True), (3, False), (4, False)])
def test_in_the_first_rounds_the_last_layer_alone_learns(
    home: Path, number: int, frozen: bool
) -> None:
    trainer = Trainer(home, 0, "cpu")
    made = trainer.train(with_training(freeze_rounds=2), start(trainer), "r", number).update
    moved = {name for name, part in by_name(trainer, made).items() if part.any()}
    assert (moved == LAST) == frozen
    assert (moved > LAST) != frozen
    assert ("1.running_mean" in moved) != frozen


def test_a_plan_without_frozen_rounds_after_one_with_them_trains_all(home: Path) -> None:
    trainer, other = Trainer(home, 0, "cpu"), Trainer(home, 0, "cpu")
    trainer.train(with_training(freeze_rounds=3), start(trainer), "r", 1)
    made = trainer.train(PLAN, start(other), "s", 1).update
    assert made.tobytes() == other.train(PLAN, start(other), "s", 1).update.tobytes()


def test_all_layers_but_the_last_learn_at_their_share_of_the_rate(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    whole = by_name(trainer, trainer.train(PLAN, weights, "r", 1).update)
    plan = with_training(backbone_rate=0.25)
    other = Trainer(home, 0, "cpu")
    start(other)
    found = by_name(other, other.train(plan, weights, "r", 1).update)
    assert found["0.weight"] == pytest.approx(0.25 * whole["0.weight"], abs=1e-7)
    for name in LAST:
        assert found[name] == pytest.approx(whole[name], abs=1e-7)


@pytest.mark.parametrize(("optimiser", "share"), [("adamw", 0.1), ("adamw", 1.0), ("sgd", 0.1)])
def test_a_worker_that_began_anew_goes_on_with_the_same_bits(
    home: Path, optimiser: str, share: float
) -> None:
    """The moments of layers that were frozen before begin in the round that lets them learn."""
    plan = with_training(
        optimiser=optimiser, momentum=0.9, batch=4, augment=True, freeze_rounds=1,
        backbone_rate=share,
    )  # fmt: skip
    once = Trainer(home, 0, "cpu")
    weights = start(once)
    wanted = [settled(once.train(plan, weights, "r", n)) for n in (1, 2, 3)]
    for n in (1, 2, 3):
        anew = Trainer(home, 0, "cpu")
        start(anew)
        assert settled(anew.train(plan, weights, "r", n)).tobytes() == wanted[n - 1].tobytes()
