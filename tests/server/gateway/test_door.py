"""Whatever a stranger asks, the answer is a refusal, and the log holds no traceback of it."""

import asyncio
import logging
from itertools import product

import httpx
import pytest
from hepafed.server.gateway.door import Door, Sparse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .gates import Gate

NASTY = (
    "%00", "a%00b", "%2e%2e%2fetc", "..%2f..%2fserver.toml", "%ff",
    "%ed%a0%80", "%1b[31m", "%e2%80%ae",
    "9" * 5000, "-1", "1e999", "%C2%B2", "%D9%A3", "NaN", "%20", "a%0ab", "x" * 601, "%3Cscript%3E",
    "%27", "%22", "~", "$(id)",
)  # fmt: skip
BODIES = (
    b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b'{"token": "\\ud800"}',
    b'{"token": "\\ud800", "public_key": "ecdsa-sha2-nistp384 AAAA", "own": "' + b"a" * 64 + b'"}',
    b'{"hours": 1' + b"0" * 400 + b', "site": "a", "role": "train"}',
    b'{"plan": {"name": "a", "protocol": "t2", "rounds": {"count": 1' + b"0" * 400 + b"}}}",
    b'{"wait": 1e999, "model": "a"}', b'{"model": "\\u0000", "split": "external"}',
    b'{"site": "a\\u202eb", "role": "train", "hours": 1}', b'{"sites": ["\\udfff"]}',
    b'{"a": ' + b"9" * 5000 + b"}",
)  # fmt: skip


def paths_of(gate: Gate) -> list[tuple[str, str]]:
    """Return the method and the path of every route, its parameters in braces."""
    routes = [r for r in gate.app.routes if isinstance(r, Route)]
    return [(m, r.path) for r in routes for m in sorted(r.methods or ()) if m != "HEAD"]


def refused(answer: httpx.Response, what: object) -> None:
    assert 400 <= answer.status_code < 500 or answer.status_code == 503, what


@pytest.mark.parametrize("who", ["", "ann", "a"], ids=["stranger", "coordinator", "site"])
def test_a_nasty_address_is_refused_at_every_route(
    gate: Gate, caplog: pytest.LogCaptureFixture, who: str
) -> None:
    gate.site("a")
    found = paths_of(gate)
    assert len(found) > 20
    for (method, path), bad in product(found, NASTY):
        if "{" not in path:
            continue
        head, _, rest = path.partition("{")
        _, _, tail = rest.partition("}")
        made = f"{head}{bad}{tail.replace('{round}', '1')}"
        refused(gate(method, made, who, content=b"{}"), (method, made))
        refused(gate(method, f"{head}a/{bad}", who, content=b"{}"), (method, bad))
    for bad in NASTY:
        gate("GET", f"/api/runs/none?since={bad}", who)
    assert [r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("who", ["", "ann", "a"], ids=["stranger", "coordinator", "site"])
def test_a_nasty_body_is_refused_at_every_route(
    gate: Gate, caplog: pytest.LogCaptureFixture, who: str
) -> None:
    gate.site("a")
    for (method, path), body in product(paths_of(gate), BODIES[1:]):
        if method == "GET" or path == "/site/leave":
            continue
        made = path.replace("{round}", "1")
        for name in ("run", "site", "model", "digest", "name", "anything:path"):
            made = made.replace("{" + name + "}", "none")
        refused(gate(method, made, who, content=body), (method, made, body[:40]))
    assert [r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR] == []


def test_a_fault_of_ours_is_told_to_the_log_and_not_to_the_caller(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    gate.home.joinpath("members.json").write_text('{"sites": "broken')
    for _ in range(50):
        answer = gate("GET", "/site", "ann")
        assert answer.status_code in (400, 403, 500)
        assert "Traceback" not in answer.text
    assert len(caplog.records) <= 20


def calls(app: ASGIApp, times: int) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        way = httpx.ASGITransport(app=Door(app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=way, base_url="http://x") as client:
            return [await client.get("/site") for _ in range(times)]

    return asyncio.run(ask())


def test_what_goes_wrong_behind_the_door_is_500_and_twenty_lines_of_the_log_at_most(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError("what is nobody's business")

    answers = calls(broken, 30)
    assert {a.status_code for a in answers} == {500}
    assert not any("business" in a.text for a in answers)
    assert len([r for r in caplog.records if r.name == "hepafed.server"]) == 20


def test_an_answer_that_has_begun_is_not_answered_again(caplog: pytest.LogCaptureFixture) -> None:
    begun = {"type": "http.response.start", "status": 200, "headers": []}
    sent: list[Message] = []

    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(begun)
        raise ValueError("broken off")

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(ValueError, match="broken off"):
        asyncio.run(Door(half)({"type": "http", "path": "/site"}, receive, send))
    assert sent == [begun]
    assert "an answer failed" in caplog.text


def test_so_many_lines_pass_in_a_span_of_time() -> None:
    now = [0.0]
    lines = Sparse(3, 60.0, lambda: now[0])
    record = logging.LogRecord("a", logging.INFO, "", 0, "", None, None)
    assert [lines.filter(record) for _ in range(5)] == [True, True, True, False, False]
    now[0] = 59.9
    assert not lines.filter(record)
    now[0] = 60.0
    assert [lines.filter(record) for _ in range(4)] == [True, True, True, False]
