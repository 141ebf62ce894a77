"""The plan that travels names no file of the coordinator; a card names a model's parent."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.messages import pack
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan, plan_from
from hepafed.common.errors import RunError
from hepafed.common.network.architecture import for_sites
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.network.weights import Layout
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.stores import Stores
from hepafed.server.training import checkpoints
from hepafed.server.training.freezing import freeze
from hepafed.server.training.rounds import train, tune

PATH = "/data/somebody/pretrained/imagenet.safetensors"
PLAN = Plan(
    name="small", protocol="t2", model=ModelPlan(weights=PATH), rounds=RoundsPlan(deadline=5)
)


class Silent:
    """Sites that are there, hear what is asked, and never answer."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def members(self) -> list[str]:
        return ["a", "b"]

    def online(self) -> list[str]:
        return self.members()

    def ask(self, sites: Iterable[str], question: object, *_: object) -> dict[str, str]:
        self.asked += [question for _ in sites]
        return {}


@pytest.fixture
def sites() -> Silent:
    return Silent()


@pytest.fixture
def live(tmp_path: Path, sites: Silent) -> LiveRun:
    make_authority(tmp_path / "keys", datetime.now(UTC))
    stores = Stores(tmp_path)
    made = LiveRun(stores.runs.create("train", PLAN), stores, sites)  # type: ignore[arg-type]
    layout, weights = Layout(("w",), ((4,),)), np.ones(4, np.float32)
    save_safetensors(made.folder / "initial.safetensors", layout, weights)
    return made


def test_no_request_of_a_training_names_the_file_of_pretrained_weights(
    live: LiveRun, sites: Silent
) -> None:
    with pytest.raises(RunError, match="usable updates"):
        train(live)
    state = checkpoints.from_initial(live.folder / "initial.safetensors")
    tune(live, state, "d")
    assert len(sites.asked) == 4
    assert not any("imagenet" in pack(request) for request in sites.asked)


def test_sites_are_told_of_the_budget_and_not_of_the_rules_of_absence() -> None:
    usual = RoundsPlan(strategy="fednova")
    rounds = replace(usual, missing="stop", missing_share=0.1, missing_rounds=1, max_share=0.9)
    plan = replace(PLAN, rounds=rounds, training=TrainingPlan(budget=60), model=ModelPlan())
    assert for_sites(plan) == replace(plan, rounds=usual)


def test_a_card_names_it_as_the_models_parent_alone(live: LiveRun) -> None:
    state = checkpoints.from_initial(live.folder / "initial.safetensors")
    checkpoints.save(live.folder, state, np.ones(4, np.float32))
    card = live.stores.registry.card(freeze(live, state))
    assert card.parent == "imagenet.safetensors"
    assert plan_from(card.plan) == for_sites(PLAN) == replace(PLAN, model=ModelPlan())
