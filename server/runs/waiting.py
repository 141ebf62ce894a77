"""What waits for a person at a site, in words, and the command with which that person allows it."""

from hepafed.common.contract import plan_digest
from hepafed.common.contract.messages import (
    CompareRequest,
    TrainRequest,
    TuneRequest,
    ValidateRequest,
)


def allow_command(study: str) -> str:
    """Return what a person at a site types to allow a study; of no study what shows it."""
    return f"client allow --study {study}" if study else "client pending, then client allow"


def waits_for_person(site: str, study: str) -> str:
    """Return the reason of a site at which nobody has allowed the request yet, and the command."""
    return f"waits for a person at {site}, who types there: {allow_command(study)}"


def thing_of(question: object, digest: str) -> str:
    """Return which plan or model of a question a digest is of; "" where it is of none.

    The site names the digest; a wrong one names nothing.
    """
    if isinstance(question, (TrainRequest, TuneRequest)):
        return f"plan {question.plan.name}" if digest == plan_digest(question.plan) else ""
    if isinstance(question, (ValidateRequest, CompareRequest)):
        models = question.models if isinstance(question, CompareRequest) else (question,)
        return next((f"model {m.model}" for m in models if m.weights == digest), "")
    return ""
