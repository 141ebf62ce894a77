"""What a site asks of the gateway itself: to enrol, how it stands, and to leave."""

import asyncio
import re
from dataclasses import dataclass
from importlib import metadata

from hepafed.common.contract import CONNECTION, INSTANCE, instance_stated
from hepafed.common.errors import PayloadError, UnreachableError
from hepafed.common.releases import HEADER, RELEASE, release_stated
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway.api import Api, must_be_short, token_of, utc_now
from hepafed.server.members import SiteEntry
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FLOWER_SECONDS = 3.0
"""How long Flower has to say whether it knows a site."""


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What a site sends once, with its invite's token."""

    token: str
    """The invite's one-time token."""
    public_key: str
    """OpenSSH line of the node's key."""
    own: str
    """SHA-256, in hex, of the token that the site made for itself."""

    def __post_init__(self) -> None:
        """Check every value."""
        must_be_short("public_key", self.public_key, 1000)
        if not re.fullmatch(r"ecdsa-sha2-nistp384 [A-Za-z0-9+/=]+", self.public_key.strip()):
            raise PayloadError("public_key: expected an OpenSSH line of an EC P-384 key")
        must_be_short("own", self.own)
        if not re.fullmatch(r"[0-9a-f]{64}", self.own):
            raise PayloadError("own: expected the SHA-256 of the site's own token")
        must_be_short("token", self.token)


def site_routes(api: Api, coordinator: Coordinator) -> list[Route]:
    """Return the routes; all but that of the enrolment refuse whoever is no enrolled site."""
    members, membership = coordinator.members, coordinator.membership

    def note_release(site: str, request: Request) -> None:
        """Note the release with which a site was started; `client check` states none."""
        stated = request.headers.get(HEADER)
        if stated is not None:
            members.stated(site, release_stated(stated))

    def enrol(body: Enrolment, request: Request) -> object:
        entry = membership.enrol(body.token, body.public_key.strip(), body.own)
        note_release(entry.site, request)
        return {"site": entry.site, "role": entry.role, "time": utc_now()}

    async def flower_knows(entry: SiteEntry) -> str:
        try:
            asked = asyncio.to_thread(membership.is_known, entry)
            return "known" if await asyncio.wait_for(asked, FLOWER_SECONDS) else "unknown"
        except (UnreachableError, TimeoutError):
            return "silent"

    async def standing(request: Request) -> Response:
        entry = members.site_of(token_of(request))
        await run_in_threadpool(note_release, entry.site, request)
        instance = instance_stated(request.headers.get(INSTANCE, ""))
        starts = HEADER in request.headers
        if instance and starts:
            connection = instance_stated(request.headers.get(CONNECTION, ""))
            membership.heard(entry.site, instance, connection)
        others = membership.presence.beside(entry.site, instance)
        return JSONResponse(
            {
                "site": entry.site,
                "role": entry.role,
                "time": utc_now(),
                "hepafed": RELEASE,
                "flwr": metadata.version("flwr"),
                "others": [t.isoformat() for t in others],
                "flower": "" if starts else await flower_knows(entry),
            }
        )

    async def leave(request: Request) -> Response:
        site = members.site_of(token_of(request)).site
        await run_in_threadpool(membership.revoke, site)
        return JSONResponse({"site": site})

    return [
        api.open_post("/enrol", Enrolment, enrol),
        Route("/site", standing, methods=["GET"]),
        Route("/site/leave", leave, methods=["POST"]),
    ]
