"""What a request asks of a site, as permissions judge it and as a person reads it."""

import hashlib
import re
from dataclasses import dataclass

from hepafed.common.contract import Plan, plan_digest, study_of
from hepafed.common.contract.messages import (
    CompareRequest,
    Stamp,
    TrainRequest,
    TuneRequest,
    ValidateRequest,
)
from hepafed.common.errors import RefusedError

PLAN, MODEL = "plan", "model"
NAME = re.compile(r"[A-Za-z0-9-]{1,80}")
"""What a person reads as a name: it cannot look like another one, nor like the words beside it."""


@dataclass(frozen=True, kw_only=True)
class AskedThing:
    """What one request asks for."""

    kind: str
    """`plan` (of a training) or `model` (that is scored)."""
    digests: tuple[str, ...]
    """SHA-256 of the plan, or of the weights of each model."""
    study: str
    requester: str
    run: str
    step: str = ""
    """Names the round of a training, its plan and the weights it starts from, 16 hex digits; "" if
    none."""
    rounds: int = 0
    """Rounds of the plan, and the scoring of the last weights on the tuning split."""
    counted: tuple[str, ...] = ()
    """What each of `digests` counts as for `models`: SHA-256 of plan and weights together, because
    one and the same weights under another plan are another network. None for a plan."""
    words: tuple[str, ...] = ()
    """What it asks, in plain words: one fact a line, of the plan or of each model in turn."""


def asked_of(request: object, stamp: Stamp) -> AskedThing | None:
    """Return what a request asks for; None for one that continues an answer or tells of no model.

    Of a cohort's description site.toml decides (`share_cohort_summary`).

    Raises
    ------
    RefusedError
        The requester, the study or a model has a name that a person could misread.
    """
    if isinstance(request, (TrainRequest, TuneRequest)):
        _check_names(stamp.requester, stamp.study)
        plan = plan_digest(request.plan)
        step = f"{request.run} {type(request).__name__} {request.round} {request.weights} {plan}"
        return AskedThing(
            kind=PLAN,
            digests=(plan,),
            study=stamp.study,
            requester=stamp.requester,
            run=request.run,
            step=hashlib.sha256(step.encode()).hexdigest()[:16],
            rounds=request.plan.rounds.count + 1,
            words=(_of_plan(request.plan),),
        )
    if isinstance(request, (ValidateRequest, CompareRequest)):
        models = request.models if isinstance(request, CompareRequest) else (request,)
        _check_names(stamp.requester, stamp.study, *(m.model for m in models))
        return AskedThing(
            kind=MODEL,
            digests=tuple(m.weights for m in models),
            study=stamp.study,
            requester=stamp.requester,
            run=request.run,
            counted=tuple(_model_of(m.plan, m.weights) for m in models),
            words=tuple(
                f"score the {request.split} split with the model {m.model}, threshold "
                f"{m.threshold:.3f}, of a plan of the study {study_of(m.plan)} "
                f"({_network(m.plan)}); scores stay here, figures and counts leave as site.toml "
                "says (release)"
                for m in models
            ),
        )
    return None


def _check_names(*names: str) -> None:
    if not all(NAME.fullmatch(n) for n in names):
        raise RefusedError(
            "the name of the requester, the study or a model is not 1 to 80 letters a-z, "
            "digits or '-'"
        )


def _model_of(plan: Plan, weights: str) -> str:
    return hashlib.sha256(f"{plan_digest(plan)} {weights}".encode()).hexdigest()


def _of_plan(plan: Plan) -> str:
    t = plan.training
    steps = (
        "a rehearsal without a training step"
        if not t.epochs
        else f"{t.epochs} epoch(s) a round in batches of {t.batch or 'the whole split'}, "
        f"{t.optimiser}, rate {t.rate:g}"
    )
    return (
        f"train {plan.name} ({_network(plan)}), {plan.rounds.count} round(s), {steps}; an update "
        "of the weights and figures of the tuning split leave in each round"
    )


def _network(plan: Plan) -> str:
    return f"protocol {plan.protocol}, images of {plan.model.size} pixels"
