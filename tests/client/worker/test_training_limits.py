"""A plan that would read the training split by one step is refused; an honest one goes on."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.worker.app import SiteApp
from hepafed.client.worker.training_limits import permit_plan, permit_training
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import TrainReply, TrainRequest
from hepafed.common.contract.plan import ModelPlan, Plan, TrainingPlan
from hepafed.common.errors import ConfigError, RefusedError
from hepafed.common.network.weights import Flat, Layout, from_bf16

SITE = SiteConfig(site="s", role="train", address="localhost:1")
HONEST = TrainingPlan(epochs=2, batch=8)
READING = TrainingPlan(
    epochs=1, batch=0, optimiser="sgd", rate=1.0, schedule="constant", weight_decay=0,
    augment=False, balance=False,
)  # fmt: skip
"""One step over the whole split: its update is the gradient."""


class Wire:
    """In place of the network to the coordinator: zero weights come, updates are kept."""

    def __init__(self) -> None:
        self.layout = Layout((), ())
        self.sent: list[bytes] = []
        self.last = np.zeros(3)
        """The last biases of the weights that come."""

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        self.layout = layout
        weights = np.zeros(layout.size, np.float32)
        weights[-3:] = self.last
        return weights

    def send(self, _run: str, _slot: int, content: bytes) -> None:
        self.sent.append(content)


def site_of(home: Path, crops: list[Crop], policy: SiteConfig) -> tuple[SiteApp, Wire]:
    Cohort.create(home).add(crops)
    with closing(sqlite3.connect(home / "cohort/index.db")) as db, db:
        db.execute("DELETE FROM about WHERE key = 'checksum'")  # as 0.1.0 wrote it
        db.execute("UPDATE patient SET split = 'train'")
    wire = Wire()
    return SiteApp(home, policy, wire), wire  # type: ignore[arg-type]


def round_of(training: TrainingPlan) -> TrainRequest:
    plan = Plan(name="a", protocol="t2", model=ModelPlan(size=75), training=training)
    return TrainRequest(run="t-1", round=1, plan=plan, weights="w")


@pytest.mark.usefixtures("small")
def test_one_step_over_the_split_would_tell_the_numbers_of_each_class_and_is_refused(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    taken = [c for c in crops(23) if c.label or int(c.lesion[1:]) % 2]
    truth = np.bincount([c.label for c in taken], minlength=3)
    open_policy = replace(SITE, minimum_steps=1, optimisers=("adamw", "sgd"))
    site, wire = site_of(tmp_path / "open", taken, open_policy)
    site.answer(round_of(READING))  # what policy is for: this site has none
    bias = from_bf16(wire.sent[0], wire.layout)[-3:]
    assert np.rint((bias + 1 / 3) * len(taken)).astype(int).tolist() == truth.tolist()

    site, wire = site_of(tmp_path / "usual", taken, SITE)
    for training in (
        READING,
        replace(READING, optimiser="adamw"),
        replace(READING, optimiser="adamw", epochs=4),
        replace(READING, optimiser="adamw", epochs=4, batch=len(taken) // 2 + 1),
        replace(READING, batch=2),
    ):
        with pytest.raises(RefusedError):
            site.answer(round_of(training))
    assert wire.sent == []
    reply = site.answer(round_of(HONEST))
    assert isinstance(reply, TrainReply)
    assert len(wire.sent) == 1


@pytest.mark.usefixtures("small")
def test_the_loss_would_tell_the_numbers_of_each_class_and_stays_at_the_site(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    """Of weights that are 0 but for the last biases, each image's loss is that of its class."""
    taken = [c for c in crops(23) if c.label or int(c.lesion[1:]) % 2]
    truth = np.bincount([c.label for c in taken], minlength=3)
    biases = np.array([0.0, 1.0, 4.0])
    each = np.logaddexp.reduce(biases) - biases
    plan = TrainingPlan(epochs=1, batch=4, rate=1e-6, balance=False, augment=False)
    found = {}
    for shared in (True, False):
        policy = replace(SITE, share_training_loss=shared)
        site, wire = site_of(tmp_path / str(shared), taken, policy)
        wire.last = biases
        reply = site.answer(round_of(plan))
        assert isinstance(reply, TrainReply)
        assert reply.examples == len(taken)
        found[shared] = reply.loss
    one_more = np.diff(each).min(initial=1) / len(taken)  # one image of another class
    assert found[True] == pytest.approx(float(truth @ each) / len(taken), abs=abs(one_more) / 3)
    assert found[False] is None


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [1, 4])
def test_a_split_of_fewer_patients_than_policy_asks_for_is_not_trained_on(
    tmp_path: Path, crops: Callable[..., list[Crop]], count: int
) -> None:
    site, wire = site_of(tmp_path, crops(count), SITE)
    with pytest.raises(RefusedError, match=r"fewer patients .*minimum_train_patients = 5"):
        site.answer(round_of(replace(HONEST, batch=1)))
    assert wire.sent == []


