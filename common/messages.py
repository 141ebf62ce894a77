"""The list of all that crosses the wire between a site and the coordinator.

A payload that is not here does not exist. Every message is JSON of one of these records,
carried by Flower (kind and body in one ConfigRecord); weights and updates go beside Flower as
blobs named by their SHA-256. Sites answer requests; a request can ask only for these replies.

| kind | from → to | holds |
|---|---|---|
| `train` | coordinator → site | the plan, round, digest of the weights to start from |
| `trained` | site → coordinator | digest of the update, examples, loss, seconds, tuning figures |
| `tune` | coordinator → site | digest of weights to score on the tuning split |
| `tuned` | site → coordinator | tuning figures |
| `validate` | coordinator → site | model card's digest, protocol, operating point, split |
| `validated` | site → coordinator | figures, counts and histogram cells (`SiteSummary`) |
| `refused` | site → coordinator | a reason from the site's policy, or an error's class |
"""

import json
from dataclasses import dataclass, field
from typing import TypeVar

from hepafed.common.errors import PayloadError
from hepafed.common.plan import Plan
from hepafed.common.records import read_record, write_record

LARGEST_MESSAGE = 32 * 2**20
"""Bytes; a longer message is refused before it is parsed."""


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """Train one round from the given weights."""

    run: str
    round: int
    plan: Plan
    weights: str
    """SHA-256 of the bf16 blob of the global weights."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Counts of scores in ordered intervals of bins (DESIGN §6).

    `edges` has one entry more than the counts: cell i holds the bins edges[i] ≤ bin <
    edges[i + 1] of `scores.bin_logits`.
    """

    edges: tuple[int, ...]
    positives: tuple[int, ...]
    negatives: tuple[int, ...]
    first_rest: tuple[int, ...] = ()
    """Lesion tasks: how many of the negatives are of the first of the two other classes."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with its interval; `value` is None where it cannot be computed (`reason`)."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    se: float | None = None


@dataclass(frozen=True, kw_only=True)
class TaskSummary:
    """What a site releases of one binary task."""

    unit: str
    task: str
    positives: int
    negatives: int
    auc: Figure
    """Exact, from the site's own scores; DeLong interval."""
    true_positives: int | None
    """At the operating point (score ≥ threshold); None: suppressed."""
    true_negatives: int | None
    cells: Cells | None
    """None: suppressed, or too few for two cells."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """Exact, from the site's own scores: `clustered` (interval of the AUC), `slope`, `intercept`,
    `in_the_large`, `partial_auc_0.90`, `sensitivity_at_0.90`, `specificity_at_0.90`, …"""


@dataclass(frozen=True, kw_only=True)
class TuningFigures:
    """How the incoming weights do on the site's tuning split."""

    lesions: int
    macro_auc: float | None
    """Mean one-vs-rest AUC over the classes that are both present and absent."""
    tasks: tuple[TaskSummary, ...] = ()
    """Cells of the patient task, from which the operating point is chosen."""


@dataclass(frozen=True, kw_only=True)
class TrainReply:
    """One site's round."""

    run: str
    round: int
    update: str
    """SHA-256 of the uploaded bf16 update."""
    examples: int
    loss: float
    seconds: float
    tuning: TuningFigures
    """Of the weights that came in, before training."""


@dataclass(frozen=True, kw_only=True)
class TuneRequest:
    """Score weights on the tuning split, train nothing."""

    run: str
    round: int
    plan: Plan
    weights: str


@dataclass(frozen=True, kw_only=True)
class TuneReply:
    """Answer to a `TuneRequest`."""

    run: str
    round: int
    tuning: TuningFigures


@dataclass(frozen=True, kw_only=True)
class ValidateRequest:
    """Score a frozen model on a split."""

    run: str
    model: str
    """Model id in the registry."""
    plan: Plan
    weights: str
    """SHA-256 of the bf16 blob."""
    threshold: float
    """Operating point on 1 − p_benign."""
    split: str
    """`external` or `test`."""


@dataclass(frozen=True, kw_only=True)
class SiteSummary:
    """All that a site releases in a validation: never a score."""

    run: str
    model: str
    weights: str
    patients: int
    lesions: int
    by_class: dict[str, int]
    """Lesions by class (`CLASS_KEYS`)."""
    minimum_count: int
    """The site's smallest cell."""
    tasks: tuple[TaskSummary, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    """3×3 lesion counts, truth by row, argmax class by column; None: suppressed."""
    suppressed: tuple[str, ...] = field(default=())
    """Names of what was withheld."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """Exact, of all classes: `macro` and `hand_till` AUC."""
    sections: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Small sections of `common/additive.py` (`summaries.RELEASED`): counts and sums."""
    readers: tuple[str, ...] = ()
    """Readers of the sections `reader_calls` and `reader_pairs`."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A site says no, or could not; `reason` holds nothing identifying."""

    run: str
    reason: str


KINDS: dict[str, type] = {
    "train": TrainRequest,
    "trained": TrainReply,
    "tune": TuneRequest,
    "tuned": TuneReply,
    "validate": ValidateRequest,
    "validated": SiteSummary,
    "refused": Refusal,
}

T = TypeVar("T")


def pack(message: object) -> str:
    """Write a message as JSON text; its kind is that of its class in `KINDS`."""
    kind = next(k for k, c in KINDS.items() if c is type(message))
    body = {"kind": kind, "body": write_record(message)}
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def _not_a_number(word: str) -> float:
    raise ValueError(word)


def unpack(text: str) -> object:
    """Read a message of any kind in `KINDS`.

    Raises
    ------
    PayloadError
        Too long, not JSON, of no known kind, or a field is missing, unknown or of a wrong type.
    """
    if len(text) > LARGEST_MESSAGE:
        raise PayloadError(f"a message of {len(text)} bytes is over {LARGEST_MESSAGE}")
    try:
        values = json.loads(text, parse_constant=_not_a_number)
        cls = KINDS[values["kind"]]
        body = values["body"]
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise PayloadError("a message is not one that HepaFed knows") from e
    return read_record(cls, body, PayloadError, str(values["kind"]))
