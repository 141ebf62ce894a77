"""However a body ends, its bytes are free again; a limit is reached only beyond its value."""

import asyncio
from typing import Any

import pytest
from hepafed.common.errors import BusyError, HepaFedError, RefusedError
from hepafed.server.gateway.bodies import SMALL, Bodies
from starlette.requests import Request


def request(*parts: bytes, breaks_off: bool = False, pause: float = 0.0) -> Request:
    """Make a request whose last part comes after a pause."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        part = left.pop(0)
        if not left:
            await asyncio.sleep(pause)
        return {"type": "http.request", "body": part, "more_body": bool(left) or breaks_off}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def read(bodies: Bodies, made: Request, most: int = 10, seconds: float = 5.0) -> bytes:
    async with bodies.read(made, most, seconds) as parts:
        return b"".join(parts)


@pytest.mark.parametrize(
    ("wrong", "error", "why"),
    [
        (request(b"123456", b"78901"), RefusedError, "the request is too long"),
        (request(b"123456", b"7890123", b"0" * 9), RefusedError, "the request is too long"),
        (request(b"12345", breaks_off=True), RefusedError, "the request broke off"),
        (request(b"12345", b"6", pause=9.0), BusyError, "the request came too slowly"),
    ],
    ids=["long", "longer", "broken off", "slow"],
)
def test_a_body_that_is_refused_gives_its_bytes_back(
    wrong: Request, error: type[HepaFedError], why: str
) -> None:
    async def all_in_turn() -> None:
        bodies = Bodies(20)
        with pytest.raises(error, match=why):
            await read(bodies, wrong, seconds=0.2)
        async with bodies.read(request(b"1" * 10), 10, 5):
            assert await read(bodies, request(b"2" * 4, b"2" * 6)) == b"2" * 10
            with pytest.raises(BusyError, match="too many large requests at once"):
                await read(bodies, request(b"3" * 10, b"3"), 11)

    asyncio.run(all_in_turn())


def test_what_goes_wrong_while_a_body_is_used_gives_its_bytes_back() -> None:
    async def used() -> None:
        bodies = Bodies(10)
        with pytest.raises(ValueError, match="ours"):
            async with bodies.read(request(b"1" * 10), 10, 5):
                raise ValueError("ours")
        assert await read(bodies, request(b"2" * 10)) == b"2" * 10

    asyncio.run(used())


def test_the_time_of_a_body_ends_with_its_last_byte() -> None:
    async def used() -> bool:
        async with Bodies(10).read(request(b"1"), 10, 0.05):
            await asyncio.sleep(0.2)
        return True

    assert asyncio.run(used())


def stated(length: str, *parts: bytes) -> Request:
    """Make a request whose head states a length."""
    made = request(*parts)
    made.scope["headers"] = [(b"content-length", length.encode())]
    return made


def test_large_bodies_leave_the_room_of_small_ones() -> None:
    """Six held bodies of 48 MiB once kept out every heartbeat of every site."""

    async def held() -> None:
        bodies = Bodies(20, 20, reserve=SMALL + 5)
        async with bodies.read(stated("99999", b"1" * 20), 99, 5, "evil"):
            with pytest.raises(BusyError):
                async with bodies.read(stated("99999", b"2"), 99, 5, "a"):
                    pass
            async with bodies.read(stated("5", b"12345"), 10, 5, "a") as parts:
                assert b"".join(parts) == b"12345"
            async with bodies.read(stated(str(SMALL), b"1" * 10), 10, 5, "a") as parts:
                assert len(parts[0]) == 10
            for length in (str(SMALL + 1), "", "x", "²", "9" * 30):
                with pytest.raises(BusyError):
                    async with bodies.read(stated(length, b"2"), 99, 5, "a"):
                        pass

    asyncio.run(held())


def test_a_small_body_is_as_small_as_it_stated() -> None:
    async def longer() -> None:
        bodies = Bodies(10 * SMALL, reserve=10 * SMALL)
        with pytest.raises(RefusedError, match="too long"):
            async with bodies.read(stated("5", b"1" * (SMALL + 1)), 9 * SMALL, 5):
                pass
        async with bodies.read(stated("5", b"1" * SMALL), 9 * SMALL, 5) as parts:
            assert len(parts[0]) == SMALL

    asyncio.run(longer())


def test_one_sender_has_its_part_and_the_others_theirs() -> None:
    async def shares() -> None:
        bodies = Bodies(20, 12)
        async with bodies.read(request(b"1" * 12), 99, 5, "evil"):
            with pytest.raises(BusyError):
                async with bodies.read(request(b"2"), 99, 5, "evil"):
                    pass
            async with bodies.read(request(b"3" * 8), 99, 5, "a") as parts:
                assert b"".join(parts) == b"3" * 8
        async with bodies.read(request(b"4" * 12), 99, 5, "evil") as parts:
            assert b"".join(parts) == b"4" * 12

    asyncio.run(shares())
