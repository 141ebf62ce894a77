"""The plan that travels names no file of the coordinator; a card names a model's parent."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.messages import pack
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, plan_from
from hepafed.common.errors import RunError
from hepafed.common.network.architecture import for_sites
from hepafed.common.network.weights import Layout, save_safetensors
from hepafed.server.models.registry import Registry
from hepafed.server.runs.blobs import Blobs, Inbox
from hepafed.server.runs.desk import Desk
from hepafed.server.runs.store import Run, Runs
from hepafed.server.training import checkpoints
from hepafed.server.training.rounds import _freeze, _tune, train

PATH = "pretrained/imagenet.safetensors"
PLAN = Plan(
    name="small", protocol="t2", model=ModelPlan(weights=PATH), rounds=RoundsPlan(deadline=5)
)


class Silent:
    """Sites that are there, hear what is asked, and never answer."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def online(self) -> list[str]:
        return ["a", "b"]

    def ask(self, requests: Mapping[str, object], *_: object) -> dict[str, str]:
        self.asked += requests.values()
        return {}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    make_authority(tmp_path / "keys", datetime.now(UTC))
    return Desk(Runs(tmp_path), Blobs(tmp_path), Inbox(tmp_path), Registry(tmp_path))


@pytest.fixture
def run(desk: Desk) -> Run:
    made = desk.runs.create("train", PLAN)
    layout, weights = Layout(("w",), ((4,),)), np.ones(4, np.float32)
    save_safetensors(desk.runs.folder(made.id) / "initial.safetensors", layout, weights)
    return made


def test_no_request_of_a_training_names_the_file_of_pretrained_weights(
    desk: Desk, run: Run
) -> None:
    sites = Silent()
    with pytest.raises(RunError, match="usable updates"):
        train(run, desk, sites)  # type: ignore[arg-type]
    state = checkpoints.from_initial(desk.runs.folder(run.id) / "initial.safetensors")
    _tune(run, desk, sites, state, "d")  # type: ignore[arg-type]
    assert len(sites.asked) == 4
    assert not any("imagenet" in pack(request) for request in sites.asked)


def test_a_card_names_it_as_the_models_parent_alone(desk: Desk, run: Run) -> None:
    folder = desk.runs.folder(run.id)
    state = checkpoints.from_initial(folder / "initial.safetensors")
    checkpoints.save(folder, state, np.ones(4, np.float32))
    card = desk.registry.card(_freeze(run, desk, state, folder))
    assert card.parent == PATH
    assert plan_from(card.plan) == for_sites(PLAN) == replace(PLAN, model=ModelPlan())
