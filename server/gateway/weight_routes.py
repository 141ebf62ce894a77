"""Weights beside Flower: an enrolled site downloads them by digest, and uploads its update.

A transfer that was cut goes on where it was, both ways (docs/decisions/0030).
"""

import asyncio
import logging
import re
import shutil
from collections.abc import AsyncIterator

from hepafed.common.errors import BusyError, FullDiskError, PayloadError, RefusedError
from hepafed.common.room import full_words
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway.api import token_of
from hepafed.server.gateway.turns import UploadTurns
from hepafed.server.runs import Inbox, Runs, Upload
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

log = logging.getLogger("hepafed.server")

_BLOCK = 4 << 20
BLOCK_SECONDS = 120.0
"""How long each `_BLOCK` bytes of an upload may take: 0.28 Mbit/s."""
_REST = re.compile(rb"bytes=[0-9]{1,19}-")
"""The one kind of range that is given: from a byte to the end."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Weights(FileResponse):
    """A file of a hundred megabytes: larger pieces, so that there are fewer of them."""

    chunk_size = 1 << 20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file, or the rest of it; other ranges are as if they were not asked."""
        asked = [v for k, v in scope["headers"] if k == b"range"]
        if len(asked) != 1 or not _REST.fullmatch(asked[0]):
            scope = {**scope, "headers": [h for h in scope["headers"] if h[0] != b"range"]}
        await super().__call__(scope, receive, send)


def weight_routes(coordinator: Coordinator, block_seconds: float = BLOCK_SECONDS) -> list[Route]:
    """Return the routes; all refuse whoever is no enrolled site before a body is read."""
    members, blobs, inbox = coordinator.members, coordinator.stores.blobs, coordinator.stores.inbox
    turns = UploadTurns()

    async def weights(request: Request) -> Response:
        members.site_of(token_of(request))
        path = blobs.path(request.path_params["digest"])
        return _Weights(path, media_type="application/octet-stream")

    async def update(request: Request) -> Response:
        site = members.site_of(token_of(request)).site
        run, round_ = request.path_params["run"], _number(request.path_params["round"])
        digest, start = _digest(request), _header(request, "upload-offset", "0")
        if start and not digest:
            raise RefusedError("an upload without its digest begins at its first byte")
        size = start + _header(request, "content-length")
        inbox.admit(site, run, round_, size)
        async with turns.turn(site, (run, round_, digest)):
            inbox.admit(site, run, round_, size)  # an older request may just have ended
            await _until_room(coordinator.stores.runs, run, size - start, block_seconds)
            upload = inbox.begin(site, digest, start)
            await _receive(request, inbox, (site, run, round_), upload, size, block_seconds)
            inbox.arrived(site, run, round_, upload.sha256, upload.path)
        return JSONResponse({"sha256": upload.sha256})

    async def held(request: Request) -> Response:
        site = members.site_of(token_of(request)).site
        run, round_ = request.path_params["run"], _number(request.path_params["round"])
        digest, size = _digest(request), _header(request, "upload-length")
        inbox.admit(site, run, round_, size)
        async with turns.turn(site, (run, round_, digest)):
            inbox.admit(site, run, round_, size)
            count = inbox.held(site, digest, size)
        return Response(headers={"Upload-Offset": str(count), "Cache-Control": "no-store"})

    return [
        Route("/weights/{digest}", weights, methods=["GET"]),
        Route("/updates/{run}/{round}", update, methods=["PUT"]),
        Route("/updates/{run}/{round}", held, methods=["HEAD"]),
    ]


async def _until_room(runs: Runs, run: str, size: int, seconds: float) -> None:
    """Wait, before a byte is read, until the disk has room for an upload; FullDiskError without.

    Then the run says so for `seconds` more: a site that still waits has asked again by then.
    """
    end = asyncio.get_running_loop().time() + seconds
    while shutil.disk_usage(runs.home).free < size:
        runs.held[run] = full_words(runs.home, size)
        if asyncio.get_running_loop().time() >= end:
            log.error("run %s: an update waits: %s", run, runs.held[run])
            asyncio.get_running_loop().call_later(seconds, runs.held.pop, run, None)
            raise FullDiskError("the coordinator's disk is full")
        await asyncio.sleep(min(1.0, seconds))
    runs.held.pop(run, None)


def _number(text: str) -> int:
    """Return a whole number; RefusedError for what is none, or has more digits than any of ours."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise RefusedError("the round or the length of an upload is not a number")
    return int(text)


def _header(request: Request, name: str, missing: str = "") -> int:
    return _number(request.headers.get(name, missing))


def _digest(request: Request) -> str:
    """Return the SHA-256 that an upload is announced to have; "" where none is stated."""
    text = request.headers.get("upload-digest", "")
    if text and not _DIGEST.fullmatch(text):
        raise RefusedError("the digest of an upload is not a SHA-256")
    return text


async def _receive(
    request: Request,
    inbox: Inbox,
    where: tuple[str, str, int],
    upload: Upload,
    size: int,
    block_seconds: float,
) -> None:
    """Add a request's body to an upload; what broke off is kept for site, run and round `where`.

    Raises
    ------
    RefusedError
        The upload has another size, or broke off.
    PayloadError
        It is not what was announced.
    BusyError
        It came too slowly, or has to be made from its beginning.
    """
    try:
        await _take_in(request.stream(), upload, size, block_seconds)
    except TimeoutError:
        inbox.broke_off(*where, upload)
        raise BusyError("the upload came too slowly") from None
    except ClientDisconnect:
        inbox.broke_off(*where, upload)
        raise RefusedError("the upload broke off", "the site tries it again") from None
    except asyncio.CancelledError:  # a newer request has taken it over
        inbox.broke_off(*where, upload)
        raise
    except BaseException:
        upload.drop()
        raise


async def _take_in(
    stream: AsyncIterator[bytes], upload: Upload, size: int, block_seconds: float
) -> None:
    """Add what comes to an upload, until it has `size` bytes in all and the SHA-256 it stated.

    Raises
    ------
    RefusedError
        The upload has another size.
    PayloadError
        All of it came at once and is not what was stated.
    BusyError
        What came of it before, or together with it, is not what was stated: the site sends it
        again from its beginning.
    TimeoutError
        A block came too slowly.
    """
    start = upload.count
    if start:
        await asyncio.to_thread(upload.must_be_as_it_came)
    await _copy(stream, upload, size, block_seconds)
    upload.close()
    if upload.digest and upload.sha256 != upload.digest:
        if start:
            raise BusyError("the parts of the upload do not make what was announced")
        raise PayloadError("the upload is not what was announced")


async def _copy(
    stream: AsyncIterator[bytes], upload: Upload, size: int, block_seconds: float
) -> None:
    """Add what comes; TimeoutError when a block is too slow, RefusedError beside `size` bytes."""
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(block_seconds) as limit:
        async for part in stream:
            if upload.count + len(part) > size:
                break
            upload.add(part)
            if upload.count % _BLOCK < len(part):
                limit.reschedule(clock() + block_seconds)
                await asyncio.sleep(0)
        else:
            if upload.count == size:
                return
    raise RefusedError(f"the upload is not of {size} bytes")
