"""What a report says of the promise that was recorded before it, and of earlier looks."""

from dataclasses import dataclass
from typing import Annotated

from hepafed.common.contract import Evaluation
from hepafed.common.records import ABSENT, Absent, optional
from hepafed.server.formats.values import Digest, Limits, Probability, Task, Unit, Verdict

AtLeastOne = Annotated[int, Limits({"minimum": 1})]
Timestamp = Annotated[str, Limits({"minLength": 19})]


@dataclass(frozen=True, kw_only=True)
class JudgedEndpoint:
    """An endpoint of the evaluation, with what was found and the verdict."""

    figure: str
    """Figure that the endpoint names, such as `auc`."""
    unit: Unit
    """Unit that is counted: `patient` or `lesion`."""
    task: Task
    """Question that the row answers."""
    primary: bool
    """Whether it decides the study's result."""
    at_least: Probability | None = None
    """The goal: the least value of the lower end of the interval."""
    against: str = ""
    """The comparator of a non-inferiority question; empty where there is none."""
    margin: Probability | None = None
    """The non-inferiority margin."""
    value: Probability | None
    """The pooled figure; null where there is none."""
    low: Probability | None
    """Lower end of the interval that was judged."""
    high: Probability | None
    """Upper end of the interval that was judged."""
    bound: Probability
    """How far the released bins can have moved the figure at most."""
    why: str
    """Why the verdict is what it is."""
    difference: float | Absent | None = optional(ABSENT)
    """Model − comparator, of a non-inferiority question whose comparison was released."""
    difference_low: float | Absent | None = optional(ABSENT)
    """Lower end of its 95 % interval."""
    difference_high: float | Absent | None = optional(ABSENT)
    """Upper end of its 95 % interval."""
    verdict: Verdict
    """Verdict on the endpoint."""


@dataclass(frozen=True, kw_only=True)
class JudgedEvaluation:
    """The evaluation that was recorded before any score existed, and what came of it."""

    sha256: Digest
    """SHA-256 of the bytes of the evaluation file."""
    registered: Timestamp
    """When the coordinator recorded it (ISO 8601, UTC)."""
    promised: Evaluation
    """The evaluation, every key of it (docs/evaluator-guide.md)."""
    absent: tuple[str, ...]
    """Promised sites that gave no figures."""
    endpoints: Annotated[tuple[JudgedEndpoint, ...], Limits({"minItems": 1})]
    """The endpoints, in the order of the file."""
    exploratory: str = optional("")
    """Why the verdicts are exploratory; absent where no look came before."""


@dataclass(frozen=True, kw_only=True)
class EarlierLook:
    """An earlier validation of the same model and split at some of the same sites."""

    run: str
    """Id of that run."""
    created: str
    """When it was asked for (ISO 8601, UTC)."""
    sites: tuple[str, ...]
    """Sites of this report that answered it."""
    evaluation: str
    """SHA-256 of its evaluation; empty where none was registered."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """How often patients of these sites were looked at with this model."""

    number: AtLeastOne
    """Number of this look, from 1."""
    earlier: tuple[EarlierLook, ...]
    """The looks before it, oldest first."""


def why_exploratory(sha256: str, look: Looks | None) -> str:
    """Return why verdicts on a plan with this digest are exploratory; "" for the first look.

    Whoever registers a plan after a look may have seen what it found. A plan that every earlier
    look had as well was not written after one, but its verdicts are repeats on the same sites.
    """
    if look is None or not look.earlier:
        return ""
    last = look.earlier[-1]
    when = f"look {len(look.earlier)} ({last.created[:10]})"
    if all(e.evaluation == sha256 for e in look.earlier):
        return f"a repeat, {when} had the same plan"
    return f"registered after {when}"
