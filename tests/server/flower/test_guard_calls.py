"""The guard alone, without a SuperLink behind it: which calls it passes on."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from hepafed.server.flower.guard import HEADER, ControlGuard

SECRET = bytes(range(32))
SHOWN = (HEADER.encode(), SECRET.hex().encode())
OTHER = (HEADER.encode(), bytes(32).hex().encode())


def call(path: str, *headers: tuple[bytes, bytes], kind: str = "http") -> tuple[bool, list[Any]]:
    """Return whether the application behind was called, and what was sent."""
    reached, sent = [], []

    async def behind(scope: MutableMapping[str, Any], _receive: Any, _send: Any) -> None:  # noqa: ANN401
        reached.append(scope)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    scope = {"type": kind, "path": path, "headers": list(headers)}
    asyncio.run(ControlGuard(behind, SECRET)(scope, receive, send))
    assert reached in ([], [scope])
    return bool(reached), sent


REFUSED = [
    {"type": "http.response.start", "status": 403, "headers": []},
    {"type": "http.response.body", "body": b""},
]


def test_the_secret_shown_once_opens_the_control_api() -> None:
    assert call("/v1/control/list-nodes", (b"accept", b"*/*"), SHOWN) == (True, [])


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (OTHER,),
        (SHOWN, SHOWN),
        (SHOWN, OTHER),
        (OTHER, SHOWN),
        ((HEADER.encode(), SECRET),),
        ((HEADER.encode(), SHOWN[1].upper()),),
        ((HEADER.encode(), SHOWN[1][:-1]),),
        ((HEADER.encode(), b""),),
        ((b"authorization", SHOWN[1]),),
    ],
    ids=[
        "none", "another", "twice", "and another", "another first", "raw", "in capitals", "cut",
        "empty", "elsewhere",
    ],
)  # fmt: skip
def test_anything_else_is_answered_403_and_passed_to_nobody(
    headers: tuple[tuple[bytes, bytes], ...],
) -> None:
    assert call("/v1/control/list-nodes", *headers) == (False, REFUSED)


@pytest.mark.parametrize("path", ["/v1/fleet/pull", "/v1/runtime/x"])
def test_where_flower_asks_who_calls_no_secret_is_needed(path: str) -> None:
    assert call(path) == (True, [])


@pytest.mark.parametrize("path", ["/v1/fleet", "/v1/fleets/x", "/v1/runtimes", "/x/v1/fleet/a", ""])
def test_a_path_beside_those_needs_it(path: str) -> None:
    assert call(path) == (False, REFUSED)
    assert call(path, SHOWN) == (True, [])


def test_a_websocket_without_the_secret_hears_nothing_and_the_start_passes() -> None:
    assert call("/v1/control/x", kind="websocket") == (False, [])
    assert call("", kind="lifespan") == (True, [])
