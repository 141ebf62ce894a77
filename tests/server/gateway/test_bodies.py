"""A body in memory is bounded, and so are all of them together."""

import asyncio

import pytest
from hepafed.common.errors import BusyError, RefusedError
from hepafed.server.gateway.bodies import Bodies
from starlette.requests import Request


def _request(*parts: bytes, pause: float = 0.0) -> Request:
    left = list(parts)

    async def receive() -> dict[str, object]:
        await asyncio.sleep(pause)
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def _read(bodies: Bodies, request: Request, seconds: float = 5) -> bytes:
    async with bodies.read(request, 10, seconds) as parts:
        return b"".join(parts)


def test_a_body_is_bounded_in_bytes_and_time() -> None:
    bodies = Bodies(100)
    assert asyncio.run(_read(bodies, _request(b"12345", b"67890"))) == b"1234567890"
    with pytest.raises(RefusedError):
        asyncio.run(_read(bodies, _request(b"12345", b"678901")))
    with pytest.raises(BusyError):
        asyncio.run(_read(bodies, _request(b"1", b"2", pause=0.2), 0.1))


def test_all_bodies_together_are_bounded_and_give_their_share_back() -> None:
    async def both(bodies: Bodies) -> None:
        async with bodies.read(_request(b"1" * 8), 10, 5):
            with pytest.raises(BusyError):
                await _read(bodies, _request(b"2" * 8))
            await _read(bodies, _request(b"2" * 7))
        await _read(bodies, _request(b"2" * 8))

    asyncio.run(both(Bodies(15)))
