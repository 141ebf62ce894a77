"""What a site asks of the gateway itself: it enrols once, sees how it stands, and leaves."""

from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Any

import pytest
from hepafed.common.contract import CONNECTION, INSTANCE
from hepafed.common.releases import HEADER
from hepafed.server.members.roster import digest_of

from .gates import Gate, said

KEY = "ecdsa-sha2-nistp384 AAAA"
OWN = digest_of("made by the site")


def invited(gate: Gate, hours: float = 1, role: str = "validate") -> str:
    return gate.members.invite("a", role, hours, datetime.now(UTC))[0]


def enrol(gate: Gate, invite: str, **changes: str) -> Any:  # noqa: ANN401
    body = {"token": invite, "public_key": KEY, "own": OWN} | changes
    return gate("POST", "/enrol", json=body)


def recent(text: str) -> bool:
    return abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_invited_site_enrols_with_its_key_and_the_digest_of_its_token(gate: Gate) -> None:
    answer = enrol(gate, invited(gate), public_key=f" {KEY}\n").json()
    assert recent(answer.pop("time"))
    assert answer == {"site": "a", "role": "validate"}
    entry = gate.members.site_of("made by the site")
    assert (entry.site, entry.public_key, entry.node) == ("a", KEY, "7")
    assert gate.flower.nodes == {"7": KEY}


def test_an_enrolment_may_be_said_again_and_makes_one_node(gate: Gate) -> None:
    token = invited(gate)
    first, second = (enrol(gate, token).json() for _ in range(2))
    assert (first["site"], first["role"]) == (second["site"], second["role"])
    assert len(gate.flower.nodes) == 1
    assert enrol(gate, token, public_key=KEY + "B").status_code == 400
    assert enrol(gate, token, own="0" * 64).status_code == 400


@pytest.mark.parametrize(
    ("key", "bad", "why"),
    [
        ("public_key", "", "public_key: expected an OpenSSH line"),
        ("public_key", "ecdsa-sha2-nistp256 AAAA", "public_key: expected an OpenSSH line"),
        ("public_key", KEY + " me@host", "public_key: expected an OpenSSH line"),
        ("public_key", KEY + "\n" + KEY, "public_key: expected an OpenSSH line"),
        ("public_key", KEY + "A" * 1000, "public_key: expected text of at most 1000 characters"),
        ("own", "0" * 63, "own: expected the SHA-256"),
        ("own", "0" * 65, "own: expected the SHA-256"),
        ("own", "A" * 64, "own: expected the SHA-256"),
        ("own", "0" * 201, "own: expected text of at most 200 characters"),
        ("token", "t" * 201, "token: expected text of at most 200 characters"),
    ],
)
def test_each_word_of_an_enrolment_has_its_form(gate: Gate, key: str, bad: str, why: str) -> None:
    code, words = said(enrol(gate, invited(gate), **{key: bad}))
    assert code == 400
    assert words.startswith(why)
    assert gate.flower.nodes == {}


def test_a_key_of_a_thousand_letters_and_a_token_of_two_hundred_are_looked_at(gate: Gate) -> None:
    key = KEY + "A" * (1000 - len(KEY))
    assert enrol(gate, invited(gate), public_key=key).status_code == 200
    code, words = said(enrol(gate, "t" * 200))
    assert (code, words) == (400, "the invite is unknown or was used already")


def test_an_invite_that_expired_enrols_nobody(gate: Gate) -> None:
    code, words = said(enrol(gate, invited(gate, hours=-0.001)))
    assert (code, words) == (400, "the invite of a has expired")
    assert gate.flower.nodes == {}


def test_a_site_sees_how_it_stands_and_the_versions_of_the_coordinator(gate: Gate) -> None:
    gate.site("b", "validate")
    gate.site("a")
    answer = gate("GET", "/site", "b").json()
    assert recent(answer.pop("time"))
    assert answer == {
        "site": "b",
        "role": "validate",
        "hepafed": metadata.version("hepafed"),
        "flwr": metadata.version("flwr"),
        "others": [],
        "flower": "known",
    }


def release_of(gate: Gate, site: str) -> str:
    return gate.members.sites()[site].release


def test_the_release_that_a_site_states_is_noted_and_a_check_states_none(gate: Gate) -> None:
    token = invited(gate)
    gate("POST", "/enrol", json={"token": token, "public_key": KEY, "own": OWN})
    assert release_of(gate, "a") == ""
    gate.tokens["a"] = "made by the site"
    for stated in ("7.1.0", None, "7.1.1"):
        gate("GET", "/site", "a", headers={HEADER: stated} if stated else {})
        assert release_of(gate, "a") == (stated or "7.1.0")


