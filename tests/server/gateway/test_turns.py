"""A connection that died without a word: a newer request of its site goes on at once."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import httpx
import pytest
from hepafed.common.errors import BusyError
from hepafed.server.gateway.turns import UploadTurns
from hepafed.server.runs.inbox import Expected

from .gates import Gate, said

CONTENT = bytes(range(251)) * 40
SIZE = len(CONTENT)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


class Lines:
    """Calls of sites that are under way at the same time."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    async def call(
        self,
        method: str,
        content: bytes | AsyncIterator[bytes] = b"",
        start: int = 0,
        site: str = "a",
        digest: str = DIGEST,
        round_: int = 1,
    ) -> httpx.Response:
        headers = {
            "authorization": f"Bearer token of {site}",
            "upload-length": str(SIZE),
            "content-length": str(SIZE - start) if method == "PUT" else "0",
            "upload-offset": str(start),
            **({"upload-digest": digest} if digest else {}),
        }
        path = f"/updates/r/{round_}"
        return await self.gate.http.request(method, path, headers=headers, content=content)

    async def dead(self, count: int, **how: Any) -> "asyncio.Task[httpx.Response]":  # noqa: ANN401
        """Begin an upload of which some bytes come, and then nothing any more."""
        here = asyncio.Event()
        start = how.get("start", 0)

        async def parts() -> AsyncIterator[bytes]:
            yield CONTENT[start : start + count]
            here.set()
            await asyncio.sleep(60)

        task = asyncio.ensure_future(self.call("PUT", parts(), **how))
        await asyncio.wait_for(here.wait(), 10)
        return task

    async def held(self, **how: Any) -> int:  # noqa: ANN401
        answer = await self.call("HEAD", **how)
        return int(answer.headers.get("upload-offset", -answer.status_code))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        began = time.monotonic()
        self.gate.loop.run_until_complete(asyncio.wait_for(work, 30))
        assert time.monotonic() - began < 20  # nobody waited for the dead one


@pytest.fixture
def lines(gate: Gate) -> Lines:
    gate.site("a")
    gate.site("b")
    gate.stores.inbox.open_round(Expected("r", 1, frozenset(["a", "b"]), SIZE))
    return Lines(gate)


def files(lines: Lines) -> list[str]:
    return sorted(p.suffix for p in lines.gate.stores.inbox.folder.iterdir())


def arrived(lines: Lines) -> bytes | None:
    path = lines.gate.stores.inbox.take("a", DIGEST)
    return None if path is None else path.read_bytes()


def test_whoever_asks_about_the_same_upload_ends_the_older_one_and_goes_on_where_it_was(
    lines: Lines,
) -> None:
    async def work() -> None:
        at = 0
        for count in (1000, 1, 4999):  # the connection dies again and again
            dead = await lines.dead(count, start=at)
            at += count
            assert await lines.held() == at
            answer = await dead
            words = "a newer request has taken this upload over"
            assert said(answer) == (503, words)
            assert files(lines) == [".part"]
        assert (await lines.call("PUT", CONTENT[at:], at)).status_code == 200

    lines.run(work())
    assert files(lines) == [".update"]
    assert arrived(lines) == CONTENT


def test_an_upload_that_begins_anew_takes_over_too(lines: Lines) -> None:
    async def work() -> None:
        dead = await lines.dead(1000)
        assert (await lines.call("PUT", CONTENT)).status_code == 200
        assert (await dead).status_code == 503

    lines.run(work())
    assert arrived(lines) == CONTENT
    assert files(lines) == [".update"]


@pytest.mark.parametrize("digests", [(DIGEST, OTHER), (OTHER, DIGEST), (DIGEST, ""), ("", "")])
@pytest.mark.parametrize("method", ["HEAD", "PUT"])
def test_another_upload_of_the_site_waits(
    lines: Lines, digests: tuple[str, str], method: str
) -> None:
    async def work() -> None:
        dead = await lines.dead(1000, digest=digests[0])
        answer = await lines.call(method, CONTENT if method == "PUT" else b"", digest=digests[1])
        assert answer.status_code == 503
        assert not dead.done()
        dead.cancel()

    lines.run(work())


@pytest.mark.parametrize("who", ["another site", "a stranger", "another round"])
def test_whose_request_is_refused_or_anothers_ends_nothing(lines: Lines, who: str) -> None:
    async def work() -> None:
        dead = await lines.dead(1000)
        match who:
            case "another site":
                assert await lines.held(site="b") == 0
            case "a stranger":
                assert await lines.held(site="c") == -403
            case _:
                assert await lines.held(round_=2) == -403
        await asyncio.sleep(0.05)
        assert not dead.done()
        dead.cancel()

    lines.run(work())


def test_a_request_of_another_size_ends_nothing(lines: Lines) -> None:
    async def work() -> None:
        dead = await lines.dead(1000)
        headers = {"authorization": "Bearer token of a", "upload-digest": DIGEST}
        path = "/updates/r/1"
        answer = await lines.gate.http.put(path, headers=headers, content=CONTENT + b"x")
        assert answer.status_code == 403
        await asyncio.sleep(0.05)
        assert not dead.done()
        dead.cancel()

    lines.run(work())


def test_the_newest_of_several_has_the_turn_and_nothing_overlaps() -> None:
    """Each has cleaned up before the next begins, also where that takes time."""
    done: list[str] = []

    async def one(turns: UploadTurns, name: str) -> None:
        async with turns.turn("a", ("r", 1, "d")):
            done.append(f"{name} begins")
            try:
                await asyncio.sleep(60 if name != "4" else 0)
            finally:
                await asyncio.sleep(0.02)
                done.append(f"{name} ends")

    async def all_of_them() -> list[object]:
        turns = UploadTurns()
        tasks = []
        for name in "1234":
            tasks.append(asyncio.ensure_future(one(turns, name)))
            await asyncio.sleep(0.005)
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)

    found = asyncio.run(all_of_them())
    assert [type(e) for e in found] == [BusyError, BusyError, BusyError, type(None)]
    assert [w for w in done if "begins" in w][-1] == "4 begins"
    assert [w.split()[0] for w in done[::2]] == [w.split()[0] for w in done[1::2]]


def test_a_turn_that_failed_is_over() -> None:
    async def work() -> None:
        turns = UploadTurns()
        for error in (OSError("broken"), TimeoutError("of its own")):
            with pytest.raises(type(error), match=str(error)):
                async with turns.turn("a", ("r", 1, "")):
                    raise error
        async with turns.turn("a", ("r", 1, "")), turns.turn("b", ("r", 1, "")):
            with pytest.raises(BusyError, match="is under way"):
                async with turns.turn("a", ("r", 1, "")):
                    pass
            with pytest.raises(BusyError):  # the refused one freed nothing
                async with turns.turn("a", ("r", 1, "d")):
                    pass

    asyncio.run(work())


def test_what_is_ended_on_the_way_leaves_its_bytes_whole(lines: Lines) -> None:
    async def work() -> None:
        await lines.dead(4000)
        assert await lines.held() == 4000

    lines.run(work())
    (part,) = lines.gate.stores.inbox.folder.iterdir()
    assert part.read_bytes() == CONTENT[:4000]
