"""Flower's Fleet API: what an enrolled site's SuperNode calls, forwarded to the SuperLink."""

from collections.abc import AsyncIterator, Mapping

import httpx
from hepafed.common.certificates import pinned
from hepafed.common.errors import RefusedError, UnreachableError
from hepafed.common.releases import RELEASE, may_work_together
from hepafed.server.coordinator import Coordinator
from hepafed.server.flower import sent_as
from hepafed.server.gateway.bodies import Bodies
from hepafed.server.members import HEADER
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FLEET = frozenset(
    ("activate-node", "deactivate-node", "send-node-heartbeat", "pull-messages", "get-run",
     "get-fab", "pull-object", "confirm-message-received", "push-messages", "push-object")
)  # fmt: skip
"""What a stock SuperNode calls; `register-node` and `unregister-node` are the coordinator's."""

LARGEST_BODY = 48 * 2**20
MOST_BYTES = 256 * 2**20
"""Bytes of all calls that are held in memory at the same time."""
MOST_OF_ONE = 96 * 2**20
"""Bytes of one site's calls."""
RESERVE = 16 * 2**20
"""Bytes that are kept for small calls: heartbeats, questions for messages."""
BODY_SECONDS = 300.0
"""How long a call's body may take."""
_PASSED_HEADERS = ("content-type", "accept")


def not_found() -> Response:
    """Answer a call of what does not exist."""
    return JSONResponse({"error": "not found"}, 404)


def fleet_route(coordinator: Coordinator, ca: str) -> Route:
    """Return the route; `ca` (PEM) signed the SuperLink's certificate."""
    upstream = httpx.AsyncClient(verify=pinned(ca), timeout=60)
    bodies = Bodies(MOST_BYTES, MOST_OF_ONE, RESERVE)

    async def fleet(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FLEET:
            return not_found()
        node = coordinator.admission.node_of(request.headers.get(HEADER, ""))
        # as the SuperLink says it, so that a SuperNode ends as it would on that
        code = 412 if name == "activate-node" else 401
        if node is None:
            return JSONResponse({"error": "not an enrolled site"}, code)
        if not coordinator.admission.proven(node, request.headers):
            return JSONResponse({"error": "not signed with the site's key, at this time"}, 401)
        if not may_work_together(node.release, RELEASE):
            return JSONResponse({"error": f"the site needs release {RELEASE} of HepaFed"}, code)
        headers = _passed(request.headers)
        url = f"https://127.0.0.1:{coordinator.superlink.port}/v1/fleet/{name}"
        async with bodies.read(request, LARGEST_BODY, BODY_SECONDS, node.site) as parts:
            if name == "push-messages" and sent_as(b"".join(parts)) != {node.id}:
                raise RefusedError("a site answers in its own name only")
            headers["content-length"] = str(sum(map(len, parts)))
            try:
                answer = await upstream.post(url, content=_each(parts), headers=headers)
            except httpx.HTTPError:
                raise UnreachableError("the SuperLink does not answer") from None
        return Response(answer.content, answer.status_code, _passed(answer.headers))

    return Route("/v1/fleet/{name}", fleet, methods=["POST"])


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are passed on: those of the content, and Flower's own."""
    return {
        k: v
        for k, v in headers.items()
        if k in _PASSED_HEADERS or k.startswith(("flwr-", "x-flwr"))
    }


async def _each(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