def test_the_release_is_noted_when_a_site_enrols(gate: Gate) -> None:
    body = {"token": invited(gate), "public_key": KEY, "own": OWN}
    gate("POST", "/enrol", json=body, headers={HEADER: "7.1.0"})
    assert release_of(gate, "a") == "7.1.0"


@pytest.mark.parametrize("text", ["", "latest", "1.0 <b>", "1" * 41])
def test_what_is_no_release_is_noted_as_none(gate: Gate, text: str) -> None:
    gate.site("a")
    assert gate("GET", "/site", "a", headers={HEADER: text}).status_code == 200
    assert release_of(gate, "a") == ""


def test_a_stranger_s_release_is_not_noted(gate: Gate) -> None:
    gate.site("a")
    before = release_of(gate, "a")
    assert gate("GET", "/site", "nobody", headers={HEADER: "7.1.0"}).status_code == 403
    assert release_of(gate, "a") == before


def test_the_time_has_milliseconds_and_its_zone(gate: Gate) -> None:
    gate.site("a")
    time = gate("GET", "/site", "a").json()["time"]
    assert len(time) == len("2026-01-02T03:04:05.678+00:00")
    assert time.endswith("+00:00")


def test_a_site_leaves_alone(gate: Gate) -> None:
    gate.site("a")
    gate.site("b")
    assert gate("POST", "/site/leave", "b").json() == {"site": "b"}
    assert {s: e.revoked for s, e in gate.members.sites().items()} == {"a": False, "b": True}
    assert list(gate.flower.nodes) == ["7"]
    assert gate("GET", "/site", "b").status_code == 403


@pytest.mark.parametrize(("verb", "path"), [("GET", "/site"), ("POST", "/site/leave")])
@pytest.mark.parametrize("who", ["", "nobody", "ann", "eva"])
def test_who_is_no_site_neither_stands_nor_leaves(
    gate: Gate, verb: str, path: str, who: str
) -> None:
    gate.site("a")
    assert said(gate(verb, path, who)) == (403, "not an enrolled site")
    assert not gate.members.sites()["a"].revoked


def ask(
    gate: Gate, site: str, instance: str = "", connection: str = "", *, starts: bool = True
) -> Any:  # noqa: ANN401
    stated = ({HEADER: "7.1.0"} if starts else {}) | ({INSTANCE: instance} if instance else {})
    stated |= {CONNECTION: connection} if connection else {}
    return gate("GET", "/site", site, headers=stated).json()


def test_whether_flower_knows_a_site_is_told_to_who_checks_and_not_to_who_starts(
    gate: Gate,
) -> None:
    gate.site("a")
    assert ask(gate, "a", starts=False)["flower"] == "known"
    gate.flower.nodes.clear()
    assert ask(gate, "a", starts=False)["flower"] == "unknown"
    assert ask(gate, "a")["flower"] == ""
    gate.flower.away = True
    assert ask(gate, "a", starts=False)["flower"] == "silent"


def test_two_clients_under_one_key_hear_of_each_other_and_the_coordinator_sees_both(
    gate: Gate,
) -> None:
    gate.site("a")
    one, two = "1" * 16, "2" * 16
    assert [ask(gate, "a", i)["others"] for i in (one, two)] == [[], []]
    begun_two = [recent(t) for t in ask(gate, "a", one)["others"]]
    begun_one = [recent(t) for t in ask(gate, "a", two)["others"]]
    assert begun_one == begun_two == [True]
    (row,) = gate("GET", "/api/sites", "ann").json()
    assert [recent(t) for t in row["clients"]] == [True, True]


def test_a_check_is_no_client_and_does_not_count_its_own(gate: Gate) -> None:
    gate.site("a")
    one = "1" * 16
    ask(gate, "a", one)
    for _ in range(3):
        assert ask(gate, "a", one, starts=False)["others"] == []
        assert ask(gate, "a", "9" * 16, starts=False)["others"] != []
        assert ask(gate, "a", starts=False)["others"] != []
    assert ask(gate, "a", one)["others"] == []
    assert gate("GET", "/api/sites", "ann").json()[0]["clients"] == []


@pytest.mark.parametrize("text", ["", "x" * 16, "1" * 15, "1" * 4000])
def test_what_is_no_id_of_a_client_is_not_noted(gate: Gate, text: str) -> None:
    gate.site("a")
    ask(gate, "a", text)
    assert ask(gate, "a", starts=False)["others"] == []


def test_a_connection_is_noted_of_a_client_that_runs_and_states_an_id(gate: Gate) -> None:
    gate.site("a")
    one, two, client = "1" * 16, "2" * 16, "c" * 16
    known = gate.presence
    for connection in (one, one, two, "x" * 16, "1" * 17):
        ask(gate, "a", client, connection)
    assert known.connections("a") == 2
    ask(gate, "a", client, "3" * 16, starts=False)
    ask(gate, "a", "", "4" * 16)
    assert known.connections("a") == 2
