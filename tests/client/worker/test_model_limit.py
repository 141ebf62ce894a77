"""A model for which site.toml leaves no room is refused before a person is asked about it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hepafed.client.cohort import Crop
from hepafed.client.permissions import PermissionBook
from hepafed.common.contract.messages import ComparedModel, CompareRequest, Refusal, Waits

from tests.client.worker.signed_site import PLAN, REQUEST, Site

pytestmark = pytest.mark.usefixtures("small")
OTHER = replace(REQUEST, run="v-2", weights="b" * 64)
BOTH = CompareRequest(
    run="v-3",
    split="external",
    models=tuple(
        ComparedModel(model=w, plan=PLAN, weights=w * 64, threshold=0.5) for w in ("a", "b")
    ),
)


@pytest.fixture
def site(tmp_path: Path, crops: Callable[..., list[Crop]], in_flower: None) -> Site:
    """One model was answered, and site.toml allows no second one."""
    made = Site(tmp_path, crops(6), models_a_year=1)
    made.allow(digest=REQUEST.weights, study="")
    made.ask(made.sealed())
    return made


@pytest.mark.parametrize("question", [OTHER, BOTH], ids=["a validation", "a comparison"])
def test_a_model_beyond_the_year_s_number_is_refused_and_no_person_is_asked(
    site: Site, question: object
) -> None:
    answer = site.ask(site.sealed(question))
    assert isinstance(answer, Refusal)
    assert "models_a_year" in answer.reason
    assert PermissionBook(site.home, site.ledger).state().waiting == ()


def test_a_model_that_was_answered_is_known_and_one_within_the_number_waits(site: Site) -> None:
    assert not isinstance(site.ask(site.sealed(replace(REQUEST, run="v-9"))), (Refusal, Waits))
    site.config = replace(site.config, models_a_year=2)
    site.restart()
    assert isinstance(site.ask(site.sealed(OTHER)), Waits)


def test_a_model_that_is_refused_counts_as_no_model_of_a_permission(site: Site) -> None:
    site.allow(id="p-2", models=1)
    assert isinstance(site.ask(site.sealed(OTHER)), Refusal)
    held = PermissionBook(site.home, site.ledger).state().permissions[-1]
    assert (held.id, held.used_models) == ("p-2", ())
