"""Scoring brings images to the network batch by batch, and gives what the whole split would."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.images import Images
from hepafed.client.learning.scoring import batches, score
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.network.weights import flatten
from torch.nn import functional

CPU = torch.device("cpu")
PLAN = Plan(name="small", protocol="t2-dwi", model=ModelPlan(size=75))
LESIONS = 5


@pytest.fixture
def home(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    Cohort.create(tmp_path).add(
        Crop(
            f"l{i}",
            f"p{i}",
            i % 3,
            ("t2", "dwi"),
            rng.normal(size=(2, 1 + i % 3, 160, 160)).astype(np.float16),
        )
        for i in range(LESIONS)
    )
    return tmp_path


def resized(images: Images) -> torch.Tensor:
    return functional.interpolate(
        torch.from_numpy(images.selection.images.astype(np.float32)),
        size=(75, 75),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )


def test_a_chosen_image_has_the_bits_that_it_has_in_the_whole_split(home: Path) -> None:
    images = Trainer(home, 0, "cpu").images(PLAN, "external")
    chosen = torch.tensor([3, 0, 3, 7])
    assert torch.equal(images.pixels(chosen, CPU), resized(images)[chosen])


@pytest.mark.parametrize(("size", "most"), [(75, 64), (299, 8), (1024, 1)])
def test_batches_hold_every_image_once_and_fewer_where_images_are_large(
    home: Path, size: int, most: int
) -> None:
    plan = Plan(name="small", protocol="t2-dwi", model=ModelPlan(size=size))
    images = Trainer(home, 0, "cpu").images(plan, "external")
    made = list(batches(images, CPU))
    count = len(images.labels)
    assert [len(b) for b in made[:-1]] == [most] * (len(made) - 1)
    assert sum(len(b) for b in made) == count
    assert all(b.is_contiguous(memory_format=torch.channels_last) for b in made)
    assert torch.equal(torch.cat(made), images.pixels(slice(0, count), CPU))


def test_a_lesions_scores_are_the_geometric_mean_over_its_slices(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    network = trainer.network(PLAN)
    weights = flatten(network.module, network.layout)
    table = score(trainer, PLAN, weights, "external", "somewhere")
    images = trainer.images(PLAN, "external")
    with torch.inference_mode():
        each = torch.log_softmax(network.module.eval()(resized(images)).double(), 1).numpy()
    for lesion in range(LESIONS):
        mean = each[images.selection.owner == lesion].mean(0)
        expected = mean - np.log(np.exp(mean).sum())
        np.testing.assert_allclose(table.log_probs[lesion], expected, atol=1e-5)
    assert table.lesion.tolist() == images.selection.lesions


def test_a_lesion_with_a_slice_without_a_finite_score_has_equal_probabilities(home: Path) -> None:
    trainer = Trainer(home, 0, "cpu")
    network = trainer.network(PLAN)
    weights = flatten(network.module, network.layout)
    usual = score(trainer, PLAN, weights, "external", "somewhere").log_probs
    first = int(np.flatnonzero(trainer.images(PLAN, "external").selection.owner == 1)[0])

    class Overflowing(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = network.module(pixels)
            logits[first] = torch.tensor([torch.inf, torch.inf, 0.0])  # one of two slices of l1
            logits[first + 2, 0] = -torch.inf  # one of three of l2, one class alone
            return logits

    class Aimed(Trainer):
        def network(self, plan: Plan) -> SimpleNamespace:  # type: ignore[override]
            return SimpleNamespace(loaded=lambda _weights: Overflowing())

    found = score(Aimed(home, 0, "cpu"), PLAN, weights, "external", "somewhere").log_probs
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[[1, 2]], np.log(1 / 3), rtol=1e-12)
    np.testing.assert_allclose(found[[0, 3, 4]], usual[[0, 3, 4]], atol=1e-6)
