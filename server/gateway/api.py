"""The coordinator's API: JSON over the gateway for enrolment, the commands, and evaluators."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from hepafed.common.contract import ROLES, plain_name
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.records import write_record
from hepafed.server.coordinator import Coordinator
from hepafed.server.formats import ModelCard
from hepafed.server.gateway.limits import Bodies
from hepafed.server.models import card_text
from hepafed.server.validation import asked_from, read_survey
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

LARGEST_BODY = 1 << 20
LARGEST_ENROLMENT = 16 << 10
"""Anybody may call that."""
MOST_BYTES = 64 << 20
"""In memory at once, of all calls."""
BODY_SECONDS = 60.0
EVALUATOR_MAY = frozenset(("sites", "runs", "run", "report", "models", "model", "validate"))
"""What an access file of role evaluator opens; the coordinator's opens everything."""

Handler = Callable[[dict[str, Any], Request], Any]


async def _body(request: Request, bodies: Bodies, longest: int) -> dict[str, Any]:
    if request.method == "GET":
        return {}
    async with bodies.read(request, longest, BODY_SECONDS) as parts:
        raw = b"".join(parts)
    try:
        values = json.loads(raw or b"{}")
    except (ValueError, RecursionError) as e:
        raise PayloadError("the request is not JSON") from e
    if not isinstance(values, dict):
        raise PayloadError("the request is not a JSON object")
    return values


def _text(values: dict[str, Any], key: str, longest: int = 200) -> str:
    value = values.get(key)
    if not isinstance(value, str) or len(value) > longest:
        raise PayloadError(f"{key}: expected text of at most {longest} characters")
    return value


def utc_now() -> str:
    """Say what time it is here: sites compare their clock with it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def token_of(request: Request) -> str:
    """Give the token that a site or a person sent along."""
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def routes(coordinator: Coordinator) -> list[Route]:
    """List the API's routes."""
    c, bodies = coordinator, Bodies(MOST_BYTES)
    members, runs, registry = c.members, c.desk.runs, c.desk.registry

    def enrol(values: dict[str, Any], _r: Request) -> Any:  # noqa: ANN401
        public_key = _text(values, "public_key", 1000)
        if not re.fullmatch(r"ecdsa-sha2-nistp384 [A-Za-z0-9+/=]+", public_key.strip()):
            raise PayloadError("public_key: expected an OpenSSH line of an EC P-384 key")
        own = _text(values, "own")
        if not re.fullmatch(r"[0-9a-f]{64}", own):
            raise PayloadError("own: expected the SHA-256 of the site's own token")
        entry = c.enrol(_text(values, "token"), public_key.strip(), own)
        return {"site": entry.site, "role": entry.role, "time": utc_now()}

    def invite(values: dict[str, Any], _r: Request) -> Any:  # noqa: ANN401
        role, hours = _text(values, "role"), values.get("hours")
        if role not in ROLES or not isinstance(hours, (int, float)) or not 0 <= hours <= 24 * 90:
            raise PayloadError("role or hours is not usable", "hours: 0 to 2160")
        token, expires = members.invite(
            plain_name(_text(values, "site")), role, float(hours), datetime.now(UTC)
        )
        return {"token": token, "expires": expires.isoformat(timespec="seconds")}

    def grant(values: dict[str, Any], _r: Request) -> Any:  # noqa: ANN401
        if _text(values, "role") != "evaluator":
            raise PayloadError("role: only evaluator can be granted")
        name = plain_name(_text(values, "name"))
        if name == "coordinator":
            raise RefusedError("that name is the coordinator's own", "choose another")
        token, replaced = members.grant(name, "evaluator")
        return {"token": token, "replaced": replaced}

    def validate(values: dict[str, Any], _r: Request) -> Any:  # noqa: ANN401
        return _run(c.validate(asked_from(values)))

    def run(_v: dict[str, Any], r: Request) -> Any:  # noqa: ANN401
        name, since = r.path_params["run"], r.query_params.get("since", "0")
        made = _run(runs.get(name))
        events = runs.events(name, int(since) if since.isdigit() else 0)
        return {**made, "events": events}

    def report(_v: dict[str, Any], r: Request) -> Any:  # noqa: ANN401
        path = runs.folder(r.path_params["run"]) / "report.json"
        if not path.exists():
            raise RefusedError("that run has no report", "only a completed validation has one")
        return json.loads(path.read_text())

    def cohort(_v: dict[str, Any], r: Request) -> Any:  # noqa: ANN401
        return read_survey(runs.folder(r.path_params["run"]))

    def ask_cohort(values: dict[str, Any], _r: Request) -> Any:  # noqa: ANN401
        sites = values.get("sites", [])
        if not isinstance(sites, list):
            raise PayloadError("sites: expected a list of names")
        return _run(c.cohort([str(s) for s in sites[:1000]]))

    def revoke(_v: dict[str, Any], r: Request) -> Any:  # noqa: ANN401
        c.revoke(r.path_params["site"])
        return {}

    table: list[tuple[str, str, str, Handler]] = [
        ("sites", "GET", "/api/sites", lambda _v, _r: c.describe_sites()),
        ("invite", "POST", "/api/invites", invite),
        ("grant", "POST", "/api/grants", grant),
        ("revoke", "POST", "/api/sites/{site}/revoke", revoke),
        ("train", "POST", "/api/train", lambda v, _r: _run(c.train(v.get("plan")))),
        ("validate", "POST", "/api/validate", validate),
        ("ask-cohort", "POST", "/api/cohort", ask_cohort),
        ("cohort", "GET", "/api/runs/{run}/cohort", cohort),
        ("runs", "GET", "/api/runs", lambda _v, _r: [_run(x) for x in runs.all()]),
        ("run", "GET", "/api/runs/{run}", run),
        ("stop", "POST", "/api/runs/{run}/stop",
         lambda _v, r: _run(c.stop_run(r.path_params["run"]))),
        ("resume", "POST", "/api/runs/{run}/resume",
         lambda _v, r: _run(c.resume_run(r.path_params["run"]))),
        ("report", "GET", "/api/runs/{run}/report", report),
        ("models", "GET", "/api/models", lambda _v, _r: [_card(c) for c in registry.all()]),
        ("model", "GET", "/api/models/{model}",
         lambda _v, r: _card(registry.card(r.path_params["model"]))),
    ]  # fmt: skip

    def person_may(request: Request, verb: str) -> None:
        person = members.person_of(token_of(request))
        if person.role != "coordinator" and verb not in EVALUATOR_MAY:
            raise RefusedError(f"an access file of role {person.role} cannot {verb}")

    def endpoint(verb: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if verb != "enrol":
                person_may(request, verb)
            longest = LARGEST_ENROLMENT if verb == "enrol" else LARGEST_BODY
            values = await _body(request, bodies, longest)
            return JSONResponse(await run_in_threadpool(handler, values, request))

        return answer

    async def export(request: Request) -> Response:
        person_may(request, "model")
        path = registry.folder(request.path_params["model"]) / "weights.safetensors"
        return FileResponse(path, media_type="application/octet-stream")

    return [
        Route("/enrol", endpoint("enrol", enrol), methods=["POST"]),
        *(Route(path, endpoint(verb, h), methods=[m]) for verb, m, path, h in table),
        Route("/api/models/{model}/weights", export, methods=["GET"]),
    ]


def _card(card: ModelCard) -> dict[str, Any]:
    """Return the card's values in the order of card.json, so that an export has its bytes."""
    return dict(json.loads(card_text(card)))


def _run(run: object) -> dict[str, Any]:
    return write_record(run)
