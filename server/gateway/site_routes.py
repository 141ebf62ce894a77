"""What an enrolled site asks the gateway with its own token: how it stands, and to leave."""

from importlib import metadata

from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway.api import token_of, utc_now
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def routes(coordinator: Coordinator) -> list[Route]:
    """List the routes; neither reads a body, and both refuse whoever is no enrolled site."""
    members = coordinator.members

    async def standing(request: Request) -> Response:
        entry = members.site_of(token_of(request))
        return JSONResponse(
            {
                "site": entry.site,
                "role": entry.role,
                "time": utc_now(),
                "hepafed": metadata.version("hepafed"),
                "flwr": metadata.version("flwr"),
            }
        )

    async def leave(request: Request) -> Response:
        site = members.site_of(token_of(request)).site
        await run_in_threadpool(coordinator.revoke, site)
        return JSONResponse({"site": site})

    return [
        Route("/site", standing, methods=["GET"]),
        Route("/site/leave", leave, methods=["POST"]),
    ]
