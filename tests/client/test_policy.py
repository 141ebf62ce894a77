"""The site has the last word: a validate site never trains."""

import pytest
from hepafed.client.policy import permit
from hepafed.common.config import SiteConfig
from hepafed.common.errors import RefusedError
from hepafed.common.messages import Refusal, TrainRequest, TuneRequest, ValidateRequest
from hepafed.common.plan import Plan

PLAN = Plan(name="a", protocol="t2")
TRAIN = TrainRequest(run="r", round=1, plan=PLAN, weights="0")
TUNE = TuneRequest(run="r", round=1, plan=PLAN, weights="0")


def ask(split: str) -> ValidateRequest:
    return ValidateRequest(run="r", model="m", plan=PLAN, weights="0", threshold=0.5, split=split)


def site(role: str) -> SiteConfig:
    return SiteConfig(site="a", role=role, address="localhost:1")


@pytest.mark.parametrize(
    "request_", [TRAIN, TUNE, ask("test"), ask("train"), Refusal(run="", reason="")]
)
def test_a_validate_site_refuses_all_but_its_external_cohort(request_: object) -> None:
    with pytest.raises(RefusedError):
        permit(site("validate"), request_)


@pytest.mark.parametrize("request_", [TRAIN, TUNE, ask("test")])
def test_a_training_site_trains_tunes_and_tests(request_: object) -> None:
    assert permit(site("train"), request_) is request_


def test_a_training_site_gives_no_figures_of_its_training_data() -> None:
    with pytest.raises(RefusedError):
        permit(site("train"), ask("train"))
