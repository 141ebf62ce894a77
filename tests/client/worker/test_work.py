"""What a site scores when it is asked, and when it scores anew."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.worker.app import SiteApp
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import SiteSummary, ValidateRequest
from hepafed.common.contract.plan import ModelPlan, Plan
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
