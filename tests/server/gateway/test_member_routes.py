"""What people ask about members, and who may ask it."""

from datetime import UTC, datetime, timedelta

import pytest

from .gates import Gate, said


def test_an_invite_is_for_its_site_role_and_hours(gate: Gate) -> None:
    before = datetime.now(UTC)
    answer = gate(
        "POST", "/api/invites", "ann", json={"site": "b", "role": "validate", "hours": 2.5}
    ).json()
    entry = gate.members.invited(answer["token"], before)
    assert (entry.site, entry.role) == ("b", "validate")
    expires = datetime.fromisoformat(answer["expires"])
    assert abs(expires - before - timedelta(hours=2.5)) < timedelta(minutes=1)
    assert expires.microsecond == 0


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [("hours", 0, -0.001), ("hours", 2160, 2160.001), ("role", "train", "coordinator")],
)
def test_an_invite_has_a_role_and_at_most_ninety_days(
    gate: Gate, key: str, good: object, bad: object
) -> None:
    body = {"site": "a", "role": "validate", "hours": 1}
    answer = gate("POST", "/api/invites", "ann", json={**body, key: bad})
    assert said(answer) == (400, "role or hours is not usable")
    assert answer.json()["hint"] == "hours must be between 0 and 2160"
    assert gate.members.sites() == {}
    assert gate("POST", "/api/invites", "ann", json={**body, key: good}).status_code == 200


@pytest.mark.parametrize("path", ["/api/invites", "/api/grants"])
@pytest.mark.parametrize("name", ["B", "../b", "", "a" * 41, "a" * 200])
def test_a_name_that_is_not_usable_is_refused(gate: Gate, path: str, name: str) -> None:
    bodies = {
        "/api/invites": {"site": name, "role": "train", "hours": 1},
        "/api/grants": {"name": name, "role": "evaluator"},
    }
    code, words = said(gate("POST", path, "ann", json=bodies[path]))
    assert code == 400
    assert words.endswith("is not a usable name")


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/api/invites", {"site": "a" * 201, "role": "train", "hours": 1}, "site"),
        ("/api/grants", {"name": "a" * 201, "role": "evaluator"}, "name"),
    ],
)
def test_a_name_of_more_than_two_hundred_letters_is_not_looked_at(
    gate: Gate, path: str, body: dict[str, object], key: str
) -> None:
    answer = gate("POST", path, "ann", json=body)
    assert said(answer) == (400, f"{key}: expected text of at most 200 characters")


def test_a_granted_token_opens_what_an_evaluator_may_do(gate: Gate) -> None:
    body = {"name": "ida", "role": "evaluator"}
    answer = gate("POST", "/api/grants", "ann", json=body).json()
    assert answer["replaced"] is False
    person = gate.members.person_of(answer["token"])
    assert (person.name, person.role) == ("ida", "evaluator")
    again = gate("POST", "/api/grants", "ann", json=body).json()
    assert (again["replaced"], again["token"] != answer["token"]) == (True, True)


@pytest.mark.parametrize(
    ("name", "role", "code", "why"),
    [
        ("coordinator", "evaluator", 403, "that name is the coordinator's own"),
        ("ida", "coordinator", 400, "role: only evaluator can be granted"),
        ("ida", "train", 400, "role: only evaluator can be granted"),
    ],
)
def test_nobody_is_granted_what_is_the_coordinator_s(
    gate: Gate, name: str, role: str, code: int, why: str
) -> None:
    answer = gate("POST", "/api/grants", "ann", json={"name": name, "role": role})
    assert said(answer) == (code, why)
    assert code == 400 or answer.json()["hint"] == "choose another"


def test_the_sites_are_listed_with_their_state(gate: Gate) -> None:
    gate.site("b", "validate")
    gate.site("c")
    gate("POST", "/api/invites", "ann", json={"site": "a", "role": "train", "hours": 1})
    assert gate("POST", "/api/sites/c/revoke", "ann").json() == {}
    rows = gate("GET", "/api/sites", "eva").json()
    assert {r["site"]: (r["role"], r["state"], r["online"]) for r in rows} == {
        "a": ("train", "invited", False),
        "b": ("validate", "enrolled", True),
        "c": ("train", "revoked", False),
    }


def test_a_site_is_revoked_alone_and_everywhere(gate: Gate) -> None:
    gate.site("a")
    gate.site("b")
    assert said(gate("POST", "/api/sites/d/revoke", "ann"))[1] == "there is no site d"
    gate("POST", "/api/sites/a/revoke", "ann")
    assert gate("GET", "/site", "a").status_code == 403
    assert gate("GET", "/site", "b").status_code == 200
    assert set(gate.flower.nodes) == {"8"}


def test_without_a_superlink_the_sites_are_not_listed_as_offline(gate: Gate) -> None:
    gate.site("a")
    gate.flower.away = True
    assert said(gate("GET", "/api/sites", "ann")) == (503, "the SuperLink does not answer")
