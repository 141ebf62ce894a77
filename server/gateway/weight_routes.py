"""Weights beside Flower: an enrolled site downloads them by digest, and uploads its update."""

import asyncio
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from hepafed.common.errors import BusyError, FullDiskError, RefusedError
from hepafed.common.room import full_words
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway.api import token_of
from hepafed.server.runs import Runs
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

log = logging.getLogger("hepafed.server")

_BLOCK = 4 << 20
BLOCK_SECONDS = 120.0
"""How long each `_BLOCK` bytes of an upload may take: 0.28 Mbit/s."""


class _Weights(FileResponse):
    """A file of a hundred megabytes: larger pieces, so that there are fewer of them."""

    chunk_size = 1 << 20


def weight_routes(coordinator: Coordinator, block_seconds: float = BLOCK_SECONDS) -> list[Route]:
    """Return the routes; both refuse whoever is no enrolled site before a body is read."""
    members, blobs, inbox = coordinator.members, coordinator.stores.blobs, coordinator.stores.inbox

    async def weights(request: Request) -> Response:
        members.site_of(token_of(request))
        path = blobs.path(request.path_params["digest"])
        return _Weights(path, media_type="application/octet-stream")

    async def update(request: Request) -> Response:
        site = members.site_of(token_of(request)).site
        run, round_ = request.path_params["run"], _number(request.path_params["round"])
        size = _number(request.headers.get("content-length", ""))
        with inbox.uploading(site):
            inbox.admit(site, run, round_, size)
            await _until_room(coordinator.stores.runs, run, size, block_seconds)
            digest, path = await _spool(request.stream(), inbox.folder, size, block_seconds)
            inbox.arrived(site, run, round_, digest, path)
        return JSONResponse({"sha256": digest})

    return [
        Route("/weights/{digest}", weights, methods=["GET"]),
        Route("/updates/{run}/{round}", update, methods=["PUT"]),
    ]


async def _until_room(runs: Runs, run: str, size: int, seconds: float) -> None:
    """Wait, before a byte is read, until the disk has room for an upload; FullDiskError without."""
    end = asyncio.get_running_loop().time() + seconds
    while shutil.disk_usage(runs.home).free < size:
        runs.held[run] = full_words(runs.home, size)
        if asyncio.get_running_loop().time() >= end:
            log.error("run %s: an update waits: %s", run, runs.held[run])
            raise FullDiskError("the coordinator's disk is full")
        await asyncio.sleep(min(1.0, seconds))
    runs.held.pop(run, None)


def _number(text: str) -> int:
    """Return a whole number; RefusedError for what is none, or has more digits than any of ours."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise RefusedError("the round or the length of an upload is not a number")
    return int(text)


async def _spool(
    stream: AsyncIterator[bytes], folder: Path, size: int, block_seconds: float
) -> tuple[str, Path]:
    """Write an upload of exactly `size` bytes to a new file; return its SHA-256 and the file.

    Raises
    ------
    RefusedError
        The upload has another size, or broke off.
    BusyError
        It came too slowly.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    path = Path(name)
    try:
        with os.fdopen(handle, "wb", buffering=_BLOCK) as f:
            digest = await _copy(stream, f, size, block_seconds)
    except TimeoutError:
        path.unlink(missing_ok=True)
        raise BusyError("the upload came too slowly") from None
    except ClientDisconnect:
        path.unlink(missing_ok=True)
        raise RefusedError("the upload broke off", "the site tries it again") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return digest, path


async def _copy(stream: AsyncIterator[bytes], to: BinaryIO, size: int, block_seconds: float) -> str:
    """Copy exactly `size` bytes; return their SHA-256. TimeoutError when a block is too slow."""
    digest, count = hashlib.sha256(), 0
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(block_seconds) as limit:
        async for part in stream:
            count += len(part)
            if count > size:
                break
            digest.update(part)
            to.write(part)
            if count % _BLOCK < len(part):
                limit.reschedule(clock() + block_seconds)
                await asyncio.sleep(0)
    if count != size:
        raise RefusedError(f"the upload is not of {size} bytes")
    return digest.hexdigest()
