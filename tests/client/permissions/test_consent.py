"""Nothing is answered that no person allowed; what was allowed goes on beside every attack."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hepafed.client.permissions.book import MOST_WAITING, PermissionBook
from hepafed.client.permissions.consent import Consent, NotAllowedError
from hepafed.client.permissions.permission import EVERY_STUDY
from hepafed.client.permissions.waits import WaitBook
from hepafed.client.release.ledger import Ledger
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.messages import (
    ComparedModel,
    CompareRequest,
    PlacementsRequest,
    TrainRequest,
    TuneRequest,
    ValidateRequest,
    pack,
    seal,
    unpack,
)
from hepafed.common.contract.plan import Plan, plan_digest
from hepafed.common.errors import ConfigError, RefusedError

from tests.client.permissions.consenting import NOW, permission

PLAN = Plan(name="a", protocol="t2", study="liver")
TRAIN = TrainRequest(run="a-1", round=1, plan=PLAN, weights="0" * 64)
VALIDATE = ValidateRequest(
    run="v-1", model="m", plan=PLAN, weights="1" * 64, threshold=0.5, split="external"
)


class Signed:
    """A coordinator that signs, and one site."""

    def __init__(self, folder: Path) -> None:
        self.home, self.now = folder / "site", NOW
        make_node_key(self.home / "keys" / "node.key")
        make_authority(self.home / "keys", NOW)
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(self.home)
        self.book = PermissionBook(self.home, self.ledger)
        self.consent = Consent(self.home, "s", self.ledger, lambda: self.now)
        self.waits = WaitBook(self.home, self.ledger)

    def seal(self, request: object, **values: Any) -> dict[str, str]:  # noqa: ANN401
        key = serialization.load_pem_private_key((self.home / "keys" / "ca.key").read_bytes(), None)
        usual = {
            "site": "s",
            "requester": "coordinator",
            "study": "liver",
            "now": self.now,
            "seconds": 600.0,
        }
        return seal(pack(request), key, **{**usual, **values})  # type: ignore[arg-type]

    def ask(self, request: object, **values: Any) -> tuple[str, ...]:  # noqa: ANN401
        return self.answer(self.seal(request, **values))

    def answer(self, values: Mapping[str, str]) -> tuple[str, ...]:
        text, stamp = self.consent.opened(dict(values))
        self.ledger.record_request("any", "r", text, requester=stamp.requester, stamp=stamp)
        return self.consent.admit(unpack(text), stamp)

    def allow(self, **values: Any) -> None:  # noqa: ANN401
        self.book.add(permission(**values))


@pytest.fixture
def site(tmp_path: Path) -> Signed:
    return Signed(tmp_path)


def test_without_a_permission_a_plan_and_a_model_wait_and_are_listed_in_plain_words(
    site: Signed,
) -> None:
    for request in (TRAIN, VALIDATE, VALIDATE, TRAIN):
        with pytest.raises(NotAllowedError, match="no person at this site") as e:
            site.ask(request)
        assert "client allow" in e.value.hint
    plan, model = site.book.state().waiting
    assert (plan.kind, plan.digest, plan.study, plan.rounds) == (
        "plan", plan_digest(PLAN), "liver", 11,
    )  # fmt: skip
    assert "10 round(s), 1 epoch(s) a round in batches of 32, adamw, rate 0.001" in plan.words
    assert (model.kind, model.digest) == ("model", "1" * 64)
    assert "score the external split with the model m, threshold 0.500" in model.words


def test_a_study_is_allowed_with_one_word_and_another_study_is_not(site: Signed) -> None:
    with pytest.raises(NotAllowedError):
        site.ask(TRAIN)
    site.allow(study="liver")
    assert site.book.state().waiting == ()
    for request in (TRAIN, VALIDATE, TuneRequest(run="a-1", round=9, plan=PLAN, weights="2" * 64)):
        assert site.ask(request) == ("p-1",)
    with pytest.raises(NotAllowedError):
        site.ask(VALIDATE, study="other")
    with pytest.raises(RefusedError, match="another study than its plan's"):
        site.ask(replace(TRAIN, plan=replace(PLAN, study="other")))


def test_a_plan_that_is_allowed_by_digest_covers_no_plan_that_differs_in_one_value(
    site: Signed,
) -> None:
    site.allow(digest=plan_digest(PLAN))
    assert site.ask(TRAIN) == ("p-1",)
    changed = replace(PLAN, training=replace(PLAN.training, rate=0.002))
    with pytest.raises(NotAllowedError):
        site.ask(replace(TRAIN, plan=changed))


def test_every_model_of_a_comparison_must_be_allowed(site: Signed) -> None:
    models = tuple(
        ComparedModel(model=w, plan=PLAN, weights=w * 64, threshold=0.5) for w in ("1", "2")
    )
    request = CompareRequest(run="v-1", split="external", models=models)
    site.allow(digest="1" * 64)
    with pytest.raises(NotAllowedError) as e:
        site.ask(request)
    assert e.value.digests == ("2" * 64,)
    assert site.book.state().permissions[0].used_models == ()
    site.allow(name="p-2", digest="2" * 64)
    assert site.ask(request) == ("p-1", "p-2")


def test_another_requester_than_the_one_allowed_waits(site: Signed) -> None:
    site.allow(study="liver", requester="anna")
    assert site.ask(VALIDATE, requester="anna") == ("p-1",)
    with pytest.raises(NotAllowedError, match="another requester"):
        site.ask(VALIDATE, requester="coordinator")


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
def test_rounds_models_and_bytes_are_counted_to_their_limit(site: Signed, restart: bool) -> None:
    site.allow(study="liver", rounds=2, models=1, bytes=100)
    tune = TuneRequest(run="a-1", round=1, plan=PLAN, weights=TRAIN.weights)
    other = replace(TRAIN, weights="3" * 64)
    for request in (TRAIN, TRAIN, tune, VALIDATE, VALIDATE):  # asked again after a crash: once
        assert site.ask(request) == ("p-1",)
    if restart:
        site.restart()
    with pytest.raises(NotAllowedError, match="the rounds of the permission are used up"):
        site.ask(other)
    with pytest.raises(NotAllowedError, match="the models of the permission are used up"):
        site.ask(replace(VALIDATE, weights="4" * 64))
    site.consent.spend(("p-1",), 60)
    with pytest.raises(RefusedError, match="more bytes than the permission allows"):
        site.consent.spend(("p-1",), 41)
    assert site.ask(TRAIN) == ("p-1",)
    site.consent.spend(("p-1",), 40)
    with pytest.raises(NotAllowedError, match="bytes of the permission are used up"):
        site.ask(TRAIN)


@pytest.mark.parametrize(
    "name",
    ["", "*", "m" * 81, "l\u0456ver", "m-1, threshold 0.500; only totals leave. (was: x", "a b"],
)
def test_a_name_that_a_person_could_misread_is_refused_and_not_listed(
    site: Signed, name: str
) -> None:
    for request, values in (
        (replace(VALIDATE, model=name), {}),
        (VALIDATE, {"requester": name}),
        (VALIDATE, {"study": name}),
        (TRAIN, {"requester": name}),
    ):
        with pytest.raises(RefusedError, match="the name of the requester, the study or a model"):
            site.ask(request, **values)
    assert site.book.state().waiting == ()
    site.allow(study="liver")
    assert site.ask(replace(VALIDATE, model="m" * 80)) == ("p-1",)


def test_another_plan_is_another_round_and_another_model(site: Signed) -> None:
    site.allow(study="liver", rounds=1, models=1)
    for _ in range(2):
        assert site.ask(TRAIN) == ("p-1",)
        assert site.ask(VALIDATE) == ("p-1",)
    for plan in (replace(PLAN, seed=8), replace(PLAN, model=replace(PLAN.model, size=75))):
        with pytest.raises(NotAllowedError, match="the rounds of the permission are used up"):
            site.ask(replace(TRAIN, plan=plan))
        with pytest.raises(NotAllowedError, match="the models of the permission are used up"):
            site.ask(replace(VALIDATE, plan=plan))
    (held,) = site.book.state().permissions
    assert (len(held.used_rounds), len(held.used_models)) == (1, 1)


def test_a_model_that_is_allowed_by_digest_is_scored_under_one_plan(site: Signed) -> None:
    site.allow(digest=VALIDATE.weights)
    assert [site.ask(replace(VALIDATE, run=f"v-{n}")) for n in range(2)] == [("p-1",)] * 2
    with pytest.raises(NotAllowedError, match="the models of the permission are used up"):
        site.ask(replace(VALIDATE, plan=replace(PLAN, seed=8)))
    site.allow(name="p-2", study="liver")
    assert site.ask(replace(VALIDATE, plan=replace(PLAN, seed=8))) == ("p-2",)


def test_a_permission_ends_with_its_last_second(site: Signed) -> None:
    until = NOW + timedelta(days=10)
    site.allow(study="liver", until=until.isoformat())
    site.now = until
    assert site.ask(TRAIN) == ("p-1",)
    site.now = until + timedelta(seconds=1)
    with pytest.raises(NotAllowedError, match="expired"):
        site.ask(TRAIN)
    with pytest.raises(RefusedError, match="not any more"):
        site.ask(PlacementsRequest(run="a-1", curves=()))


def test_what_continues_a_run_needs_that_run_s_permission_to_stand(site: Signed) -> None:
    more = PlacementsRequest(run="v-1", curves=())
    site.allow(study="liver")
    with pytest.raises(RefusedError, match="the run was not allowed"):
        site.ask(more)
    site.ask(VALIDATE)
    assert site.ask(more) == ("p-1",)
    assert site.book.withdraw(("liver",), NOW) == ("p-1",)
    for request in (more, VALIDATE):
        with pytest.raises(RefusedError, match=r"not any more|withdrawn"):
            site.ask(request)
    site.allow(name="p-2", study=EVERY_STUDY)
    assert site.ask(VALIDATE) == ("p-2",)


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
def test_a_request_is_answered_once(site: Signed, restart: bool) -> None:
    site.allow(study="liver")
    sealed = site.seal(VALIDATE)
    assert site.answer(sealed) == ("p-1",)
    if restart:
        site.restart()
    with pytest.raises(RefusedError, match="answered before"):
        site.answer(sealed)
    assert site.ask(VALIDATE) == ("p-1",)


def test_one_changed_byte_of_the_permissions_is_found_also_after_a_restart(site: Signed) -> None:
    site.allow(study="liver", rounds=2)
    path = site.home / "permissions.json"
    whole = path.read_bytes()
    for old, new in ((b'"rounds": 2', b'"rounds": 9'), (b"liver", b"lives"), (b"p-1", b"p-2")):
        path.write_bytes(whole.replace(old, new))
        site.restart()
        with pytest.raises(ConfigError, match="changed"):
            site.ask(TRAIN)
    for cut in (b"", whole[:-1], whole[1:]):
        path.write_bytes(cut)
        with pytest.raises(ConfigError, match="damaged"):
            site.ask(TRAIN)
    path.write_bytes(whole)
    assert site.ask(TRAIN) == ("p-1",)


def test_an_older_copy_of_the_permissions_is_found_and_a_deleted_one(site: Signed) -> None:
    site.allow(study="liver", rounds=1)
    path = site.home / "permissions.json"
    fresh = path.read_bytes()
    site.ask(TRAIN)
    newest = path.read_bytes()
    site.consent.spend(("p-1",), 1)
    for content in (fresh, newest):
        path.write_bytes(content)
        site.restart()
        with pytest.raises(ConfigError, match="older copy"):
            site.ask(TRAIN)
    path.unlink()
    with pytest.raises(ConfigError, match="missing"):
        site.ask(TRAIN)
    site.allow(name="p-2", study="liver")  # a person says anew what holds
    assert site.ask(TRAIN) == ("p-2",)


def test_the_permissions_of_another_site_are_not_this_one_s(site: Signed, tmp_path: Path) -> None:
    other = Signed(tmp_path / "other")
    other.allow(study="liver")
    for name in ("permissions.json", "ledger.jsonl", "ledger.head"):
        (site.home / name).write_bytes((other.home / name).read_bytes())
    with pytest.raises(ConfigError, match="changed"):
        site.ask(TRAIN)


def test_permissions_are_readable_by_their_owner_alone(site: Signed) -> None:
    site.allow(study="liver")
    site.ask(TRAIN)
    assert (site.home / "permissions.json").stat().st_mode & 0o777 == 0o600


def test_what_waits_is_bounded(site: Signed) -> None:
    for n in range(MOST_WAITING + 1):
        with pytest.raises(NotAllowedError):
            site.ask(replace(VALIDATE, weights=f"{n:064}"))
    waiting = site.book.state().waiting
    assert [len(waiting), waiting[0].digest] == [MOST_WAITING, f"{1:064}"]
    assert datetime.fromisoformat(waiting[0].since).tzinfo == UTC
