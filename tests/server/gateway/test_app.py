"""The gateway asks who calls before it reads a body, and takes one upload of a site at a time."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.releases import RELEASE
from hepafed.server.coordinator.coordinator import Coordinator
from hepafed.server.gateway.app import make_gateway
from hepafed.server.members.roster import digest_of
from hepafed.server.runs.inbox import Expected

from .gates import signature

FLEET = "/v1/fleet/pull-messages"


@pytest.fixture
def coordinator(tmp_path: Path) -> Coordinator:
    """A coordinator whose SuperLink was not started."""
    make_authority(tmp_path / "keys", datetime.now(UTC))
    return Coordinator(tmp_path)


class Client:
    """Calls the gateway in this process."""

    def __init__(self, coordinator: Coordinator, ca: str, block_seconds: float = 60.0) -> None:
        app = make_gateway(coordinator, ca, block_seconds)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url="https://gateway")
        self._loop = asyncio.new_event_loop()

    def __call__(self, method: str, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401
        return self._loop.run_until_complete(self._http.request(method, path, **how))

    def close(self) -> None:
        self._loop.run_until_complete(self._http.aclose())
        self._loop.close()


@pytest.fixture
def client(coordinator: Coordinator, tmp_path: Path) -> Iterator[Client]:
    made = Client(coordinator, (tmp_path / "keys" / "ca.pem").read_text())
    yield made
    made.close()


def _enrol(coordinator: Coordinator, folder: Path, site: str) -> tuple[str, str]:
    """Enrol a site without Flower; returns its token and the header that its SuperNode sends."""
    now, members = datetime.now(UTC), coordinator.members
    invite, _ = members.invite(site, "train", 1, now)
    line = make_node_key(folder / f"{site}.key")
    token = secrets.token_urlsafe(32)
    members.enrol(members.invited(invite, now), line, digest_of(token), "1", now)
    members.stated(site, RELEASE)
    pem = public_key_to_bytes(load_ssh_public_key(line.encode()))  # type: ignore[arg-type]
    return token, b64encode(pem).decode()


@pytest.mark.parametrize("key", [None, "", "c3RyYW5nZXI=", "not base64 ☂".encode()])
def test_a_fleet_call_of_a_stranger_is_refused(
    coordinator: Coordinator, client: Client, tmp_path: Path, key: str | bytes | None
) -> None:
    _enrol(coordinator, tmp_path, "a")
    headers = {} if key is None else {"flwr-public-key": key}
    answer = client("POST", FLEET, content=b"x", headers=headers)
    assert answer.status_code == 401
    answer = client("POST", "/v1/fleet/activate-node", content=b"x", headers=headers)
    assert answer.status_code == 412


def test_a_fleet_call_of_an_enrolled_site_is_passed_on_until_it_is_revoked(
    coordinator: Coordinator, client: Client, tmp_path: Path
) -> None:
    for site in ("a", "b"):  # the second joins while the first is known already
        _, key = _enrol(coordinator, tmp_path, site)
        headers = {"flwr-public-key": key, **signature(tmp_path / f"{site}.key")}
        # 503: there is no SuperLink to pass it on to
        assert client("POST", FLEET, content=b"x", headers=headers).status_code == 503
    coordinator.members.revoke("b")
    assert client("POST", FLEET, content=b"x", headers=headers).status_code == 401


def test_an_upload_counts_once_and_alone(
    coordinator: Coordinator, client: Client, tmp_path: Path
) -> None:
    token, _ = _enrol(coordinator, tmp_path, "a")
    headers, inbox = {"Authorization": f"Bearer {token}"}, coordinator.stores.inbox
    inbox.open_round(Expected("r", 1, frozenset(["a"]), 3))

    def put(content: bytes) -> int:
        return int(client("PUT", "/updates/r/1", content=content, headers=headers).status_code)

    assert put(b"abcd") == 403
    answer = client("PUT", "/updates/r/1", content=b"abc", headers=headers)
    path = inbox.take("a", answer.json()["sha256"])
    assert path is not None
    assert put(b"xyz") == 403
    assert path.read_bytes() == b"abc"
    assert list(inbox.folder.iterdir()) == [path]


def test_an_upload_that_stops_coming_is_given_up(coordinator: Coordinator, tmp_path: Path) -> None:
    client = Client(coordinator, (tmp_path / "keys" / "ca.pem").read_text(), 0.2)
    token, _ = _enrol(coordinator, tmp_path, "a")
    inbox = coordinator.stores.inbox
    inbox.open_round(Expected("r", 1, frozenset(["a"]), 3))
    headers = {"Authorization": f"Bearer {token}", "Content-Length": "3"}

    async def halting() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(30)

    answer = client("PUT", "/updates/r/1", content=halting(), headers=headers)
    assert answer.status_code == 503
    assert list(inbox.folder.iterdir()) == []
    assert client("PUT", "/updates/r/1", content=b"abc", headers=headers).status_code == 200
    client.close()


def test_an_enrolment_is_short(client: Client) -> None:
    answer = client("POST", "/enrol", content=b" " * 100_000)
    assert (answer.status_code, "too long" in answer.json()["error"]) == (403, True)


def test_a_question_while_the_superlink_is_away_gets_an_answer(
    coordinator: Coordinator, client: Client
) -> None:
    token, _ = coordinator.members.grant("coordinator", "coordinator")
    answer = client("GET", "/api/sites", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 503
    assert "SuperLink" in answer.json()["error"]
