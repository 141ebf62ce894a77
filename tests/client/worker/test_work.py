"""What a site scores when it is asked, and when it scores anew."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.worker.app import SiteApp
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import (
    CountedRound,
    SiteSummary,
    TrainReply,
    TrainRequest,
    ValidateRequest,
)
from hepafed.common.contract.plan import ModelPlan, Plan, TrainingPlan
from hepafed.common.contract.rounds import RoundsPlan
from hepafed.common.errors import RefusedError
from hepafed.common.network.weights import Flat, Layout

PLAN = Plan(name="small", protocol="t2", model=ModelPlan(size=75))


class Given:
    """In place of the network to the coordinator: the weights are at hand."""

    def __init__(self) -> None:
        self.fetched = 0

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        self.fetched += 1
        return np.random.default_rng(1).random(layout.size, np.float32)

    def send(self, *_: object) -> str:
        return "d"


@pytest.mark.usefixtures("small")
def test_scores_of_a_run_are_made_once_and_anew_when_the_cohort_has_changed(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    Cohort.create(tmp_path).add(crops(6))
    config = SiteConfig(site="s", role="validate", address="localhost:1", release="plain")
    wire = Given()
    site = SiteApp(tmp_path, config, wire)  # type: ignore[arg-type]
    request = ValidateRequest(
        run="v-1", model="m", plan=PLAN, weights="w", threshold=0.5, split="external"
    )

    def lesions() -> int:
        summary = site.answer(request)
        assert isinstance(summary, SiteSummary)
        return summary.lesions

    assert [lesions() for _ in range(2)] == [6, 6]
    assert wire.fetched == 1
    Cohort.open(tmp_path).add(crops(2, 10))
    assert lesions() == 8


@pytest.mark.usefixtures("small")
def test_a_summary_says_how_the_scored_lesions_came_about(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    store = Cohort.create(tmp_path)
    store.add(crops(6))
    store.note_unreadable({f"gone{n}": f"other{n}" for n in range(3)})
    config = SiteConfig(
        site="s", role="validate", address="localhost:1", release="plain", minimum_count=3,
        share_cohort_summary=True,
    )  # fmt: skip
    site = SiteApp(tmp_path, config, Given())  # type: ignore[arg-type]
    summary = site.answer(
        ValidateRequest(
            run="v-1", model="m", plan=PLAN, weights="w", threshold=0.5, split="external"
        )
    )
    assert isinstance(summary, SiteSummary)
    assert summary.origin is not None
    assert summary.origin.left_out is not None
    (unreadable, *others) = summary.origin.left_out
    assert (unreadable.reason, unreadable.patients, unreadable.lesions) == ("unreadable", 3, 3)
    assert all(p.lesions == 0 for p in others)


SCAFFOLD = Plan(
    name="small",
    protocol="t2",
    model=ModelPlan(size=75),
    training=TrainingPlan(batch=4, optimiser="sgd", rate=0.05, augment=False),
    rounds=RoundsPlan(strategy="scaffold", weights="equal"),
)


class Sent(Given):
    """Gives other numbers for c than for weights, and keeps what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.updates: list[bytes] = []

    def fetch(self, digest: str, layout: Layout) -> Flat:
        self.asked.append(digest)
        flat = np.random.default_rng(len(digest)).random(layout.size, np.float32)
        return flat * np.float32(0.1 if digest.startswith("c") else 1)

    def send(self, _run: str, _round: int, content: bytes) -> str:
        self.updates.append(bytes(content))
        return "d"


@pytest.mark.usefixtures("small")
def test_a_round_of_scaffold_starts_from_its_c_and_from_the_round_that_counts_of_this_site(
    tmp_path: Path, crops: Callable[..., list[Crop]]
) -> None:
    Cohort.create(tmp_path).add(crops(30))
    config = SiteConfig(
        site="s", role="train", address="localhost:1", device="cpu", optimisers=("sgd",),
        minimum_train_patients=1, minimum_steps=1,
    )  # fmt: skip
    wire = Sent()
    site = SiteApp(tmp_path, config, wire)  # type: ignore[arg-type]

    def trained(number: int, control: str = "", **counted: int) -> TrainReply:
        rounds = tuple(CountedRound(site=s, round=n) for s, n in counted.items())
        reply = site.answer(
            TrainRequest(
                run="r", round=number, plan=SCAFFOLD, weights="w", control=control, counted=rounds
            )
        )
        assert isinstance(reply, TrainReply)
        return reply

    first = trained(1)
    assert first.steps == first.planned > 1, "steps are stated: the coordinator computes by them"
    assert wire.asked == ["w"]
    trained(2, "c", other=1, s=1)
    trained(2, "c", other=1)
    assert wire.asked[1:] == ["w", "c"] * 2
    assert wire.updates[1] != wire.updates[2], "with its own control variate and without"
    with pytest.raises(RefusedError, match="control variate of round 7 is not here"):
        trained(8, "c", s=7)
