"""The one public port: Fleet forwarded to the SuperLink, enrolment, weights, and the API.

Any path that is not listed here does not exist (404): Flower's Control and Runtime APIs above
all, which would let whoever reaches them run code on this machine.
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from hepafed.common.certificates import pinned
from hepafed.common.errors import BusyError, HepaFedError, RefusedError, UnreachableError
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway import api
from hepafed.server.gateway import site_routes as membership
from hepafed.server.gateway.limits import Bodies
from hepafed.server.members import HEADER
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

FLEET = frozenset(
    ("activate-node", "deactivate-node", "send-node-heartbeat", "pull-messages", "get-run",
     "get-fab", "pull-object", "confirm-message-received", "push-messages", "push-object")
)  # fmt: skip
"""What a stock SuperNode calls; `register-node` and `unregister-node` are the coordinator's."""

LARGEST_FLEET_BODY = 48 * 2**20
MOST_FLEET_BYTES = 256 * 2**20
"""In memory at once, of all calls."""
FLEET_SECONDS = 300.0
"""How long a call's body may take."""
_BLOCK = 4 << 20
BLOCK_SECONDS = 120.0
"""How long each `_BLOCK` bytes of an upload may take: 0.28 Mbit/s."""
_KEPT_HEADERS = ("content-type", "accept")


class _Weights(FileResponse):
    """A file of a hundred megabytes: larger pieces, so that there are fewer of them."""

    chunk_size = 1 << 20


def make_gateway(coordinator: Coordinator, ca: str) -> Starlette:
    """Build the web application of the public port."""
    upstream = httpx.AsyncClient(verify=pinned(ca), timeout=60)
    bodies = Bodies(MOST_FLEET_BYTES)

    async def fleet(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FLEET:
            return _nothing()
        if not coordinator.admission.knows(request.headers.get(HEADER, "")):
            # as the SuperLink says it, so that a SuperNode ends as it would on that
            code = 412 if name == "activate-node" else 401
            return JSONResponse({"error": "not an enrolled site"}, code)
        headers = {
            k: v
            for k, v in request.headers.items()
            if k in _KEPT_HEADERS or k.startswith("flwr-") or k.startswith("x-flwr")
        }
        url = f"https://127.0.0.1:{coordinator.link.port}/v1/fleet/{name}"
        async with bodies.read(request, LARGEST_FLEET_BODY, FLEET_SECONDS) as parts:
            headers["content-length"] = str(sum(map(len, parts)))
            try:
                answer = await upstream.post(url, content=_each(parts), headers=headers)
            except httpx.HTTPError:
                raise UnreachableError("the SuperLink does not answer") from None
        kept = {
            k: v
            for k, v in answer.headers.items()
            if k in _KEPT_HEADERS or k.startswith("flwr-") or k.startswith("x-flwr")
        }
        return Response(answer.content, answer.status_code, kept)

    async def weights(request: Request) -> Response:
        coordinator.members.site_of(api.token_of(request))
        path = coordinator.desk.blobs.path(request.path_params["digest"])
        return _Weights(path, media_type="application/octet-stream")

    async def update(request: Request) -> Response:
        site = coordinator.members.site_of(api.token_of(request)).site
        run, round_ = request.path_params["run"], int(request.path_params["round"])
        size = int(request.headers.get("content-length", "-1"))
        inbox = coordinator.desk.inbox
        with inbox.uploading(site):
            inbox.admit(site, run, round_, size)
            digest, path = await _spool(request.stream(), inbox.folder, size)
            inbox.arrived(site, run, round_, digest, path)
        return JSONResponse({"sha256": digest})

    async def unknown(_request: Request) -> Response:
        return _nothing()

    routes = [
        Route("/v1/fleet/{name}", fleet, methods=["POST"]),
        Route("/weights/{digest}", weights, methods=["GET"]),
        Route("/updates/{run}/{round:int}", update, methods=["PUT"]),
        *api.routes(coordinator),
        *membership.routes(coordinator),
        Route("/{anything:path}", unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
    ]
    return Starlette(routes=routes, exception_handlers={HepaFedError: _refuse})


def _nothing() -> Response:
    return JSONResponse({"error": "not found"}, 404)


async def _refuse(_request: Request, error: Exception) -> Response:
    message, hint = getattr(error, "message", "refused"), getattr(error, "hint", "")
    code = 400
    if isinstance(error, RefusedError):
        code = 403
    elif isinstance(error, (BusyError, UnreachableError)):
        code = 503  # Flower's clients and ours try that again
    return JSONResponse({"error": message, "hint": hint}, code)


async def _each(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def _spool(stream: AsyncIterator[bytes], folder: Path, size: int) -> tuple[str, Path]:
    """Write an upload of exactly `size` bytes to a file while hashing it."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    path, digest, count = Path(name), hashlib.sha256(), 0
    clock = asyncio.get_running_loop().time
    try:
        with os.fdopen(handle, "wb", buffering=_BLOCK) as f:
            async with asyncio.timeout(BLOCK_SECONDS) as limit:
                async for part in stream:
                    count += len(part)
                    if count > size:
                        break
                    digest.update(part)
                    f.write(part)
                    if count % _BLOCK < len(part):
                        limit.reschedule(clock() + BLOCK_SECONDS)
                        await asyncio.sleep(0)
        if count != size:
            raise RefusedError(f"the upload is not of {size} bytes")
    except TimeoutError:
        path.unlink(missing_ok=True)
        raise BusyError("the upload came too slowly") from None
    except ClientDisconnect:
        path.unlink(missing_ok=True)
        raise RefusedError("the upload broke off", "it is tried again") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return digest.hexdigest(), path
