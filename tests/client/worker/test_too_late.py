"""A site whose update came too late says how late, and which budget would have fitted."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.moments import Moments
from hepafed.client.release import Ledger
from hepafed.client.worker.too_late import too_late
from hepafed.client.worker.work import Work
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import TrainReply, TrainRequest
from hepafed.common.contract.plan import ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import RefusedError
from hepafed.common.network.weights import Flat, Layout

PLAN = Plan(name="a", protocol="t2", rounds=RoundsPlan(deadline=1000))


@pytest.mark.parametrize(("elapsed", "late"), [(999.9, False), (1000.0, True), (5000.0, True)])
def test_within_the_deadline_another_reason_is_the_true_one(elapsed: float, late: bool) -> None:
    assert (too_late(PLAN, elapsed, 100.0) is not None) == late


def test_the_budget_that_fits_leaves_time_for_all_else_and_a_tenth_free() -> None:
    error = too_late(PLAN, 4210.4, 3900.2)
    assert error is not None
    assert error.message == (
        "the update came after the round was over: 4210 s after the request, of them 3900 s of "
        "training; the plan's deadline is 1000 s; training.budget = 589 would have fitted"
    )


@pytest.mark.parametrize(("other", "fits"), [(899.0, True), (900.0, False), (4000.0, False)])
def test_where_all_else_takes_the_deadline_no_budget_fits(other: float, fits: bool) -> None:
    error = too_late(PLAN, 5000.0 + other, 5000.0)
    assert error is not None
    assert ("= 1 would have fitted" in error.message) == fits
    assert ("no training.budget would have fitted" in error.message) != fits


class Wire:
    """Weights of zeros; updates are kept, or refused."""

    def __init__(self, refuses: bool) -> None:
        self.refuses = refuses
        self.sent = 0

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        return np.zeros(layout.size, np.float32)

    def send(self, *_: object) -> None:
        if self.refuses:
            raise RefusedError("the server refused a transfer (403)")
        self.sent += 1


def work(
    home: Path, crops: list[Crop], seconds: float, refuses: bool = False, minimum_steps: int = 1
) -> tuple[Work, Wire]:
    """Make the work of a site whose clock goes on by so many seconds at each look."""
    Cohort.create(home).add(crops)
    ticks, wire = count(), Wire(refuses)
    config = SiteConfig(
        site="s", role="train", address="localhost:1", device="cpu", minimum_steps=minimum_steps,
        minimum_train_patients=1, optimisers=("sgd", "adamw"),
    )  # fmt: skip
    made = Work(
        home, config, Ledger(home), wire, wire.send,  # type: ignore[arg-type]
        lambda *_: TuningFigures(lesions=0, macro_auc=None),
        lambda: seconds * next(ticks),
    )  # fmt: skip
    return made, wire


def request(strategy: str = "fednova", budget: int = 0) -> TrainRequest:
    plan = Plan(
        name="a", protocol="t2", model=ModelPlan(size=75),
        training=TrainingPlan(batch=2, epochs=2, budget=budget),
        rounds=RoundsPlan(deadline=1000, strategy=strategy),
    )  # fmt: skip
    return TrainRequest(run="t-1", round=1, plan=plan, weights="w")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("late", [True, False])
def test_an_update_that_is_refused_after_the_deadline_says_so(
    tmp_path: Path, crops: Callable[..., list[Crop]], late: bool
) -> None:
    site, _ = work(tmp_path, crops(30), 400.0 if late else 1.0, refuses=True)
    with pytest.raises(RefusedError) as e:
        site.train(request())
    assert ("the update came after the round was over" in e.value.message) == late
    assert ("the server refused a transfer" in e.value.message) != late


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("refuses", [True, False])
def test_a_site_answers_when_its_upload_and_its_moments_are_over(
    tmp_path: Path, crops: Callable[..., list[Crop]], refuses: bool
) -> None:
    site, _ = work(tmp_path, crops(30), 1.0, refuses=refuses)
    plan = replace(request("fedavg").plan, training=TrainingPlan(batch=2))
    with suppress(RefusedError):
        site.train(replace(request(), plan=plan))
    assert Moments(tmp_path).read("t-1", 1, "adamw")


@pytest.mark.usefixtures("small")
def test_a_site_states_its_steps_where_the_plan_counts_them(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    site, wire = work(tmp_path, crops(30), 50.0)
    stated = []
    for asked in (request(), request("fedavg"), request(budget=100)):
        reply = site.train(asked)
        assert isinstance(reply, TrainReply)
        stated.append((reply.steps, reply.planned))
    planned = stated[0][1]
    assert planned == 20
    assert stated == [(planned, planned), (0, 0), (2, planned)]
    assert wire.sent == 3


@pytest.mark.usefixtures("small")
def test_a_budget_ends_no_round_before_the_fewest_steps_of_the_sites_policy(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    site, _ = work(tmp_path, crops(30), 500.0, minimum_steps=4)
    reply = site.train(request(budget=100))
    assert reply.steps == 4
