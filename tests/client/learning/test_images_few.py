"""A site with one image, one class or a batch of one trains, or refuses in words that help."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning import must_hold_two
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan, TrainingPlan
from hepafed.common.errors import RefusedError
from hepafed.common.network.weights import flatten

FROZEN = ModelPlan(size=75, freeze_norm=True)
LEARNING = ModelPlan(size=75)


def update_of(home: Path, crops: list[Crop], model: ModelPlan, **training: object) -> np.ndarray:  # type: ignore[type-arg]
    Cohort.create(home).add(crops)
    trainer = Trainer(home, 0, "cpu")
    plan = Plan(name="a", protocol="t2", model=model, training=TrainingPlan(**training))  # type: ignore[arg-type]
    network = trainer.network(plan)
    return trainer.train(plan, flatten(network.module, network.layout), "r", 1).update


def in_training(crops: list[Crop], home: Path, wanted: int) -> list[Crop]:
    """Return as many crops as make so many lesions of the training split."""
    for count in range(1, len(crops) + 1):
        folder = home / f"of-{count}"
        Cohort.create(folder).add(crops[:count])
        labels = Cohort.open(folder).select("t2", "train", "drop", 0.0).labels
        if len(labels) == wanted:
            return crops[:count]
    raise AssertionError(wanted)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("images", "batch", "model", "trains"),
    [
        (1, 32, LEARNING, False),
        (1, 0, LEARNING, False),
        (1, 1, LEARNING, False),
        (1, 32, FROZEN, True),
        (4, 1, LEARNING, False),
        (4, 1, FROZEN, True),
        (2, 32, LEARNING, True),
        (5, 2, LEARNING, True),  # the rest of one joins the step before
        (5, 4, LEARNING, True),
        (3, 2, LEARNING, True),
    ],
)
@pytest.mark.parametrize("balance", [True, False])
def test_a_step_of_one_image_is_refused_where_batchnorm_learns(
    tmp_path: Path,
    crops: Callable[..., list[Crop]],
    images: int,
    batch: int,
    model: ModelPlan,
    trains: bool,
    balance: bool,
) -> None:
    chosen = in_training(crops(12), tmp_path, images)
    if trains:
        update = update_of(tmp_path / "home", chosen, model, batch=batch, balance=balance)
        assert np.isfinite(update).all()
        assert update.any()
        return
    with pytest.raises(RefusedError, match=r"fewer than two images .* BatchNorm") as refused:
        update_of(tmp_path / "home", chosen, model, batch=batch, balance=balance)
    assert "training.batch" in refused.value.hint
    assert "freeze_norm" in refused.value.hint


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("balance", [True, False])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_site_with_one_class_trains(
    tmp_path: Path, crops: Callable[..., list[Crop]], balance: bool, label: int
) -> None:
    chosen = [replace(c, label=label) for c in crops(9)]
    update = update_of(tmp_path, chosen, LEARNING, batch=4, balance=balance)
    assert np.isfinite(update).all()
    assert update.any()


def test_a_rehearsal_takes_no_step_and_one_image_will_do() -> None:
    must_hold_two([], LEARNING)
    must_hold_two([2, 2], LEARNING)
    must_hold_two([1], FROZEN)
    with pytest.raises(RefusedError):
        must_hold_two([2, 1], LEARNING)
