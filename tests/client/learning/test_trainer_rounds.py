"""What a round of training does to the weights: mode, schedule, balance, refusals."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import EmptySplitError, RunError
from hepafed.common.network.weights import Flat, flatten
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

Make = Callable[..., list[Crop]]
PLAN = Plan(
    name="small",
    protocol="t2",
    model=ModelPlan(size=75),
    rounds=RoundsPlan(count=4),
    training=TrainingPlan(batch=3, optimiser="sgd", rate=0.1, weight_decay=0.0),
)
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def home(tmp_path: Path, crops: Make) -> Path:
    Cohort.create(tmp_path).add(crops(40))
    return tmp_path


def start(trainer: Trainer, plan: Plan = PLAN) -> Flat:
    network = trainer.network(plan)
    return flatten(network.module, network.layout)


def part(trainer: Trainer, flat: Flat, name: str) -> Flat:
    """Give the numbers of one tensor of the small network."""
    layout, at = trainer.network(PLAN).layout, 0
    for known, shape in zip(layout.names, layout.shapes, strict=True):
        size = int(np.prod(shape))
        if known == name:
            return flat[at : at + size]
        at += size
    raise AssertionError(name)


def with_training(**values: object) -> Plan:
    return replace(PLAN, training=replace(PLAN.training, **values))


@pytest.mark.parametrize("frozen", [False, True])
def test_batchnorm_learns_its_statistics_unless_the_plan_keeps_them(
    home: Path, frozen: bool
) -> None:
    plan = replace(PLAN, model=replace(PLAN.model, freeze_norm=frozen))
    trainer = Trainer(home, 0, "cpu")
    update = trainer.train(plan, start(trainer), "r", 1).update
    assert (part(trainer, update, "1.running_mean") == 0).all() == frozen
    assert (part(trainer, update, "0.weight") != 0).any()


def test_dropout_is_active_in_training_even_after_scoring(home: Path) -> None:
    """Two runs that differ in what was done before give the same update bit for bit."""
    trainer, other = Trainer(home, 0, "cpu"), Trainer(home, 0, "cpu")
    weights = start(trainer)
    other.network(PLAN).module.eval()
    one = trainer.train(PLAN, weights, "r", 1).update
    assert np.array_equal(one, other.train(PLAN, weights, "r", 1).update)
    module = trainer.network(PLAN).module
    assert module.training
    assert isinstance(module[5], nn.Dropout)


@pytest.mark.parametrize(
    ("schedule", "rounds", "rates"),
    [
        ("cosine", 1, [0.1, 0.05]),
        ("cosine", 2, [0.1, 0.1 * 0.5 * (1 + 2**-0.5)]),
        ("constant", 2, [0.1, 0.1]),
    ],
)
def test_the_schedule_begins_with_the_first_step_of_the_first_round(
    home: Path, schedule: str, rounds: int, rates: list[float]
) -> None:
    """Two steps a round: the second comes half a round later."""
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    count = len(trainer.images(PLAN, "train").labels)
    plan = replace(
        with_training(schedule=schedule, batch=-(-count // 2)), rounds=RoundsPlan(count=rounds)
    )
    seen = steps(trainer, plan, weights, 1)
    assert seen == pytest.approx(rates)


def test_the_schedule_goes_on_within_each_round(home: Path) -> None:
    """Two steps a round, three rounds: each step is a sixth of the cosine from 0.1 to nothing."""
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    half = -(-len(trainer.images(PLAN, "train").labels) // 2)
    plan = replace(with_training(schedule="cosine", batch=half), rounds=RoundsPlan(count=3))
    rates = [rate for number in (1, 2, 3) for rate in steps(trainer, plan, weights, number)]
    root = 3**0.5 / 2
    shares = [1, (1 + root) / 2, 0.75, 0.5, 0.25, (1 - root) / 2]
    assert rates == pytest.approx([0.1 * share for share in shares])


def test_the_schedule_ends_with_the_last_round(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    plan = with_training(schedule="cosine", batch=0)
    rates = [steps(trainer, plan, weights, n)[0] for n in (1, 2, 3, 4)]
    assert rates == pytest.approx([0.1 * 0.5 * (1 + np.cos(np.pi * n / 4)) for n in range(4)])


def steps(trainer: Trainer, plan: Plan, weights: Flat, number: int) -> list[float]:
    """Give the learning rate of each step of a round."""
    seen: list[float] = []

    def watch(optimiser: torch.optim.Optimizer, *_: object) -> None:
        seen.append(optimiser.param_groups[0]["lr"])

    handle = register_optimizer_step_pre_hook(watch)
    try:
        trainer.train(plan, weights, "r", number)
    finally:
        handle.remove()
    return seen


def test_a_rehearsal_moves_nothing_and_has_no_loss(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    made = trainer.train(with_training(epochs=0), start(trainer), "r", 1)
    assert not made.update.any()
    assert made.loss is None
    assert made.examples == len(trainer.images(PLAN, "train").labels)


def test_the_loss_is_the_mean_over_the_steps(home: Path) -> None:
    """At a rate of nearly nothing each step has the loss of the same weights."""
    trainer = Trainer(home, 0, "cpu")
    plan = replace(
        with_training(rate=1e-9, augment=False, balance=False, batch=0, epochs=3),
        model=replace(PLAN.model, dropout=0.0),
    )
    weights = start(trainer)
    trainer.network(plan).module[5].p = 0.0
    made = trainer.train(plan, weights, "r", 1)
    images = trainer.images(plan, "train")
    module = trainer.network(plan).loaded(weights).train()
    logits = module(images.pixels(slice(None), torch.device("cpu")))
    wanted = nn.functional.cross_entropy(logits, images.labels)
    assert made.loss == pytest.approx(float(wanted.detach()), rel=1e-4)


def test_twice_the_epochs_are_twice_the_steps(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    one = len(steps(trainer, PLAN, weights, 1))
    assert len(steps(trainer, with_training(epochs=2), weights, 1)) == 2 * one
    assert one > 1


def test_sites_and_rounds_and_seeds_draw_other_images(home: Path) -> None:
    weights = start(Trainer(home, 0, "cpu"))
    updates = [
        Trainer(home, site, "cpu").train(replace(PLAN, seed=seed), weights, "r", number).update
        for site, seed, number in ((0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 0, 2))
    ]
    assert all(not np.array_equal(a, b) for n, a in enumerate(updates) for b in updates[n + 1 :])


def test_a_loss_that_is_not_finite_ends_the_round_and_lets_the_moments_go(home: Path) -> None:
    plan = with_training(momentum=0.9)
    trainer, other = Trainer(home, 0, "cpu"), Trainer(home, 0, "cpu")
    weights = start(trainer)
    bad = weights.copy()
    bad[-3:] = np.nan
    with pytest.raises(RunError, match="no longer finite"):
        trainer.train(plan, bad, "r", 1)
    again = trainer.train(plan, weights, "r", 2).update
    assert np.array_equal(again, other.train(plan, weights, "r", 2).update)


def test_a_site_without_a_lesion_of_the_protocol_is_told_so(tmp_path: Path, crops: Make) -> None:
    Cohort.create(tmp_path).add(crops(4))
    trainer = Trainer(tmp_path, 0, "cpu")
    plan = replace(PLAN, protocol="t2-dwi")
    weights = start(trainer, plan)
    with pytest.raises(EmptySplitError, match=r"no lesion of the train split .* t2-dwi"):
        trainer.train(plan, weights, "r", 1)
