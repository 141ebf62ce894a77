"""One full-batch SGD step at three sites, averaged, is the step on the pooled images.

With the real Inception-ResNet V2, through the real trainer, wire format and aggregation.
BatchNorm stands still (`model.freeze_norm`) and nothing is random (no dropout, augmentation or
balancing): then the gradient of the pooled mean loss is the mean of the sites' gradients weighted
by their numbers of images, and FedAvg (McMahan et al. 2017, FedSGD) has nothing to lose.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import SIDE, Cohort, Crop
from hepafed.client.learning import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.network.architecture import build
from hepafed.common.network.weights import Flat, Layout, flatten, from_bf16, to_bf16
from hepafed.server.training.updates import check_update
from hepafed.server.training.weighted_mean import WeightedMean

SITES = {"hospital-a": 4, "hospital-b": 7, "hospital-c": 13}
"""Images at each site; unequal, so that the weights matter."""
RATE = 1.0
"""An update is the difference of two float32 weights: the longer the step, the less of it is
their rounding (at 0.01 it was 2e-3 of the step)."""
PLAN = Plan(
    name="one-step",
    protocol="t2",
    seed=3,
    model=ModelPlan(size=75, dropout=0.0, freeze_norm=True),
    training=TrainingPlan(
        epochs=1, batch=0, optimiser="sgd", rate=RATE, schedule="constant", weight_decay=0.0,
        augment=False, balance=False,
    ),
    rounds=RoundsPlan(count=1),
)  # fmt: skip


def _store(home: Path, owners: dict[str, int]) -> None:
    """Put random crops of `owners` (site: how many) into one cohort store, all for training."""
    crops = []
    for site, count in owners.items():
        random = np.random.default_rng(list(site.encode()))
        for n in range(count):
            voxels = random.normal(0, 1, (1, 1, SIDE, SIDE)).astype(np.float16)
            crops.append(Crop(f"{site}-{n:02d}", f"{site}-{n:02d}", n % 3, ("t2",), voxels))
    Cohort.create(home).add(crops)
    # a store gives its patients splits; here every one is a training patient
    with sqlite3.connect(home / "cohort/index.db") as db:
        db.execute("DELETE FROM about WHERE key = 'checksum'")  # as 0.1.0 wrote it
        db.execute("UPDATE patient SET split = 'train'")
    db.close()


class Step:
    """One step taken at each site and on the pooled images, from the same weights."""

    def __init__(self, folder: Path) -> None:
        module = build(PLAN)
        self.layout = Layout.of(module)
        # what a site starts from are the wire's numbers
        self.weights = from_bf16(to_bf16(flatten(module, self.layout)), self.layout)
        self.updates: dict[str, Flat] = {}
        for site, count in SITES.items():
            _store(folder / site, {site: count})
            done = Trainer(folder / site, 1, "cpu").train(PLAN, self.weights, "run", 1)
            assert done.examples == count
            self.updates[site] = done.update
        _store(folder / "pooled", SITES)
        trainer = Trainer(folder / "pooled", 1, "cpu")
        self.pooled = trainer.train(PLAN, self.weights, "run", 1).update
        rehearsal = replace(PLAN, training=replace(PLAN.training, epochs=0))
        self.rehearsed = trainer.train(rehearsal, self.weights, "run", 1)
        self.folder = folder


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Step]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield Step(tmp_path_factory.mktemp("step"))
    finally:
        torch.set_num_threads(before)


def _aggregated(step: Step, folder: Path) -> Flat:
    """Send the updates over the wire's format and fold them as the coordinator does."""
    mean = WeightedMean(step.layout.size)
    for site in sorted(step.updates):
        path = folder / site
        path.write_bytes(to_bf16(step.updates[site]))
        check_update(path, step.layout.size, PLAN.rounds.max_norm)
        mean.fold(path, SITES[site])
        path.unlink()
    return mean.onto([np.zeros(step.layout.size, np.float32)])


def _apart(a: Flat, b: Flat) -> float:
    """L2 distance relative to `b`'s length."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def test_the_mean_of_the_sites_steps_is_the_pooled_step(step: Step) -> None:
    total = sum(SITES.values())
    mean = sum(np.float32(SITES[s] / total) * u for s, u in step.updates.items())
    assert np.linalg.norm(step.pooled) > 1e-3
    assert _apart(np.asarray(mean, np.float32), step.pooled) < 1e-4
    # an unweighted mean is another step: the test can tell
    plain = np.mean(list(step.updates.values()), 0, dtype=np.float32)
    assert _apart(plain, step.pooled) > 1e-2


def test_over_the_wire_the_step_is_off_by_bf16_alone(step: Step, tmp_path: Path) -> None:
    # bf16 keeps 8 bits: each number is off by at most 2**-8 of itself, at random about a third
    assert _apart(_aggregated(step, tmp_path), step.pooled) < 2**-8


def test_the_accumulator_is_the_weighted_mean_in_float32(step: Step, tmp_path: Path) -> None:
    sent = {s: from_bf16(to_bf16(u), step.layout) for s, u in step.updates.items()}
    wanted = np.zeros(step.layout.size, np.float32)
    for site in sorted(sent):
        wanted += sent[site] * np.float32(SITES[site])
    wanted *= np.float32(1 / sum(SITES.values()))
    assert np.array_equal(_aggregated(step, tmp_path), wanted)


def test_the_frozen_statistics_did_not_move(step: Step) -> None:
    start = 0
    for name, shape in zip(step.layout.names, step.layout.shapes, strict=True):
        count = int(np.prod(shape))
        if "running_" in name:
            assert not step.pooled[start : start + count].any(), name
        start += count


def test_the_same_plan_site_round_and_weights_give_the_same_update(step: Step) -> None:
    site = "hospital-a"
    fresh = Trainer(step.folder / site, 1, "cpu").train(PLAN, step.weights, "run", 1)
    assert fresh.update.tobytes() == step.updates[site].tobytes()


def test_randomness_of_a_round_comes_from_plan_site_and_round_alone(
    step: Step, tmp_path: Path
) -> None:
    training = replace(PLAN.training, augment=True, balance=True, batch=2)
    plan = replace(PLAN, model=replace(PLAN.model, dropout=0.3), training=training)
    _store(tmp_path, {"hospital-a": 4})
    trainer = Trainer(tmp_path, 7, "cpu")
    first = trainer.train(plan, step.weights, "run", 1).update
    torch.manual_seed(99)
    assert trainer.train(plan, step.weights, "run", 1).update.tobytes() == first.tobytes()
    assert trainer.train(plan, step.weights, "run", 2).update.tobytes() != first.tobytes()


def test_a_rehearsal_sends_an_update_of_nothing(step: Step) -> None:
    assert not step.rehearsed.update.any()
    assert step.rehearsed.loss is None
    assert step.rehearsed.examples == sum(SITES.values())
