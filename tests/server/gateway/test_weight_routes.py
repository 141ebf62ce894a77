"""Weights and updates: for enrolled sites alone, each its own, whole or not at all."""

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hepafed.common.certificates import make_authority
from hepafed.server.coordinator.coordinator import Coordinator
from hepafed.server.gateway.app import make_gateway
from hepafed.server.members.roster import digest_of
from hepafed.server.runs.inbox import Expected

CONTENT = b"weights" * 300_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Gateway:
    """The gateway in this process, with two enrolled sites and an evaluator."""

    def __init__(self, home: Path) -> None:
        make_authority(home / "keys", datetime.now(UTC))
        self.coordinator = Coordinator(home)
        members, now = self.coordinator.members, datetime.now(UTC)
        for site in ("a", "b"):
            token, _ = members.invite(site, "train", 1, now)
            entry = members.invited(token, now)
            members.enrol(entry, f"key {site}", digest_of(f"token {site}"), "1", now)
        self.person, _ = members.grant("ann", "coordinator")
        self.coordinator.stores.blobs.publish([CONTENT])
        app = make_gateway(self.coordinator, (home / "keys" / "ca.pem").read_text())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="https://gateway")
        self.loop = asyncio.new_event_loop()

    def __call__(self, method: str, path: str, token: str | None, **how: Any) -> httpx.Response:  # noqa: ANN401
        headers = {} if token is None else {"Authorization": token}
        call = self.http.request(method, path, headers=headers, **how)
        return self.loop.run_until_complete(call)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path)
    yield made
    made.loop.run_until_complete(made.http.aclose())
    made.loop.close()


def strangers(gateway: Gateway) -> list[str | None]:
    return [None, "", "Bearer ", "Bearer guessed", f"Bearer {gateway.person}"]


def test_weights_are_for_enrolled_sites_alone(gateway: Gateway) -> None:
    answer = gateway("GET", f"/weights/{DIGEST}", "Bearer token b")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    for token in strangers(gateway):
        answer = gateway("GET", f"/weights/{DIGEST}", token)
        assert answer.status_code == 403, token
        assert CONTENT[:7] not in answer.content
    gateway.coordinator.members.revoke("b")
    assert gateway("GET", f"/weights/{DIGEST}", "Bearer token b").status_code == 403
    assert gateway("GET", f"/weights/{DIGEST}", "Bearer token a").status_code == 200


@pytest.mark.parametrize(
    "name", ["0" * 64, "..", DIGEST.upper(), DIGEST[:-1], "%2e%2e%2fmembers.json"]
)
def test_only_published_weights_are_given(gateway: Gateway, name: str) -> None:
    assert gateway("GET", f"/weights/{name}", "Bearer token a").status_code in (403, 404)


def test_an_update_is_for_the_site_of_its_token(gateway: Gateway) -> None:
    inbox = gateway.coordinator.stores.inbox
    inbox.open_round(Expected("r", 2, frozenset(["a", "b"]), 3))
    for token in strangers(gateway):
        assert gateway("PUT", "/updates/r/2", token, content=b"abc").status_code == 403, token
    assert list(inbox.folder.iterdir()) == []
    digest = gateway("PUT", "/updates/r/2", "Bearer token a", content=b"abc").json()["sha256"]
    assert digest == hashlib.sha256(b"abc").hexdigest()
    assert inbox.take("b", digest) is None
    path = inbox.take("a", digest)
    assert path is not None
    assert path.read_bytes() == b"abc"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/updates/r/1", b"abc"),
        ("/updates/r/3", b"abc"),
        ("/updates/q/2", b"abc"),
        ("/updates/r/2", b"ab"),
        ("/updates/r/2", b"abcd"),
        ("/updates/r/2", b""),
    ],
)
def test_an_update_of_another_round_run_or_size_is_refused(
    gateway: Gateway, path: str, content: bytes
) -> None:
    inbox = gateway.coordinator.stores.inbox
    inbox.open_round(Expected("r", 2, frozenset(["a"]), 3))
    assert gateway("PUT", path, "Bearer token a", content=content).status_code == 403
    assert list(inbox.folder.iterdir()) == []


def test_a_site_that_was_not_asked_uploads_nothing(gateway: Gateway) -> None:
    inbox = gateway.coordinator.stores.inbox
    inbox.open_round(Expected("r", 2, frozenset(["a"]), 3))
    assert gateway("PUT", "/updates/r/2", "Bearer token b", content=b"abc").status_code == 403


def test_an_upload_of_several_blocks_arrives_whole(gateway: Gateway) -> None:
    content = bytes(range(256)) * 40_000
    inbox = gateway.coordinator.stores.inbox
    inbox.open_round(Expected("r", 1, frozenset(["a"]), len(content)))
    answer = gateway("PUT", "/updates/r/1", "Bearer token a", content=content)
    path = inbox.take("a", answer.json()["sha256"])
    assert path is not None
    assert path.read_bytes() == content


def test_more_bytes_than_were_stated_are_refused(gateway: Gateway) -> None:
    async def pieces() -> Any:  # noqa: ANN401
        yield b"ab"
        yield b"cd"

    inbox = gateway.coordinator.stores.inbox
    inbox.open_round(Expected("r", 1, frozenset(["a"]), 3))
    call = gateway.http.put(
        "/updates/r/1",
        content=pieces(),
        headers={"Authorization": "Bearer token a", "Content-Length": "3"},
    )
    assert gateway.loop.run_until_complete(call).status_code == 403
    assert list(inbox.folder.iterdir()) == []
