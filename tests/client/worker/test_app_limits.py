"""site.toml's limits come before a person is asked, and what they refuse uses up no permission."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hepafed.client.cohort import Crop
from hepafed.client.permissions import PermissionBook
from hepafed.common.contract.messages import Refusal, TrainReply, TrainRequest, Waits
from hepafed.common.contract.plan import TrainingPlan

from tests.client.worker.signed_site import PLAN, REQUEST, Site

pytestmark = pytest.mark.usefixtures("small")
TRAIN = TrainRequest(
    run="t-1", round=1, plan=replace(PLAN, training=TrainingPlan(epochs=2, batch=2)),
    weights="a" * 64,
)  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, crops: Callable[..., list[Crop]], in_flower: None) -> Callable[..., Site]:
    """Make a training site of six patients under a policy."""

    def make(**policy: Any) -> Site:  # noqa: ANN401
        usual = {"role": "train", "minimum_train_patients": 1, "minimum_steps": 1}
        site = Site(tmp_path, crops(6), **{**usual, **policy})
        with closing(sqlite3.connect(site.home / "cohort/index.db")) as db, db:
            db.execute("DELETE FROM about WHERE key = 'checksum'")  # as 0.1.0 wrote it
            db.execute("UPDATE patient SET split = 'train'")
        return site

    return make


def waiting(site: Site) -> list[str]:
    """Return what a person reads of a thing that waits: why it is refused though allowed."""
    return [w.refused for w in PermissionBook(site.home, site.ledger).state().waiting]


@pytest.mark.parametrize(
    ("policy", "training", "why"),
    [
        ({"role": "validate"}, {}, "never trains"),
        ({}, {"optimiser": "sgd"}, "optimisers"),
        ({"minimum_steps": 4}, {"batch": 0}, "minimum_steps"),
    ],
    ids=["role", "optimiser", "whole split"],
)
def test_what_policy_refuses_whatever_the_cohort_no_person_is_asked(
    made: Callable[..., Site], policy: dict[str, Any], training: dict[str, Any], why: str
) -> None:
    site = made(**policy)
    plan = replace(TRAIN.plan, training=replace(TRAIN.plan.training, **training))
    answer = site.ask(site.sealed(replace(TRAIN, plan=plan)))
    assert isinstance(answer, Refusal)
    assert why in answer.reason
    assert waiting(site) == []


def test_a_split_that_this_site_is_not_validated_on_is_refused_before_a_person_is_asked(
    made: Callable[..., Site],
) -> None:
    site = made()
    assert isinstance(site.ask(site.sealed(REQUEST)), Refusal)
    assert waiting(site) == []


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"minimum_train_patients": 7}, "minimum_train_patients = 7"),
        ({"minimum_steps": 50}, "minimum_steps = 50"),
    ],
    ids=["patients", "steps"],
)
def test_a_limit_that_tells_of_the_cohort_is_read_by_the_person_and_not_by_the_coordinator(
    made: Callable[..., Site], policy: dict[str, Any], why: str
) -> None:
    site = made(**policy)
    answer = site.ask(site.sealed(TRAIN))
    assert isinstance(answer, Waits)
    assert set(vars(answer)) == {"run", "digest"}
    (refused,) = waiting(site)
    assert why in refused
    site.allow(rounds=1)
    for number in range(2):
        refusal = site.ask(site.sealed(replace(TRAIN, round=1 + number)))
        assert isinstance(refusal, Refusal)
        assert why in refusal.reason
    (held,) = PermissionBook(site.home, site.ledger).state().permissions
    assert held.used_rounds == ()


def test_an_honest_plan_waits_without_a_doubt_and_its_round_counts_once_allowed(
    made: Callable[..., Site],
) -> None:
    site = made(minimum_train_patients=6)
    assert isinstance(site.ask(site.sealed(TRAIN)), Waits)
    assert waiting(site) == [""]
    site.allow(rounds=1)
    assert isinstance(site.ask(site.sealed(TRAIN)), TrainReply)
    (held,) = PermissionBook(site.home, site.ledger).state().permissions
    assert len(held.used_rounds) == 1
