"""The one public port: Fleet forwarded to the SuperLink, enrolment, weights, and the API.

Any path that is not listed here does not exist (404): Flower's Control and Runtime APIs above
all, which would let whoever reaches them run code on this machine.
"""

from typing import Any

from hepafed.common.errors import (
    BusyError,
    FullDiskError,
    HepaFedError,
    RefusedError,
    UnreachableError,
)
from hepafed.common.room import is_full
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway.api import Api
from hepafed.server.gateway.door import Door
from hepafed.server.gateway.fleet_route import fleet_route, not_found
from hepafed.server.gateway.member_routes import member_routes
from hepafed.server.gateway.model_routes import model_routes
from hepafed.server.gateway.run_routes import run_routes
from hepafed.server.gateway.site_routes import site_routes
from hepafed.server.gateway.weight_routes import BLOCK_SECONDS, weight_routes
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def make_gateway(
    coordinator: Coordinator, ca: str, block_seconds: float = BLOCK_SECONDS
) -> Starlette:
    """Build the web application of the public port; `ca` is the federation's authority, PEM."""
    api = Api(coordinator.members)

    async def unknown(_request: Request) -> Response:
        return not_found()

    routes = [
        fleet_route(coordinator, ca),
        *weight_routes(coordinator, block_seconds),
        *site_routes(api, coordinator),
        *member_routes(api, coordinator),
        *run_routes(api, coordinator),
        *model_routes(api, coordinator),
        Route("/{anything:path}", unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
    ]
    handlers = {HepaFedError: _refuse, OSError: _refuse_full}
    return Starlette(routes=routes, exception_handlers=handlers, middleware=[Middleware(Door)])


async def _refuse_full(request: Request, error: Any) -> Response:  # noqa: ANN401 - an OSError
    if not is_full(error):
        raise error
    return await _refuse(request, FullDiskError("the coordinator's disk is full"))


async def _refuse(_request: Request, error: Any) -> Response:  # noqa: ANN401 - a HepaFedError
    code = 400
    if isinstance(error, RefusedError):
        code = 403
    elif isinstance(error, FullDiskError):
        code = 507
    elif isinstance(error, (BusyError, UnreachableError)):
        code = 503  # Flower's clients and ours try that again
    return JSONResponse({"error": error.message, "hint": error.hint}, code)
