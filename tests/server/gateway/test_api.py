"""Bodies of calls are read strictly, and a call is answered to those alone who may make it."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hepafed.common.certificates import make_authority
from hepafed.server.coordinator.coordinator import Coordinator
from hepafed.server.gateway.app import make_gateway

Post = Callable[..., httpx.Response]
OWN = "0" * 64
KEY = "ecdsa-sha2-nistp384 AAAA"


@pytest.fixture
def coordinator(tmp_path: Path) -> Coordinator:
    """A coordinator whose SuperLink was not started."""
    make_authority(tmp_path / "keys", datetime.now(UTC))
    return Coordinator(tmp_path)


@pytest.fixture
def post(coordinator: Coordinator, tmp_path: Path) -> Post:
    """Make a call as the coordinator, or with another access token."""
    web = make_gateway(coordinator, (tmp_path / "keys" / "ca.pem").read_text())
    own, _ = coordinator.members.grant("coordinator", "coordinator")

    def call(path: str, token: str = own, **how: object) -> httpx.Response:
        async def made() -> httpx.Response:
            transport = httpx.ASGITransport(web)
            async with httpx.AsyncClient(transport=transport, base_url="https://fl") as client:
                headers = {"Authorization": f"Bearer {token}"}
                return await client.post(path, headers=headers, **how)  # type: ignore[arg-type]

        return asyncio.run(made())

    return call


BODIES = {
    "/api/invites": {"site": "a", "role": "train", "hours": 72},
    "/api/grants": {"name": "eva", "role": "evaluator"},
    "/api/train": {"plan": {"name": "demo", "protocol": "t2"}},
    "/api/validate": {"model": "m"},
    "/api/cohort": {"sites": []},
    "/api/runs/r/stop": {},
    "/api/runs/r/resume": {},
    "/api/sites/a/revoke": {},
    "/enrol": {"token": "t", "public_key": KEY, "own": OWN},
}


@pytest.mark.parametrize("path", BODIES)
def test_a_body_with_a_key_that_the_call_does_not_know_is_refused(post: Post, path: str) -> None:
    answer = post(path, json={**BODIES[path], "extra": 1})
    assert (answer.status_code, "unknown key extra" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("/api/invites", "hours", "72"),
        ("/api/invites", "hours", True),
        ("/api/invites", "hours", -1),
        ("/api/invites", "hours", 24 * 90 + 1),
        ("/api/invites", "hours", float("nan")),
        ("/api/invites", "role", "coordinator"),
        ("/api/invites", "site", "a" * 201),
        ("/api/grants", "role", "coordinator"),
        ("/api/grants", "name", None),
        ("/api/train", "plan", None),
        ("/api/train", "plan", {"name": "demo", "protocol": "t3"}),
        ("/api/validate", "model", "m" * 201),
        ("/api/validate", "against", [""]),
        ("/api/validate", "against", ["m"] * 6),
        ("/api/validate", "split", "train"),
        ("/api/validate", "sites", "a"),
        ("/api/validate", "subgroups", ["sex", "sex"]),
        ("/api/validate", "evaluation", "#" * (64 * 1024 + 1)),
        ("/api/cohort", "sites", [1]),
        ("/enrol", "public_key", "ssh-rsa AAAA"),
        ("/enrol", "own", "0" * 63),
        ("/enrol", "token", "t" * 201),
    ],
)
def test_a_value_that_cannot_be_is_refused(post: Post, path: str, key: str, value: object) -> None:
    answer = post(path, content=json.dumps({**BODIES[path], key: value}))
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(post: Post, content: bytes) -> None:
    assert post("/api/cohort", content=content).status_code == 400


@pytest.mark.parametrize("path", [p for p in BODIES if p not in ("/enrol", "/api/validate")])
def test_an_evaluator_cannot_call_what_is_the_coordinators(
    coordinator: Coordinator, post: Post, path: str
) -> None:
    eva, _ = coordinator.members.grant("eva", "evaluator")
    for token in (eva, "nobody", ""):
        assert post(path, token=token, json=BODIES[path]).status_code == 403


def test_an_invite_and_a_grant_are_made_of_what_the_commands_send(
    coordinator: Coordinator, post: Post
) -> None:
    assert post("/api/invites", json=BODIES["/api/invites"]).json()["token"]
    assert post("/api/grants", json=BODIES["/api/grants"]).json()["replaced"] is False
    assert post("/api/grants", json=BODIES["/api/grants"]).json()["replaced"] is True
    assert set(coordinator.members.sites()) == {"a"}
    assert post("/api/sites/a/revoke", json={}).json() == {}
