"""What the calls of the API share: JSON in and out, a record of each body, and who may call."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.records import read_record
from hepafed.server.gateway.bodies import Bodies
from hepafed.server.members import Members
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

T = TypeVar("T")
LARGEST_BODY = 1 << 20
LARGEST_OPEN_BODY = 16 << 10
"""Largest body, in bytes, of a call that anybody may make."""
MOST_BYTES = 64 << 20
"""Bytes of all calls that are held in memory at the same time."""
BODY_SECONDS = 60.0
LONGEST_NUMBER = 19
"""Digits of a whole number in a body; a sign counts as one."""
EVALUATOR_MAY = frozenset(("sites", "runs", "run", "report", "models", "model", "validate"))
"""The verbs that an access file of role evaluator opens; the coordinator's opens every one."""


@dataclass(frozen=True)
class Nothing:
    """Body of a call whose address says everything: an empty JSON object."""


def utc_now() -> str:
    """Return the time of the coordinator's clock: sites compare theirs with it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def token_of(request: Request) -> str:
    """Return the token that a site or a person sent along, or ""."""
    return request.headers.get("authorization", "").removeprefix("Bearer ")


class Api:
    """Makes routes of functions that take a request (and the record of its body) and give JSON.

    The functions run in a thread: they may wait for a disk or for Flower.
    """

    def __init__(self, members: Members) -> None:
        self._members = members
        self._bodies = Bodies(MOST_BYTES)

    def admit(self, request: Request, verb: str) -> None:
        """Let a person with an access file that opens `verb` pass; RefusedError for others."""
        person = self._members.person_of(token_of(request))
        if person.role != "coordinator" and verb not in EVALUATOR_MAY:
            raise RefusedError(
                f"this access file (role {person.role}) does not allow {verb}",
                "ask the coordinator to do it",
            )

    def get(self, verb: str, path: str, answer: Callable[[Request], object]) -> Route:
        """Make the route of a question that a person asks."""

        async def endpoint(request: Request) -> Response:
            self.admit(request, verb)
            return JSONResponse(await run_in_threadpool(answer, request))

        return Route(path, endpoint, methods=["GET"])

    def post(
        self, verb: str, path: str, record: type[T], answer: Callable[[T, Request], object]
    ) -> Route:
        """Make the route of an order that a person gives, with a body read as `record`."""

        async def endpoint(request: Request) -> Response:
            self.admit(request, verb)
            body = await self._read(request, record, LARGEST_BODY)
            return JSONResponse(await run_in_threadpool(answer, body, request))

        return Route(path, endpoint, methods=["POST"])

    def open_post(
        self, path: str, record: type[T], answer: Callable[[T, Request], object]
    ) -> Route:
        """Make the route of a call that anybody may make."""

        async def endpoint(request: Request) -> Response:
            body = await self._read(request, record, LARGEST_OPEN_BODY)
            return JSONResponse(await run_in_threadpool(answer, body, request))

        return Route(path, endpoint, methods=["POST"])

    async def _read(self, request: Request, record: type[T], longest: int) -> T:
        """Read a body; PayloadError when it is not JSON of this record, naming the key."""
        async with self._bodies.read(request, longest, BODY_SECONDS) as parts:
            raw = b"".join(parts)
        try:
            values = json.loads(raw or b"{}", parse_constant=_refused, parse_int=_whole)
            json.dumps(values, ensure_ascii=False).encode()  # no half of a surrogate pair
        except (ValueError, RecursionError) as e:
            raise PayloadError("the request is not JSON") from e
        if not isinstance(values, dict):
            raise PayloadError("the request is not a JSON object")
        return read_record(record, values, PayloadError)


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("a number too long")
    return int(digits)


def _refused(word: str) -> float:
    raise ValueError(word)


def must_be_short(key: str, text: str, longest: int = 200) -> None:
    """Refuse a text of more than `longest` characters; PayloadError names the key."""
    if len(text) > longest:
        raise PayloadError(f"{key}: expected text of at most {longest} characters")
