"""What people ask about members: invite, revoke and list sites, grant access to others."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hepafed.common.contract import ROLES, plain_name
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway.api import Api, Nothing, must_be_short
from starlette.requests import Request
from starlette.routing import Route

LONGEST_INVITE = 24 * 90
"""Longest life of an invite, in hours."""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A site that is to be invited."""

    site: str
    role: str
    """`train` or `validate`."""
    hours: float
    """Hours for which the invite is valid."""

    def __post_init__(self) -> None:
        """Check every value."""
        if self.role not in ROLES or not 0 <= self.hours <= LONGEST_INVITE:
            raise PayloadError(
                "role or hours is not usable", f"hours must be between 0 and {LONGEST_INVITE}"
            )
        must_be_short("site", self.site)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A person who is to get an access file."""

    name: str
    role: str

    def __post_init__(self) -> None:
        """Check every value."""
        if self.role != "evaluator":
            raise PayloadError("role: only evaluator can be granted")
        must_be_short("name", self.name)


def member_routes(api: Api, coordinator: Coordinator) -> list[Route]:
    """Return the routes."""
    members, membership = coordinator.members, coordinator.membership

    def invite(body: Invitation, _request: Request) -> object:
        token, expires = members.invite(
            plain_name(body.site), body.role, body.hours, datetime.now(UTC)
        )
        return {"token": token, "expires": expires.isoformat(timespec="seconds")}

    def grant(body: Grant, _request: Request) -> object:
        name = plain_name(body.name)
        if name == "coordinator":
            raise RefusedError("that name is the coordinator's own", "choose another")
        token, replaced = members.grant(name, body.role)
        return {"token": token, "replaced": replaced}

    def revoke(_body: Nothing, request: Request) -> object:
        membership.revoke(request.path_params["site"])
        return {}

    return [
        api.get("sites", "/api/sites", lambda _request: membership.describe()),
        api.post("invite", "/api/invites", Invitation, invite),
        api.post("grant", "/api/grants", Grant, grant),
        api.post("revoke", "/api/sites/{site}/revoke", Nothing, revoke),
    ]
