"""A site stops at its time budget, at a step's end; the next round goes on from there."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.trainer import Trained, Trainer
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import RefusedError
from hepafed.common.network.weights import Flat, flatten
from torch.optim.optimizer import register_optimizer_step_pre_hook

PLAN = Plan(
    name="small",
    protocol="t2",
    model=ModelPlan(size=75, dropout=0.0),
    rounds=RoundsPlan(count=4, strategy="fednova"),
    training=TrainingPlan(batch=3, epochs=2, optimiser="sgd", rate=0.1, budget=10, augment=False),
)
WHOLE = replace(PLAN, training=replace(PLAN.training, budget=0))
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def home(tmp_path: Path, crops: Callable[..., list[Crop]]) -> Path:
    Cohort.create(tmp_path).add(crops(40))
    return tmp_path


def paced(home: Path, seconds: float) -> Trainer:
    """Make a trainer whose clock goes on by so many seconds whenever it is read."""
    ticks = count()
    return Trainer(home, 0, "cpu", lambda: seconds * next(ticks))


def start(trainer: Trainer) -> Flat:
    network = trainer.network(PLAN)
    return flatten(network.module, network.layout)


def one_round(home: Path, seconds: float, plan: Plan = PLAN, fewest: int = 1) -> Trained:
    trainer = paced(home, seconds)
    return trainer.train(plan, start(trainer), "r", 1, fewest)


@pytest.mark.parametrize(
    ("seconds", "steps"), [(20.0, 1), (10.0, 1), (9.9, 2), (5.0, 2), (3.4, 3), (2.5, 4)]
)
def test_no_step_begins_once_the_budget_is_over(home: Path, seconds: float, steps: int) -> None:
    """The clock is read at the start and before each step but the first."""
    made = one_round(home, seconds)
    assert made.steps == steps < made.planned


def test_a_site_within_its_budget_takes_all_steps_of_the_plan(home: Path) -> None:
    made, whole = one_round(home, 0.001), one_round(home, 100.0, WHOLE)
    assert made.steps == made.planned == whole.steps == whole.planned
    assert made.update.tobytes() == whole.update.tobytes()


@pytest.mark.parametrize("fewest", [1, 2, 4])
def test_a_site_takes_its_fewest_steps_however_long_they_take(home: Path, fewest: int) -> None:
    assert one_round(home, 1000.0, fewest=fewest).steps == fewest


def test_more_fewest_steps_than_the_plan_has_are_not_taken(home: Path) -> None:
    made = one_round(home, 1000.0, fewest=10**6)
    assert made.steps == made.planned


def test_a_partial_round_is_the_beginning_of_the_whole_one(home: Path) -> None:
    seen: dict[str, list[float]] = {}
    for name, plan in (("part", PLAN), ("whole", WHOLE)):
        seen[name] = []

        def note(optimiser: torch.optim.Optimizer, *_: object, to: str = name) -> None:
            group = optimiser.param_groups[0]
            seen[to] += [group["lr"], float(group["params"][0].grad.sum())]

        handle = register_optimizer_step_pre_hook(note)
        try:
            one_round(home, 3.4, plan)
        finally:
            handle.remove()
    assert len(seen["part"]) == 6
    assert seen["whole"][:6] == seen["part"]


def test_the_learning_rate_follows_the_planned_steps_and_not_those_that_were_taken(
    home: Path,
) -> None:
    plan = replace(
        PLAN,
        rounds=replace(PLAN.rounds, count=3),
        training=replace(PLAN.training, schedule="cosine"),
    )
    trainer, rates = paced(home, 2.5), []
    weights = start(trainer)
    handle = register_optimizer_step_pre_hook(
        lambda optimiser, *_: rates.append(optimiser.param_groups[0]["lr"])
    )
    try:
        made = trainer.train(plan, weights, "r", 2)
    finally:
        handle.remove()
    share = (1 + np.arange(4) / made.planned) / 3
    assert rates == pytest.approx(0.1 * 0.5 * (1 + np.cos(np.pi * share)))


def images_of(trainer: Trainer, plan: Plan, rounds: int) -> list[list[int]]:
    """Give the images of each round, as the network is shown them."""
    images = trainer.images(plan, "train")
    known = {bytes(c.tobytes()): n for n, c in enumerate(images.selection.images)}
    shown: list[list[int]] = []
    pixels = type(images).pixels

    def watch(self: object, chosen: torch.Tensor, device: torch.device) -> torch.Tensor:
        shown[-1] += [known[images.selection.images[int(n)].tobytes()] for n in chosen]
        return pixels(images, chosen, device)

    object.__setattr__(images, "pixels", watch.__get__(images))
    weights = start(trainer)
    for number in range(1, rounds + 1):
        shown.append([])
        trainer.train(plan, weights, "r", number)
    return shown


def test_the_next_round_goes_on_in_the_epoch_where_the_site_stopped(home: Path) -> None:
    """Three steps a round: nobody is shown twice before everybody was shown once."""
    plan = replace(PLAN, training=replace(PLAN.training, balance=False))
    trainer = paced(home, 3.4)
    shown = [n for part in images_of(trainer, plan, 4) for n in part]
    everybody = len(trainer.images(plan, "train").labels)
    assert everybody < len(shown) < 2 * everybody
    assert sorted(shown[:everybody]) == list(range(everybody))


def test_each_epoch_each_site_and_each_seed_has_an_order_of_its_own(home: Path) -> None:
    plan = replace(WHOLE, training=replace(WHOLE.training, balance=False))
    (shown,) = images_of(paced(home, 1.0), plan, 1)
    (other,) = images_of(Trainer(home, 1, "cpu"), plan, 1)
    (third,) = images_of(paced(home, 1.0), replace(plan, seed=1), 1)
    half = len(shown) // 2
    assert sorted(shown[:half]) == sorted(shown[half:]) == sorted(other[:half])
    orders = [shown[:half], shown[half:], other[:half], other[half:], third[:half], third[half:]]
    assert len({tuple(order) for order in orders}) == 6


def test_the_loss_of_a_partial_round_is_that_of_its_steps(home: Path) -> None:
    one = one_round(home, 20.0)
    assert one.loss is not None
    assert one.loss == one_round(home, 100.0).loss


def test_the_momentum_of_a_round_that_counts_its_steps_begins_empty(home: Path) -> None:
    plan = replace(WHOLE, training=replace(WHOLE.training, momentum=0.9))
    trainer, other = paced(home, 0.1), paced(home, 0.1)
    weights = start(trainer)
    trainer.train(plan, weights, "r", 1)
    assert trainer.train(plan, weights, "r", 2).update.tobytes() == (
        other.train(plan, weights, "r", 2).update.tobytes()
    )
    kept = replace(plan, training=replace(plan.training, optimiser="adamw"))
    warm, fresh = paced(home, 0.1), paced(home, 0.1)
    warm.train(kept, weights, "r", 1)
    assert not np.array_equal(
        warm.train(kept, weights, "r", 2).update, fresh.train(kept, weights, "other", 2).update
    )


def test_a_rehearsal_with_a_budget_takes_no_step(home: Path) -> None:
    made = one_round(home, 1000.0, replace(PLAN, training=replace(PLAN.training, epochs=0)))
    assert (made.steps, made.planned, made.loss) == (0, 0, None)
    assert not made.update.any()


def test_more_steps_than_can_be_counted_are_refused_before_the_first(home: Path) -> None:
    count_ = len(Trainer(home, 0, "cpu").images(PLAN, "train").labels)
    assert count_ > 20
    alone = replace(PLAN.model, freeze_norm=True)  # else a step needs two images
    plan = replace(PLAN, training=replace(PLAN.training, batch=1, epochs=1000), model=alone)
    assert one_round(home, 1000.0, plan).steps == 1
    many = Trainer(home, 0, "cpu", most_steps=1000 * (count_ - 1) - 1)
    with pytest.raises(RefusedError, match=r"more than .* steps at this site: state fewer"):
        many.train(plan, start(many), "r", 1)