@pytest.mark.parametrize(
    ("plan", "patients", "batches"),
    [
        (HONEST, 5, [4, 4]),
        (replace(HONEST, epochs=1), 5, [5, 5, 5, 5]),
        (replace(HONEST, epochs=4), 5, [6, 6]),
        (replace(READING, epochs=0), 1, [1]),
    ],
    ids=["two epochs", "four steps", "half of the images", "a rehearsal"],
)
def test_a_round_at_the_limits_passes(
    plan: TrainingPlan, patients: int, batches: list[int]
) -> None:
    permit_training(SITE, plan, patients, batches)


@pytest.mark.parametrize(
    ("plan", "patients", "batches", "key"),
    [
        (HONEST, 4, [4, 4], "minimum_train_patients = 5"),
        (replace(HONEST, epochs=1), 5, [5, 5, 5], "minimum_steps = 4"),
        (replace(HONEST, epochs=4), 5, [7, 6], "minimum_steps = 4"),
        (replace(HONEST, optimiser="sgd"), 5, [4, 4], "optimisers"),
    ],
    ids=["patients", "steps", "more than half", "optimiser"],
)
def test_a_round_beyond_a_limit_is_refused_by_the_key_of_policy(
    plan: TrainingPlan, patients: int, batches: list[int], key: str
) -> None:
    with pytest.raises(RefusedError, match=key) as e:
        permit_training(SITE, plan, patients, batches)
    if "steps" in key:
        assert "state a smaller training.batch" in e.value.message
        assert ("or more training.epochs" in e.value.message) == (len(batches) == 3)


def test_each_limit_is_the_site_s_own_to_lift() -> None:
    policy = replace(SITE, minimum_train_patients=1, minimum_steps=1, optimisers=("sgd",))
    permit_training(policy, READING, 1, [1])
    with pytest.raises(RefusedError, match=r"allows sgd \(optimisers\)"):
        permit_training(policy, HONEST, 9, [3, 3, 3])
    with pytest.raises(RefusedError, match="allows none"):
        permit_training(replace(policy, optimisers=()), HONEST, 9, [3, 3, 3])


@pytest.mark.parametrize(
    "values",
    [
        {"minimum_train_patients": 0},
        {"minimum_train_patients": 10**6 + 1},
        {"minimum_steps": 0},
        {"minimum_steps": 10**6 + 1},
        {"optimisers": ("adam",)},
    ],
)
def test_a_policy_that_cannot_be_is_named(values: dict[str, object]) -> None:
    (key,) = values
    with pytest.raises(ConfigError, match=key):
        replace(SITE, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("training", "policy", "why"),
    [
        (replace(HONEST, optimiser="sgd"), {}, "optimisers"),
        (replace(HONEST, batch=0), {}, "minimum_steps"),
        (replace(HONEST, batch=0, epochs=4), {}, "more than half"),
        (replace(HONEST, batch=0, epochs=4), {"minimum_steps": 1}, ""),
        (replace(HONEST, batch=0, epochs=0, optimiser="sgd"), {}, ""),
        (HONEST, {"minimum_steps": 10**6, "minimum_train_patients": 10**6}, ""),
    ],
    ids=["optimiser", "one step", "whole split", "no limit", "rehearsal", "of the cohort"],
)
def test_before_a_person_is_asked_a_plan_is_held_to_what_tells_nothing_of_the_cohort(
    training: TrainingPlan, policy: dict[str, int], why: str
) -> None:
    site = replace(SITE, **policy)
    if not why:
        permit_plan(site, training)
        return
    with pytest.raises(RefusedError, match=why):
        permit_plan(site, training)
    with pytest.raises(RefusedError, match=why):
        permit_training(site, training, 50, [50] if training.batch == 0 else [5] * 10)
