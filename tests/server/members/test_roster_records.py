"""What is written down of a member at each step, and what a person is told to do."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hepafed.common.errors import ConfigError, EnrolmentError, RefusedError
from hepafed.server.members.roster import Members, SiteEntry, digest_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


@pytest.fixture
def members(tmp_path: Path) -> Members:
    return Members(tmp_path)


def enrol(members: Members, site: str = "a") -> str:
    token, _ = members.invite(site, "train", 1, NOW)
    members.enrol(members.invited(token, NOW), f"key {site}", digest_of(site), "7", LATER)
    return token


def test_a_digest_is_the_sha256_of_a_token() -> None:
    assert digest_of("tokén") == sha256("tokén".encode()).hexdigest()


def test_each_step_of_a_site_is_written_down(members: Members, tmp_path: Path) -> None:
    token, expires = members.invite("a", "validate", 1.5, NOW)
    invited = SiteEntry(
        site="a", role="validate", invite=digest_of(token), expires="2026-01-01T13:30:00+00:00"
    )
    assert expires == NOW + timedelta(hours=1.5)
    assert members.sites() == {"a": invited}
    made = members.enrol(invited, "key", digest_of("own"), "7", LATER)
    assert made == SiteEntry(
        site="a",
        role="validate",
        spent=digest_of(token),
        expires="2026-01-01T13:30:00+00:00",
        public_key="key",
        node="7",
        token=digest_of("own"),
        enrolled="2026-01-01T12:30:00+00:00",
    )
    assert Members(tmp_path).sites() == {"a": made}
    gone = members.revoke("a")
    assert gone == SiteEntry(
        site="a",
        role="validate",
        expires="2026-01-01T13:30:00+00:00",
        public_key="key",
        node="7",
        enrolled="2026-01-01T12:30:00+00:00",
        revoked=True,
    )
    assert Members(tmp_path).sites() == {"a": gone}


def test_tokens_are_long_and_never_the_same(members: Members) -> None:
    made = [members.invite(n, "train", 1, NOW)[0] for n in "ab"]
    made += [members.grant(n, "evaluator")[0] for n in "ab"]
    assert len(set(made)) == 4
    length = len(secrets.token_urlsafe(32))
    assert [len(t) for t in made] == [length] * 4


def test_each_step_leaves_the_other_sites_and_people(members: Members, tmp_path: Path) -> None:
    enrol(members, "x")
    eva, _ = members.grant("eva", "evaluator")
    kept = members.sites()["x"]

    def others_are_there() -> None:
        fresh = Members(tmp_path)
        assert fresh.sites()["x"] == kept
        assert fresh.person_of(eva).name == "eva"

    members.invite("a", "train", 1, NOW)
    others_are_there()
    enrol(members, "a")
    others_are_there()
    members.revoke("a")
    others_are_there()
    members.grant("ann", "coordinator")
    others_are_there()
    assert list(members.sites()) == ["x", "a"]


def test_people_are_written_down_by_their_digest(members: Members, tmp_path: Path) -> None:
    token, _ = members.grant("eva", "evaluator")
    values = json.loads((tmp_path / "members.json").read_text())
    assert values["people"] == [{"name": "eva", "role": "evaluator", "token": digest_of(token)}]


def test_an_invite_that_another_one_replaced_meanwhile_enrols_nobody(members: Members) -> None:
    token, _ = members.invite("a", "train", 1, NOW)
    entry = members.invited(token, NOW)
    members.invite("a", "train", 1, NOW)
    with pytest.raises(EnrolmentError, match="the invite was used already") as found:
        members.enrol(entry, "key", digest_of("own"), "7", NOW)
    assert found.value.hint == "ask the coordinator for a new one (server invite)"
    assert members.sites()["a"].public_key == ""


def _invited_twice(members: Members) -> None:
    enrol(members)
    members.invite("a", "train", 1, NOW)


def _used(members: Members) -> None:
    members.invited(enrol(members), NOW)


def _expired(members: Members) -> None:
    members.invited(members.invite("a", "train", 1, NOW)[0], NOW + timedelta(hours=2))


@pytest.mark.parametrize(
    ("ask", "why", "hint"),
    [
        (_invited_twice, "a is enrolled already", "server revoke first"),
        (_used, "unknown or was used already", "after server revoke)"),
        (_expired, "the invite of a has expired", "for a new one (server invite)"),
        (lambda members: members.revoke("b"), "there is no site b", "see server sites"),
        (lambda members: members.person_of("x"), "is not valid here", "(server grant)"),
    ],
)
def test_what_is_refused_says_what_to_do(
    members: Members, ask: Callable[[Members], object], why: str, hint: str
) -> None:
    with pytest.raises((EnrolmentError, RefusedError), match=why) as found:
        ask(members)
    assert found.value.hint.endswith(hint)


def test_a_damaged_roster_is_named_with_what_to_do(members: Members, tmp_path: Path) -> None:
    (tmp_path / "members.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"members.json is damaged") as found:
        members.sites()
    assert found.value.hint.startswith("restore a copy of it")


def test_no_empty_token_opens_anything(members: Members) -> None:
    enrol(members)
    members.revoke("a")
    members.invite("b", "train", 1, NOW)
    for ask in (members.site_of, members.person_of, lambda token: members.invited(token, NOW)):
        with pytest.raises((EnrolmentError, RefusedError)):
            ask("")
    assert members.enrolled_before("", "", "", NOW) is None


def test_members_that_join_at_the_same_time_are_all_kept(members: Members) -> None:
    start = Barrier(4)

    def join(name: str) -> None:
        start.wait()
        for n in range(10):
            enrol(members, f"{name}{n}")
            members.grant(f"{name}{n}", "evaluator")

    threads = [Thread(target=join, args=(n,)) for n in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {s for s, e in members.sites().items() if e.public_key} == {
        f"{n}{i}" for n in "abcd" for i in range(10)
    }
