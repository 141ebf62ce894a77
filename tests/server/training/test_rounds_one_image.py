"""What a real site refuses of a training reaches the coordinator with the site's hint."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.worker.app import SiteApp
from hepafed.common.certificates import make_node_key
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import TrainReply, TrainRequest
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.network.weights import Flat, Layout
from hepafed.server.coordinator.protocol_facts import NO_LESION

from tests.client.permissions.consenting import allow_everything
from tests.client.small_network import crops, small
from tests.server.federation import Federation, Fleet

__all__ = ["crops", "small"]
PLAN = Plan(
    name="a",
    protocol="t2",
    model=ModelPlan(size=75),
    training=TrainingPlan(batch=4, epochs=4),
    rounds=RoundsPlan(deadline=5),
)
OPEN = {"minimum_train_patients": 1, "minimum_steps": 1}
"""A site's policy that lets a round over one image pass."""


class Wire:
    """In place of the network: weights come, updates go."""

    def __init__(self) -> None:
        self.fetched = 0

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        self.fetched += 1
        return np.random.default_rng(1).random(layout.size, np.float32)

    def send(self, *_: object) -> None: ...


def asked(
    fed: Federation,
    chosen: list[Crop],
    plan: Plan,
    **policy: Any,  # noqa: ANN401
) -> tuple[dict[str, str], list[TrainReply], Wire]:
    """Ask one real site for a round; gives who did not answer and why, the replies, the wire."""
    home, wire = fed.folder / "a", Wire()
    fed.identities["a"] = make_node_key(home / "keys" / "node.key")
    shutil.copy(fed.folder / "server" / "keys" / "ca.pem", home / "keys" / "ca.pem")
    allow_everything(home)
    Cohort.create(home).add(chosen)
    with closing(sqlite3.connect(home / "cohort/index.db")) as db, db:
        db.execute("DELETE FROM about WHERE key = 'checksum'")  # as 0.1.0 wrote it
        db.execute("UPDATE patient SET split = 'train'")
    config = SiteConfig(site="a", role="train", address="localhost:1", device="cpu", **policy)
    fed.fleet = Fleet({"a": SiteApp(home, config, wire)})  # type: ignore[arg-type, dict-item]
    live = fed.live(fed.stores.runs.create("train", plan))
    request = TrainRequest(run=live.run.id, round=1, plan=plan, weights="0" * 64)
    replies: list[TrainReply] = []
    failed = live.sites.ask(
        ["a"], request, TrainReply, 5, lambda _site, reply: replies.append(reply)
    )
    return failed, replies, wire


@pytest.mark.usefixtures("small")
def test_a_site_with_one_image_says_what_the_plan_can_state(
    fed: Federation, crops: Callable[..., list[Crop]]
) -> None:
    failed, replies, wire = asked(fed, crops(1), PLAN, **OPEN)
    assert replies == []
    assert failed["a"] == (
        "refused: a step of the plan would have fewer than two images at this site: BatchNorm "
        "cannot learn from them; hint of the site: state a training.batch of 2 or more, or "
        "model.freeze_norm = true; or this site ingests more patients"
    )
    assert wire.fetched == 0


@pytest.mark.usefixtures("small")
def test_a_site_with_one_image_trains_where_batchnorm_is_frozen(
    fed: Federation, crops: Callable[..., list[Crop]]
) -> None:
    plan = replace(PLAN, model=ModelPlan(size=75, freeze_norm=True))
    failed, (reply,), _ = asked(fed, crops(1), plan, **OPEN)
    assert failed == {}
    assert reply.examples == 1


@pytest.mark.usefixtures("small")
def test_a_site_of_one_class_answers(fed: Federation, crops: Callable[..., list[Crop]]) -> None:
    chosen = [replace(c, label=1) for c in crops(12)]
    failed, (reply,), _ = asked(fed, chosen, PLAN)
    assert failed == {}
    assert (reply.examples, reply.tuning.macro_auc) == (12, None)


@pytest.mark.usefixtures("small")
def test_a_rehearsal_of_one_image_answers(
    fed: Federation, crops: Callable[..., list[Crop]]
) -> None:
    plan = replace(PLAN, training=TrainingPlan(epochs=0, batch=1))
    failed, (reply,), _ = asked(fed, crops(1), plan)
    assert failed == {}
    assert reply.loss is None


@pytest.mark.usefixtures("small")
def test_a_site_without_the_sequences_says_where_to_look(
    fed: Federation, crops: Callable[..., list[Crop]]
) -> None:
    failed, _, _ = asked(fed, crops(3), replace(PLAN, protocol="enhanced"))
    assert failed["a"] == (
        "refused: no lesion of the train split has the sequences of enhanced; hint of the site: "
        "see client cohort"
    )
    assert NO_LESION in failed["a"], "the coordinator knows the site's protocols by these words"


@pytest.mark.usefixtures("small")
def test_a_policy_s_refusal_has_no_hint_but_its_own_words(
    fed: Federation, crops: Callable[..., list[Crop]]
) -> None:
    failed, _, _ = asked(fed, crops(3), PLAN)
    assert failed["a"].startswith("refused: the training split has fewer patients than this site")
    assert "hint of the site" not in failed["a"]
