"""A site sends its update in the plan's encoding, and a worker that began anew sends the same."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.worker.app import SiteApp
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import TrainReply, TrainRequest
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.network import Flat, Layout, UpdateForm, read_parts_of

PLAN = Plan(
    name="small",
    protocol="t2",
    model=ModelPlan(size=75),
    rounds=RoundsPlan(count=4, encoding="int4"),
    training=TrainingPlan(batch=4, rate=0.1),
)


class Caught:
    """In place of the network to the coordinator: the updates that were sent, by round."""

    def __init__(self) -> None:
        self.sent: dict[int, bytes] = {}

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        self.layout = layout
        return np.random.default_rng(1).random(layout.size, np.float32)

    def send(self, _run: str, number: int, content: bytes | memoryview) -> None:
        self.sent[number] = bytes(content)


def site_of(home: Path) -> tuple[SiteApp, Caught]:
    wire = Caught()
    config = SiteConfig(
        site="s", role="train", address="localhost:1", device="cpu", minimum_train_patients=1,
        minimum_steps=1, release="plain",
    )  # fmt: skip
    return SiteApp(home, config, wire), wire  # type: ignore[arg-type]


def trained(site: SiteApp, number: int, plan: Plan = PLAN) -> TrainReply:
    reply = site.answer(TrainRequest(run="r", round=number, plan=plan, weights="w"))
    assert isinstance(reply, TrainReply)
    return reply


@pytest.mark.usefixtures("small")
def test_rounds_after_a_restart_send_the_bytes_of_one_process(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    homes = [tmp_path / "one", tmp_path / "restarted"]
    Cohort.create(homes[0]).add(crops(30))
    shutil.copytree(homes[0], homes[1])
    site, wire = site_of(homes[0])
    for number in (1, 2, 3):
        trained(site, number)
    anew: dict[int, bytes] = {}
    for number in (1, 2, 2, 3):
        other, heard = site_of(homes[1])
        trained(other, number)
        anew |= heard.sent
    assert anew == wire.sent
    form = UpdateForm.of(wire.layout, "int4")
    assert {len(content) for content in wire.sent.values()} == {form.length}
    (homes[0] / "u").write_bytes(wire.sent[1])
    first = np.concatenate([*read_parts_of(homes[0] / "u", wire.layout.size)])
    assert np.isfinite(first).all()
    assert first.any()


@pytest.mark.usefixtures("small")
def test_a_plan_without_an_encoding_sends_bf16_and_keeps_nothing(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    Cohort.create(tmp_path).add(crops(30))
    site, wire = site_of(tmp_path)
    trained(site, 1, replace(PLAN, rounds=RoundsPlan(count=4)))
    assert len(wire.sent[1]) == 2 * wire.layout.size
    assert not (tmp_path / "residuals").exists()
