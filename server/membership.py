"""What a site itself asks the gateway: to enrol, how it stands, to leave. No access file needed."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from hepafed.common.errors import PayloadError
from hepafed.server.api import body_of, text_of
from hepafed.server.coordinator import Coordinator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Handler = Callable[[dict[str, Any], str], dict[str, str]]
"""Takes the request's values and the bearer's token."""


def routes(coordinator: Coordinator) -> list[Route]:
    """List the routes that sites use."""
    c = coordinator

    def enrol(values: dict[str, Any], _token: str) -> dict[str, str]:
        public_key, own = text_of(values, "public_key", 1000).strip(), text_of(values, "own")
        if not re.fullmatch(r"ecdsa-sha2-nistp384 [A-Za-z0-9+/=]+", public_key):
            raise PayloadError("public_key: expected an OpenSSH line of an EC P-384 key")
        if not re.fullmatch(r"[0-9a-f]{64}", own):
            raise PayloadError("own: expected the SHA-256 of the site's own token")
        entry = c.enrol(text_of(values, "token"), public_key, own)
        return {"site": entry.site, "role": entry.role, "time": _now()}

    def standing(_values: dict[str, Any], token: str) -> dict[str, str]:
        entry = c.members.site_of(token)
        return {
            "site": entry.site,
            "role": entry.role,
            "time": _now(),
            "hepafed": metadata.version("hepafed"),
            "flwr": metadata.version("flwr"),
        }

    def leave(_values: dict[str, Any], token: str) -> dict[str, str]:
        site = c.members.site_of(token).site
        c.revoke(site)
        return {"site": site}

    def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if handler is not enrol:
                c.members.site_of(token)
            values = await body_of(request)
            return JSONResponse(await run_in_threadpool(handler, values, token))

        return answer

    return [
        Route("/enrol", endpoint(enrol), methods=["POST"]),
        Route("/site", endpoint(standing), methods=["GET"]),
        Route("/site/leave", endpoint(leave), methods=["POST"]),
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
