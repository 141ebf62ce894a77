"""The site has the last word: a validate site never trains."""

from dataclasses import replace

import pytest
from hepafed.client.release.policy import permit
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import (
    ComparedModel,
    CompareRequest,
    KeysRequest,
    OpenRequest,
    Refusal,
    SumsRequest,
    Terms,
    TrainRequest,
    TuneRequest,
    ValidateRequest,
)
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import ConfigError, RefusedError

PLAN = Plan(name="a", protocol="t2")
TRAIN = TrainRequest(run="r", round=1, plan=PLAN, weights="0")
TUNE = TuneRequest(run="r", round=1, plan=PLAN, weights="0")


KEYS = KeysRequest(
    run="r",
    terms=Terms(
        exchange="0" * 32, run="r", subject="counts", weights="0" * 64, split="external", attempt=1,
        participants=("a", "b"), length=1,
    ),
)  # fmt: skip


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


@pytest.mark.parametrize("release", ["cells", "plain"])
def test_a_site_that_does_not_mask_joins_no_masked_sum(release: str) -> None:
    policy = SiteConfig(site="a", role="validate", address="localhost:1", release=release)
    for request in (
        KEYS,
        SumsRequest(run="r", exchange="", offers=()),
        OpenRequest(run="r", exchange=""),
    ):
        assert permit(site("validate"), request) is request
        with pytest.raises(RefusedError, match="not masked"):
            permit(policy, request)


def test_the_terms_of_a_sum_are_of_the_run_that_is_named() -> None:
    with pytest.raises(RefusedError, match="another run"):
        permit(site("validate"), replace(KEYS, run="other"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"release": "fine"},
        {"fallback": "plain"},
        {"minimum_peers": 1},
        {"minimum_patients": 0},
        {"peer_trust": "all"},
    ],
    ids=lambda w: next(iter(w)),
)
def test_a_policy_that_does_not_exist_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SiteConfig(site="a", role="validate", address="localhost:1", **wrong)  # type: ignore[arg-type]


def test_a_comparison_is_of_few_different_models_on_the_sites_own_split() -> None:
    def comparing(count: int, split: str = "external") -> CompareRequest:
        models = tuple(
            ComparedModel(model=str(i), plan=PLAN, weights=str(i), threshold=0.5)
            for i in range(count)
        )
        return CompareRequest(run="r", split=split, models=models)

    config = SiteConfig(site="a", role="validate", address="localhost:1")
    request = comparing(2)
    assert permit(config, request) is request
    for wrong in (
        comparing(1),
        comparing(7),
        comparing(2, "test"),
        replace(request, models=request.models[:1] * 2),
    ):
        with pytest.raises(RefusedError):
            permit(config, wrong)
