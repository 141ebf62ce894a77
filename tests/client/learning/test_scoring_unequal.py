"""A score table over lesions of unequal numbers of slices, whatever was done to the network."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.cohort.measurements import Measurements
from hepafed.client.learning.scoring import score, score_tuning
from hepafed.client.learning.trainer import Trainer
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.network.weights import Flat, flatten

from tests.client.stores import acquisition

PLAN = Plan(name="a", protocol="t2", model=ModelPlan(size=75))
SLICES = {"l3": 7, "l0": 1, "l2": 70, "l1": 3}
PATIENTS = {"l3": "p9", "l0": "p1", "l2": "p9", "l1": "p0"}
LABELS = {"l3": 0, "l0": 2, "l2": 1, "l1": 2}
FACTS = {
    "l3": Measurements(readers={"r2": 1}, groups={"ward": "north"}),
    "l0": Measurements(readers={"r1": 0, "r2": 0}),
    "l2": Measurements(size=(80.0, 10.0, 5.0)),
    "l1": Measurements(readers={"r1": 1}),
}
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    rng = np.random.default_rng(4)
    store = Cohort.create(tmp_path)
    rows = [
        store.write(
            Crop(
                name,
                PATIENTS[name],
                LABELS[name],
                ("t2",),
                rng.normal(size=(1, count, 160, 160)).astype(np.float16),
                f"e-{name}",
                FACTS[name].text(),
            )
        )
        for name, count in SLICES.items()
    ]
    acquired = [
        acquisition("e-l2", "p9", "t2", manufacturer="ge", field_strength=1.5),
        acquisition("e-l0", "p1", "t2", manufacturer="siemens"),
    ]
    store.commit(rows, acquired, ())
    return Trainer(tmp_path, 0, "cpu")


@pytest.fixture
def weights(trainer: Trainer) -> Flat:
    network = trainer.network(PLAN)
    rng = np.random.default_rng(2)
    flat = flatten(network.module, network.layout)
    return flat + rng.uniform(0, 0.2, flat.size).astype(np.float32)


def test_each_row_says_whose_it_is_and_what_the_truth_is(trainer: Trainer, weights: Flat) -> None:
    table = score(trainer, PLAN, weights, "external", "somewhere")
    names = table.lesion.tolist()
    assert sorted(names) == sorted(SLICES)
    assert table.patient.tolist() == [PATIENTS[n] for n in names]
    assert table.truth.tolist() == [LABELS[n] for n in names]
    assert table.truth.dtype == np.int64
    assert table.site.tolist() == ["somewhere"] * 4
    held = trainer.images(PLAN, "external").selection
    assert table.content.tolist() == [held.contents[held.lesions.index(n)] for n in names]
    assert len({*table.content.tolist()}) == 4


def test_readers_and_groups_stand_at_their_lesions(trainer: Trainer, weights: Flat) -> None:
    table = score(trainer, PLAN, weights, "external", "s")
    names = table.lesion.tolist()
    calls = {r: dict(zip(names, v.tolist(), strict=True)) for r, v in table.readers.items()}
    assert calls == {
        "r1": {"l0": 0, "l1": 1, "l2": -1, "l3": -1},
        "r2": {"l0": 0, "l1": -1, "l2": -1, "l3": 1},
    }
    groups = {g: dict(zip(names, v.tolist(), strict=True)) for g, v in table.groups.items()}
    assert groups["ward"] == {"l0": "", "l1": "", "l2": "", "l3": "north"}
    assert {n for n, v in groups["vendor"].items() if v} == {"l0", "l2"}
    assert groups["vendor"]["l0"] != groups["vendor"]["l2"]
    assert [n for n, v in groups["lesion_size"].items() if v] == ["l2"]


def test_probabilities_are_normalised_geometric_means_over_a_lesions_own_slices(
    trainer: Trainer, weights: Flat
) -> None:
    """81 slices are two batches of 64 and 17; a lesion of 70 lies in both."""
    table = score(trainer, PLAN, weights, "external", "s")
    module = trainer.network(PLAN).loaded(weights).eval()
    images = trainer.images(PLAN, "external")
    with torch.inference_mode():
        logits = module(images.pixels(slice(None), torch.device("cpu"))).double().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    for row, name in enumerate(table.lesion):
        own = shares[[images.selection.lesions[i] == name for i in images.selection.owner]]
        assert len(own) == SLICES[name]
        product = np.prod(own ** (1 / len(own)), axis=0)
        assert np.exp(table.log_probs[row]) == pytest.approx(product / product.sum(), abs=1e-6)
    assert np.exp(table.log_probs).sum(1) == pytest.approx(1.0, abs=1e-12)


def test_scores_stay_finite_where_a_sure_network_contradicts_itself(tmp_path: Path) -> None:
    """Lesion a: one slice is surely class 0, one surely class 1; lesion b is surely class 0."""
    ones = np.ones((160, 160), np.float16)
    Cohort.create(tmp_path / "sure").add(
        [
            Crop("a", "p1", 0, ("t2",), np.stack([ones, -ones])[None]),
            Crop("b", "p2", 0, ("t2",), np.stack([ones, ones])[None]),
        ]
    )
    trainer = Trainer(tmp_path / "sure", 0, "cpu")
    module = trainer.network(PLAN).module
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        module[0].weight[0], module[0].weight[1] = 1.0, -1.0
        module[1].weight.fill_(1.0)
        module[6].weight[0, 0] = module[6].weight[1, 1] = 1000.0
    table = score(trainer, PLAN, flatten(module, trainer.network(PLAN).layout), "external", "s")
    chances = dict(zip(table.lesion.tolist(), np.exp(table.log_probs), strict=True))
    assert chances["a"] == pytest.approx([0.5, 0.5, 0.0])
    assert chances["b"] == pytest.approx([1.0, 0.0, 0.0])


def test_training_before_changes_no_score(trainer: Trainer, weights: Flat) -> None:
    first = score(trainer, PLAN, weights, "external", "s").log_probs
    trainer.network(PLAN).module.train()
    assert score(trainer, PLAN, weights, "external", "s").log_probs.tobytes() == first.tobytes()
    other = score(trainer, PLAN, weights * np.float32(0.5), "external", "s").log_probs
    assert not np.allclose(other, first)


def test_tuning_scores_are_those_of_the_tuning_split(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    Cohort.create(tmp_path / "more").add(crops(120))
    trainer = Trainer(tmp_path / "more", 0, "cpu")
    network = trainer.network(PLAN)
    weights = flatten(network.module, network.layout)
    table = score(trainer, PLAN, weights, "tune", "s")
    assert 5 <= len(table.truth) < 60
    made = score_tuning(trainer, PLAN, weights, "s")
    assert made is not None
    assert made.log_probs.tobytes() == table.log_probs.tobytes()
    assert made.lesion.tolist() == table.lesion.tolist()
    assert made.site.tolist() == ["s"] * len(table.truth)
