"""What a plan, a seed and a site change of a round, and what they do not."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import RunError
from hepafed.common.network.weights import Flat, flatten
from torch import nn

from tests.client.stores import acquisition

PLAN = Plan(
    name="small",
    protocol="t2",
    model=ModelPlan(size=75),
    rounds=RoundsPlan(count=4),
    training=TrainingPlan(batch=4, optimiser="sgd", rate=0.1, weight_decay=0.0),
)
STILL = TrainingPlan(
    batch=0,
    optimiser="sgd",
    rate=1e-9,
    schedule="constant",
    augment=False,
    balance=False,
    weight_decay=0.0,
)
"""One step over the whole split as it is, which moves nearly nothing."""
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Thirty lesions of one to four slices."""
    rng = np.random.default_rng(8)
    Cohort.create(tmp_path).add(
        Crop(
            f"l{i}",
            f"p{i}",
            i * i % 3,
            ("t2",),
            rng.normal(size=(1, 1 + i % 4, 160, 160)).astype(np.float16),
        )
        for i in range(30)
    )
    return tmp_path


def start(trainer: Trainer) -> Flat:
    network = trainer.network(PLAN)
    return flatten(network.module, network.layout)


def trained(home: Path, plan: Plan, site: int = 0, number: int = 1) -> Flat:
    trainer = Trainer(home, site, "cpu")
    return trainer.train(plan, start(trainer), "r", number).update


def with_training(**values: object) -> Plan:
    return replace(PLAN, training=replace(PLAN.training, **values))


def logits_of_all(trainer: Trainer, plan: Plan, weights: Flat) -> torch.Tensor:
    module = trainer.network(plan).loaded(weights).train()
    module[5].p = 0.0
    made = module(trainer.images(plan, "train").pixels(slice(None), torch.device("cpu")))
    return made.detach().double()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_softened_as_the_plan_says(home: Path, smoothing: float) -> None:
    """(1 - s) of the target's own loss and s of the mean over the classes."""
    plan = replace(PLAN, training=replace(STILL, label_smoothing=smoothing))
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    trainer.network(plan).module[5].p = 0.0
    made = trainer.train(plan, weights, "r", 1)
    losses = -torch.log_softmax(logits_of_all(trainer, plan, weights), 1)
    labels = trainer.images(plan, "train").labels
    own = losses[torch.arange(len(labels)), labels].mean()
    wanted = (1 - smoothing) * own + smoothing * losses.mean()
    assert made.loss == pytest.approx(float(wanted), rel=1e-5)


def test_examples_are_images_and_not_lesions(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    made = trainer.train(PLAN, start(trainer), "r", 1)
    selection = trainer.images(PLAN, "train").selection
    assert made.examples == len(selection.owner) > len(selection.labels)


def test_the_seconds_are_those_of_the_round(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    started = time.monotonic()
    seconds = trainer.train(PLAN, weights, "r", 1).seconds
    assert 0 < seconds <= time.monotonic() - started


@pytest.mark.parametrize(
    "values",
    [
        {"augment": False},
        {"balance": False},
        {"batch": 5},
        {"label_smoothing": 0.2},
        {"rate": 0.2},
        {"schedule": "cosine"},
        {"weight_decay": 0.5},
        {"optimiser": "adamw"},
        {"momentum": 0.9},
        {"epochs": 2},
    ],
    ids=lambda values: next(iter(values)),
)
def test_each_setting_of_a_training_makes_another_update(
    home: Path, values: dict[str, object]
) -> None:
    assert not np.array_equal(trained(home, PLAN), trained(home, with_training(**values)))


def test_a_round_is_the_same_whatever_was_drawn_before(home: Path) -> None:
    """Order, augmentation and dropout come from the plan's seed, the site and the round alone."""
    torch.manual_seed(1)
    one = trained(home, PLAN)
    torch.manual_seed(2)
    torch.rand(5)
    assert trained(home, PLAN).tobytes() == one.tobytes()


@pytest.mark.parametrize("site", [2**31, 2**62, 2**64 - 1])
def test_any_seed_of_a_site_can_be_used(home: Path, site: int) -> None:
    assert not np.array_equal(trained(home, PLAN, site), trained(home, PLAN, site - 1))


def test_a_step_goes_down_the_loss_and_each_batch_is_a_new_gradient(home: Path) -> None:
    """Two epochs over the whole split as it is: each step is the rate times its own gradient."""
    plan = replace(PLAN, training=replace(STILL, rate=0.05, epochs=2))
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    module = trainer.network(plan).module
    module[5].p = 0.0
    update = trainer.train(plan, weights, "r", 1).update
    images = trainer.images(plan, "train")
    module = trainer.network(plan).loaded(weights).train()
    pixels = images.pixels(slice(None), torch.device("cpu"))
    for _ in range(2):
        module.zero_grad()
        nn.functional.cross_entropy(module(pixels), images.labels).backward()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter -= 0.05 * parameter.grad
    wanted = flatten(module, trainer.network(plan).layout) - weights
    assert update == pytest.approx(wanted, abs=1e-6)


def test_an_update_that_is_not_finite_is_refused_though_the_loss_is(home: Path) -> None:
    """The statistics that BatchNorm keeps have no part in the loss of training."""
    trainer = Trainer(home, 0, "cpu")
    weights = start(trainer)
    network = trainer.network(PLAN)
    at = sum(
        int(np.prod(s))
        for n, s in zip(network.layout.names, network.layout.shapes, strict=True)
        if network.layout.names.index(n) < network.layout.names.index("1.running_var")
    )
    weights[at] = np.nan
    with pytest.raises(RunError, match="no longer finite") as refused:
        trainer.train(PLAN, weights, "r", 1)
    assert refused.value.hint == "lower training.rate"


def test_a_network_is_built_anew_for_another_model_and_kept_for_the_same(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    first = trainer.network(PLAN)
    assert trainer.network(replace(PLAN, name="b", seed=4)) is first
    other = trainer.network(replace(PLAN, model=ModelPlan(size=80)))
    assert other is not first
    assert trainer.network(PLAN) is not first


def test_a_site_without_a_gpu_works_on_its_processor_and_one_is_chosen_by_name(
    home: Path,
) -> None:
    found = "cuda" if torch.cuda.is_available() else "cpu"
    assert Trainer(home, 0).device == torch.device(found)
    assert Trainer(home, 0, "cpu").device == torch.device("cpu")


def test_acquisitions_are_those_of_the_sites_store(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    store = Cohort.create(tmp_path)
    acquired = [acquisition("e0", "p0", "t2", manufacturer="ge")]
    store.commit([store.write(c) for c in crops(2)], acquired, ())
    assert Trainer(tmp_path, 0, "cpu").acquisitions() == acquired
