"""What people ask about runs: start, stop and resume them, follow them, read what they gave."""

import json
from dataclasses import asdict, dataclass

from hepafed.common.contract import (
    LARGEST_FILE,
    LONGEST_WAIT,
    MOST_MODELS,
    MOST_VARIABLES,
    OperatingPointPlan,
    Plan,
    usable_names,
)
from hepafed.common.errors import PayloadError
from hepafed.common.records import write_record
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway.api import Api, Nothing, must_be_short, token_of
from hepafed.server.validation import Asked, read_survey
from starlette.requests import Request
from starlette.routing import Route

MOST_SITES = 1000


LONGEST_PATH = 4096
"""Characters of the path of a file of weights."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training that is to be started, or looked at."""

    plan: Plan

    def __post_init__(self) -> None:
        """Check what a plan leaves open."""
        must_be_short("plan.model.weights", self.plan.model.weights, LONGEST_PATH)


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """How a run goes on."""

    operating_point: OperatingPointPlan | None = None
    """In place of the plan's own; null: that of the plan."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """A question to sites what their cohorts look like."""

    sites: tuple[str, ...] = ()
    """Empty: every enrolled site."""

    def __post_init__(self) -> None:
        """Check every value."""
        _must_be_names(self.sites)


def _must_be_usable(asked: Asked) -> None:
    """Refuse a validation with a value out of bounds; PayloadError names it."""
    must_be_short("model", asked.model)
    named = all(0 < len(m) <= 200 for m in asked.against)
    if len(asked.against) >= MOST_MODELS or not named:
        raise PayloadError(f"against: expected at most {MOST_MODELS - 1} models")
    _must_be_names(asked.sites)
    if asked.split not in ("external", "test"):
        raise PayloadError("split is not usable", "split: external or test")
    if not 0 <= asked.wait <= LONGEST_WAIT:
        raise PayloadError("wait is not usable", "seconds, 7 days at most")
    must_be_short("evaluation", asked.evaluation, LARGEST_FILE)
    if not usable_names(asked.subgroups):
        raise PayloadError(f"subgroups: expected at most {MOST_VARIABLES} different names")


def _must_be_names(sites: tuple[str, ...]) -> None:
    if len(sites) > MOST_SITES:
        raise PayloadError(f"sites: expected at most {MOST_SITES} names")
    for site in sites:
        must_be_short("sites", site)


def run_routes(api: Api, coordinator: Coordinator) -> list[Route]:
    """Return the routes."""
    runs, requests = coordinator.stores.runs, coordinator.requests

    def run(request: Request) -> object:
        name, since = request.path_params["run"], request.query_params.get("since", "0")
        made = {**write_record(runs.get(name)), "held": runs.held.get(name, "")}
        return {**made, "events": runs.events(name, int(since) if since.isdecimal() else 0)}

    def report(request: Request) -> object:
        run = request.path_params["run"]
        text, signature = coordinator.stores.report(run)
        if request.query_params.get("signed"):
            return {"text": text, "signature": signature}
        return json.loads(text)

    def survey(request: Request) -> object:
        return read_survey(runs.folder(request.path_params["run"]))

    def stop(_body: Nothing, request: Request) -> object:
        return write_record(requests.stop(request.path_params["run"]))

    def resume(body: Resumption, request: Request) -> object:
        return write_record(requests.resume(request.path_params["run"], body.operating_point))

    def train(body: Training, _request: Request) -> object:
        return write_record(requests.train(body.plan))

    def check_plan(body: Training, _request: Request) -> object:
        return {"lines": [asdict(line) for line in requests.check(body.plan)]}

    def validate(body: Asked, request: Request) -> object:
        _must_be_usable(body)
        person = coordinator.members.person_of(token_of(request))
        return write_record(
            requests.validate(body, "" if person.role == "coordinator" else person.name)
        )

    def ask_cohort(body: Survey, _request: Request) -> object:
        return write_record(requests.survey(body.sites))

    return [
        api.post("train", "/api/train", Training, train),
        api.post("check-plan", "/api/train/check", Training, check_plan),
        api.post("validate", "/api/validate", Asked, validate),
        api.post("ask-cohort", "/api/cohort", Survey, ask_cohort),
        api.get("cohort", "/api/runs/{run}/cohort", survey),
        api.get("runs", "/api/runs", lambda _request: [write_record(r) for r in runs.all()]),
        api.get("run", "/api/runs/{run}", run),
        api.post("stop", "/api/runs/{run}/stop", Nothing, stop),
        api.post("resume", "/api/runs/{run}/resume", Resumption, resume),
        api.get("report", "/api/runs/{run}/report", report),
    ]
