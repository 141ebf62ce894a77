"""A step over a batch is the same in parts, and memory decides in how many."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.local_training import LocalTraining
from hepafed.client.learning.steps import Memory, Steps
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import RunError
from hepafed.common.network.weights import Flat, flatten
from torch import Tensor, nn

PLAN = Plan(
    name="small",
    protocol="t2",
    model=ModelPlan(size=75, freeze_norm=True),
    rounds=RoundsPlan(count=4),
    training=TrainingPlan(batch=7, optimiser="sgd", rate=0.1, augment=False),
)
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def home(tmp_path: Path, crops: Callable[..., list[Crop]]) -> Path:
    Cohort.create(tmp_path).add(crops(34))
    return tmp_path


@dataclass
class Device:
    """A network on a device that holds so many images of it."""

    module: nn.Module
    holds: int = 10**6
    error: type[Exception] = torch.OutOfMemoryError
    seen: list[int] = field(default_factory=list)
    """Images that went through together, pass by pass."""

    def __call__(self, pixels: Tensor) -> Tensor:
        made = self.module(pixels)
        if len(pixels) > self.holds:
            raise self.error("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        self.seen.append(len(pixels))
        return made


def with_training(plan: Plan = PLAN, **values: object) -> Plan:
    return replace(plan, training=replace(plan.training, **values))


def taken(
    home: Path, plan: Plan, images: int = 7, memory: Memory | None = None, **device: object
) -> tuple[Device, Flat, Tensor]:
    """Take two steps over the first images; return the device, the weights, and the last loss."""
    trainer = Trainer(home, 0, "cpu")
    network = trainer.network(plan)
    module = network.module.train()
    module[5].p = 0.3 if plan.model.dropout else 0.0
    if plan.model.freeze_norm:
        module[1].eval()
    torch.manual_seed(3)
    held, optimiser = Device(module, **device), torch.optim.SGD(module.parameters(), 0.1)
    steps = Steps(
        plan, module, held, optimiser, trainer.images(plan, "train"),
        torch.Generator().manual_seed(1), memory or Memory(), LocalTraining(),
    )  # fmt: skip
    for _ in range(2):
        loss = steps.take(torch.arange(images))
    return held, flatten(module, network.layout), loss


STILL = replace(PLAN, model=replace(PLAN.model, dropout=0.0))


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize(
    ("images", "most", "parts"),
    [(7, 2, [3, 2, 2]), (7, 3, [3, 2, 2]), (7, 4, [4, 3]), (8, 4, [4, 4]), (7, 7, [7]),
     (3, 2, [3]), (5, 2, [3, 2])],
)  # fmt: skip
def test_a_step_in_parts_is_the_step_of_the_whole_batch_and_no_part_is_a_single_image(
    home: Path, images: int, most: int, parts: list[int], augment: bool
) -> None:
    plan = with_training(STILL, augment=augment)
    device, weights, loss = taken(home, with_training(plan, micro_batch=most), images)
    assert device.seen == parts * 2
    whole, wanted, wanted_loss = taken(home, plan, images)
    assert whole.seen == [images] * 2
    assert weights == pytest.approx(wanted, abs=1e-6)
    assert float(loss) == pytest.approx(float(wanted_loss), rel=1e-5)


def test_batchnorm_takes_the_statistics_of_each_part(home: Path) -> None:
    plan = replace(STILL, model=replace(STILL.model, freeze_norm=False))
    whole, parts = taken(home, plan)[1], taken(home, with_training(plan, micro_batch=4))[1]
    assert abs(whole - parts).max() > 1e-4


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_after_an_out_of_memory_the_step_is_done_again_in_halves_as_if_it_had_not_been(
    home: Path, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """The pass that broke off leaves no trace: same dropout, same statistics of BatchNorm."""
    plan, memory = replace(PLAN, model=ModelPlan(size=75)), Memory()
    with caplog.at_level(logging.WARNING, "hepafed.client"):
        device, weights, _ = taken(home, plan, 7, memory, holds=4, error=error)
    assert device.seen == [3, 2, 2] * 2
    assert memory.most == 3
    said = [r.message for r in caplog.records]
    assert len(said) == 1
    assert "7 images together are too many" in said[0]
    assert "from now on 3 go through together" in said[0]
    wanted = taken(home, with_training(plan, micro_batch=3))[1]
    assert weights.tobytes() == wanted.tobytes()


def test_the_limit_is_found_by_halving_and_stays_for_later_steps(home: Path) -> None:
    memory = Memory()
    device, _, _ = taken(home, PLAN, 16, memory, holds=4)
    assert device.seen == [4] * 8
    assert (memory.most, memory.proven) == (4, 4)
    device, _, _ = taken(home, PLAN, 8, memory, holds=4)
    assert device.seen == [4] * 4


@pytest.mark.parametrize(("images", "fewest"), [(8, 2), (7, 3), (2, 2), (3, 3)])
def test_a_device_that_does_not_hold_the_smallest_parts_is_named(
    home: Path, images: int, fewest: int
) -> None:
    with pytest.raises(RunError, match=f"{fewest} images together are too many") as e:
        taken(home, PLAN, images, holds=1)
    assert "model.size" in e.value.hint


def test_another_error_is_not_taken_for_one_of_memory(home: Path) -> None:
    class Broken(nn.Module):
        def forward(self, _pixels: Tensor) -> Tensor:
            raise RuntimeError("no such kernel")

    trainer = Trainer(home, 0, "cpu")
    module = trainer.network(PLAN).module
    for compiled, error in ((False, RuntimeError), (True, RunError)):
        steps = Steps(
            with_training(compile=compiled), module, Broken(),
            torch.optim.SGD(module.parameters(), 0.1), trainer.images(PLAN, "train"),
            torch.Generator(), Memory(), LocalTraining(),
        )  # fmt: skip
        with pytest.raises(error) as e:
            steps.take(torch.arange(4))
        assert ("torch.compile" in str(e.value)) == compiled


def test_a_trainer_keeps_the_plans_micro_batch(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    network = trainer.network(STILL)
    weights = flatten(network.module, network.layout)
    network.module[5].p = 0.0
    whole = trainer.train(STILL, weights, "r", 1).update
    parts = trainer.train(with_training(STILL, micro_batch=3), weights, "s", 1).update
    assert parts == pytest.approx(whole, abs=1e-6)
    assert not np.array_equal(parts, whole)
