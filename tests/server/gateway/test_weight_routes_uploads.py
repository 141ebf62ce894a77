"""How an upload lies on disk while it comes, how long it may take, and what it leaves."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from hepafed.server.runs.inbox import Expected

from tests.small_disk import MB, small_disk

from .gates import PLAN, Gate, said

GRANT = {"name": "zoe", "role": "evaluator"}
BLOCK = 4 << 20
"""Bytes of an upload for which its time begins anew."""


def expecting(gate: Gate, size: int) -> None:
    gate.site("a")
    gate.stores.inbox.open_round(Expected("r", 1, frozenset(["a"]), size))


def put(gate: Gate, parts: AsyncIterator[bytes], size: int | None) -> tuple[int, Any]:
    headers = {} if size is None else {"content-length": str(size)}
    answer = gate("PUT", "/updates/r/1", "a", content=parts, headers=headers)
    return answer.status_code, answer.json()


def test_an_upload_lies_in_the_inbox_as_a_part_until_it_is_whole(gate: Gate) -> None:
    expecting(gate, 6)
    seen: list[list[str]] = []

    async def parts() -> AsyncIterator[bytes]:
        for part in (b"abc", b"def"):
            yield part
            seen.append([p.suffix for p in gate.stores.inbox.folder.iterdir()])

    code, body = put(gate, parts(), 6)
    assert (code, body) == (200, {"sha256": hashlib.sha256(b"abcdef").hexdigest()})
    assert seen == [[".part"], [".part"]]
    assert [p.name for p in gate.stores.inbox.folder.iterdir()] == ["a.update"]


def test_the_inbox_is_made_where_it_is_missing(gate: Gate) -> None:
    expecting(gate, 3)
    gate.stores.inbox.folder.rmdir()
    assert gate("PUT", "/updates/r/1", "a", content=b"abc").status_code == 200


@pytest.mark.parametrize(
    ("parts", "stated", "why"),
    [
        ([b"ab"], 3, "the upload is not of 3 bytes"),
        ([b"abc", b"d"], 3, "the upload is not of 3 bytes"),
        ([], 3, "the upload is not of 3 bytes"),
        ([b"abc"], None, "the round or the length of an upload is not a number"),
        ([b"abc"], 4, "an update must have 3 bytes; this one has 4"),
    ],
    ids=["short", "long", "empty", "not stated", "stated wrong"],
)
def test_what_came_and_what_was_stated_are_the_model_s_size(
    gate: Gate, parts: list[bytes], stated: int | None, why: str
) -> None:
    expecting(gate, 3)

    async def each() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    code, body = put(gate, each(), stated)
    assert (code, body["error"]) == (403, why)
    assert list(gate.stores.inbox.folder.iterdir()) == []


@pytest.mark.parametrize("step", [BLOCK // 4, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3])
def test_each_byte_counts_however_the_network_cuts_them(gate: Gate, step: int) -> None:
    content = bytes(range(251)) * 40_000
    expecting(gate, len(content))

    async def parts() -> AsyncIterator[bytes]:
        for i in range(0, len(content), step):
            yield content[i : i + step]

    code, body = put(gate, parts(), len(content))
    digest = hashlib.sha256(content).hexdigest()
    assert (code, body) == (200, {"sha256": digest})
    path = gate.stores.inbox.take("a", digest)
    assert path is not None
    assert path.read_bytes() == content


@pytest.mark.parametrize(("block", "code"), [(BLOCK, 200), (BLOCK // 8, 503)])
def test_a_slow_upload_has_its_time_for_each_block_and_not_for_less(
    tmp_path: Path, block: int, code: int
) -> None:
    """Two pauses that together are longer than the time of a block."""
    gate = Gate(tmp_path, block_seconds=2.0)
    expecting(gate, 3 * block)

    async def parts() -> AsyncIterator[bytes]:
        for n in range(3):
            await asyncio.sleep(1.2 if n else 0)
            yield bytes(block)

    answer = put(gate, parts(), 3 * block)
    gate.close()
    assert answer[0] == code
    if code == 503:
        assert answer[1]["error"] == "the upload came too slowly"
        assert list(gate.stores.inbox.folder.iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing_and_may_be_made_again(gate: Gate) -> None:
    expecting(gate, 6)
    events: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.disconnect"},
    ]
    answer: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(message: Any) -> None:  # noqa: ANN401
        answer.append(message)

    scope = {
        "type": "http", "method": "PUT", "path": "/updates/r/1", "query_string": b"",
        "headers": [(b"authorization", b"Bearer token of a"), (b"content-length", b"6")],
    }  # fmt: skip
    gate.loop.run_until_complete(gate.app(scope, receive, send))
    assert answer[0]["status"] == 403
    body = json.loads(answer[1]["body"])
    assert body == {"error": "the upload broke off", "hint": "the site tries it again"}
    assert list(gate.stores.inbox.folder.iterdir()) == []
    assert gate("PUT", "/updates/r/1", "a", content=b"abcdef").status_code == 200


def test_a_round_is_a_number(gate: Gate) -> None:
    expecting(gate, 3)
    answer = gate("PUT", "/updates/r/one", "a", content=b"abc")
    assert said(answer) == (403, "the round or the length of an upload is not a number")


def test_weights_are_bytes_of_no_further_kind(gate: Gate) -> None:
    gate.site("a")
    digest = gate.stores.blobs.publish([b"12"])
    answer = gate("GET", f"/weights/{digest}", "a")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == "2"


def test_an_upload_for_which_the_disk_has_no_room_waits_and_is_then_asked_for_again(
    tmp_path: Path,
) -> None:
    content = b"u" * MB
    with (
        small_disk(tmp_path / "disk") as disk,
        closing(Gate(disk.home, block_seconds=0.5)) as gate,
    ):
        run = gate.stores.runs.create("train", PLAN)
        gate.site("a")
        gate.stores.inbox.open_round(Expected(run.id, 1, frozenset(["a"]), MB))
        where = f"/updates/{run.id}/1"
        disk.fill()
        code, words = said(gate("PUT", where, "a", content=content))
        assert (code, words) == (507, "the coordinator's disk is full")
        held = gate("GET", f"/api/runs/{run.id}", "ann").json()["held"]
        assert "0.0 MB free, 1.0 MB needed" in held
        disk.free()
        assert gate("PUT", where, "a", content=content).status_code == 200
        assert gate("GET", f"/api/runs/{run.id}", "ann").json()["held"] == ""


def test_a_run_whose_site_asks_no_more_is_not_held_by_the_disk_any_more(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk") as disk,
        closing(Gate(disk.home, block_seconds=0.05)) as gate,
    ):
        run = gate.stores.runs.create("train", PLAN)
        gate.site("a")
        gate.stores.inbox.open_round(Expected(run.id, 1, frozenset(["a"]), MB))
        disk.fill()
        assert gate("PUT", f"/updates/{run.id}/1", "a", content=b"u" * MB).status_code == 507
        assert gate.stores.runs.held[run.id]
        gate.loop.run_until_complete(asyncio.sleep(0.2))
        assert not gate.stores.runs.held


def test_an_upload_waits_for_room_before_a_byte_is_read(tmp_path: Path) -> None:
    async def parts() -> AsyncIterator[bytes]:
        assert freed, "read before there was room"
        yield b"u" * MB

    with (
        small_disk(tmp_path / "disk") as disk,
        closing(Gate(disk.home, block_seconds=20.0)) as gate,
    ):
        expecting(gate, MB)
        disk.fill()
        freed: list[bool] = []

        async def both() -> httpx.Response:
            def free() -> None:
                disk.free()
                freed.append(True)

            asyncio.get_running_loop().call_later(0.05, free)
            headers = {"authorization": f"Bearer {gate.tokens['a']}", "content-length": str(MB)}
            return await gate.http.put("/updates/r/1", content=parts(), headers=headers)

        assert gate.loop.run_until_complete(both()).status_code == 200


def test_an_order_for_which_there_is_no_room_is_refused_in_words(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, closing(Gate(disk.home)) as gate:
        run = gate.stores.runs.create("train", PLAN)
        disk.fill()
        code, words = said(gate("POST", "/api/grants", "ann", json=GRANT))
        assert (code, words) == (507, "the coordinator's disk is full")
        disk.free()
        assert gate.stores.runs.get(run.id).status == "queued"
