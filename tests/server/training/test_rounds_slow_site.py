"""The largest of three sites is 20 times slower: with a budget it contributes in every round.

Sites train with the product's trainer; only the wire and the clocks are ours.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.trainer import Trainer
from hepafed.common.certificates import make_authority
from hepafed.common.contract.messages import TrainReply, TrainRequest
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.network.weights import flatten, from_bf16, to_bf16
from hepafed.common.releases import RELEASE
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.stores import Stores
from hepafed.server.training import checkpoints
from hepafed.server.training.rounds import train

from tests.client.small_network import small

from .answering import Answering, tuning
from .tuning.training_federation import Training as WholeTraining

__all__ = ["small"]

SIZES = {"big": 60, "mid": 25, "small": 20}
PACES = {"big": 20.0, "mid": 1.0, "small": 1.0}
"""Seconds of a step."""
PLAN = Plan(
    name="slow",
    protocol="t2",
    model=ModelPlan(size=75),
    training=TrainingPlan(batch=4, optimiser="sgd", rate=0.05, epochs=2, budget=60),
    rounds=RoundsPlan(count=4, quorum=2, deadline=100, strategy="fednova", max_share=0.9),
)
pytestmark = pytest.mark.usefixtures("small")


def clock(pace: float) -> Iterator[float]:
    """Give the times of a clock that is read once before each step."""
    return (pace * n for n in count())


@dataclass
class Training(Answering):
    """Sites that train. One that takes longer than the deadline gives no answer."""

    trainers: Mapping[str, Trainer] = field(default_factory=dict)

    def ask(self, sites: Any, request: Any, kind: type, seconds: float, on_reply: Any) -> Any:  # noqa: ANN401
        if not isinstance(request, TrainRequest):
            return super().ask(sites, request, kind, seconds, on_reply)
        failed = {}
        for site in sites:
            reply = self.trained(site, request)
            if reply.seconds > seconds:
                failed[site] = "no answer before the deadline"
            else:
                on_reply(site, reply)
        return failed

    def trained(self, site: str, request: TrainRequest) -> TrainReply:
        assert self.stores is not None
        trainer = self.trainers[site]
        layout = trainer.network(request.plan).layout
        blob = self.stores.blobs.path(request.weights).read_bytes()
        done = trainer.train(
            request.plan, from_bf16(memoryview(bytearray(blob)), layout), request.run, request.round
        )
        content = bytes(to_bf16(done.update))
        digest = hashlib.sha256(content).hexdigest()
        path = self.stores.inbox.folder / f"{site}.part"
        path.write_bytes(content)
        self.stores.inbox.arrived(site, request.run, request.round, digest, path)
        # a site without a budget reads its clock twice only
        seconds = done.seconds if request.plan.training.budget else done.steps * PACES[site]
        return TrainReply(
            run=request.run, round=request.round, release=RELEASE, update=digest,
            examples=done.examples,
            loss=done.loss, seconds=seconds, tuning=tuning(0.8), steps=done.steps,
            planned=done.planned,
        )  # fmt: skip


def federation(home: Path, plan: Plan) -> LiveRun:
    make_authority(home / "keys", datetime.now(UTC))
    sites = Training(SIZES)
    sites.trainers = {s: site(home / s, n, PACES[s]) for s, n in SIZES.items()}
    sites.stores = stores = Stores(home)
    live = LiveRun(stores.runs.create("train", plan), stores, sites)  # type: ignore[arg-type]
    network = sites.trainers["mid"].network(plan)
    weights = flatten(network.module, network.layout)
    save_safetensors(live.folder / "initial.safetensors", network.layout, weights)
    return live


def site(home: Path, patients: int, pace: float) -> Trainer:
    rng = np.random.default_rng(patients)
    drawn = [rng.normal(size=(1, 1, 160, 160)).astype(np.float16) for _ in range(patients)]
    Cohort.create(home).add(
        Crop(f"l{i}", f"p{i}", i % 3, ("t2",), voxels) for i, voxels in enumerate(drawn)
    )
    times = clock(pace)
    return Trainer(home, patients, "cpu", lambda: next(times))


def test_the_slow_site_contributes_in_every_round(tmp_path: Path) -> None:
    live = federation(tmp_path, PLAN)
    card = live.stores.registry.card(train(live))
    assert card.strategy == "fednova"
    big, *others = card.contributions
    assert (big.rounds, big.missed) == (4, 0)
    assert big.share is not None
    assert big.share > 0.5
    assert (big.steps, big.planned_steps) == (12, big.planned_steps)
    assert big.planned_steps is not None
    assert big.planned_steps > 60
    assert all(s.steps == s.planned_steps for s in others)
    moved = checkpoints.load(live.folder)
    assert moved is not None
    assert np.isfinite(np.concatenate(list(checkpoints.parts(moved)))).all()


def test_without_a_budget_it_is_missing_in_every_round_and_the_run_says_so(tmp_path: Path) -> None:
    plan = replace(
        PLAN,
        training=replace(PLAN.training, budget=0),
        rounds=replace(PLAN.rounds, strategy="fedavg"),
    )
    live = federation(tmp_path, plan)
    card = live.stores.registry.card(train(live))
    assert [(s.site, s.rounds, s.share) for s in card.contributions][:1] == [("big", 0, 0.0)]
    events = live.stores.runs.events(live.run.id)
    (said,) = [e for e in events if e["event"] == "absence"]
    assert (said["round"], said["sites"], said["unknown"]) == (3, {"big": 3}, ["big"])


def test_with_time_enough_for_all_a_budget_changes_not_a_bit(tmp_path: Path) -> None:
    """The plan counts steps in both; nobody reaches the budget of the second."""
    waiting = replace(PLAN, rounds=replace(PLAN.rounds, count=2, deadline=10_000))
    patient = replace(waiting, training=replace(waiting.training, budget=9_000))
    made = []
    for name, plan in (
        ("none", replace(waiting, training=replace(PLAN.training, budget=0))),
        ("long", patient),
    ):
        live = federation(tmp_path / name, plan)
        train(live)
        state = checkpoints.load(live.folder)
        assert state is not None
        made.append(np.concatenate(list(checkpoints.parts(state))).tobytes())
    assert made[0] == made[1]


@pytest.mark.usefixtures("in_flower")
def test_steps_cross_the_wire_from_the_site_s_app_to_the_signed_card(tmp_path: Path) -> None:
    """Forty images in batches of 32 are two steps; policy, ledger and messages are real."""
    fed = WholeTraining(tmp_path)
    for name in ("a", "b"):
        fed.site(name, release="cells")
    card = fed.run(rounds=2, strategy="fednova")
    assert card.strategy == "fednova"
    assert [(s.site, s.steps, s.planned_steps) for s in card.contributions] == [
        ("a", 4, 4),
        ("b", 4, 4),
    ]
    assert {(e["steps"], e["planned"]) for e in fed.events("reply")} == {(2, 2)}
    assert checkpoints.load(fed.stores.runs.folder(fed.last.id)) is not None
