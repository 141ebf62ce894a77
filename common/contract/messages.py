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
| `cohort` | coordinator → site | a question: what does the site's cohort look like |
| `described` | site → coordinator | counts of patients, field strength, spacing |
| `validated` | site → coordinator | figures and counts (`SiteSummary`), and what the form adds |
| `compare` | coordinator → site | frozen models to score on the lesions that all can score |
| `compared` | site → coordinator | paired figures of each two models, and what the form adds |
| `placements` | coordinator → site | curves of the pooled distribution, in cells |
| `placed` | site → coordinator | sums over patients for clustered intervals, or none: masked |
| `keys` | coordinator → site | the terms of a masked sum: of what, among whom |
| `keyed` | site → coordinator | a fresh public key under the terms, signed by the site |
| `sums` | coordinator → site | the signed keys of every participant |
| `masked` | site → coordinator | digest of the masked histogram counts |
| `open` | coordinator → site | that every masked vector has arrived |
| `opened` | site → coordinator | seed of the site's own mask: the sum, and only it, can be read |
| `refused` | site → coordinator | a reason from the site's policy, or an error's class |
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import TypeVar

from hepafed.common.contract.figures import (
    Figure,
    PairSummary,
    PlacementCurve,
    Spacing,
    SubgroupSummary,
    TaskSummary,
    TuningFigures,
)
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import PayloadError
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
class TrainReply:
    """One site's round."""

    run: str
    round: int
    update: str
    """SHA-256 of the uploaded bf16 update."""
    examples: int
    loss: float | None
    """Mean training loss; None in a rehearsal."""
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
    subgroups: tuple[str, ...] = ()
    """Variables by which figures are to be split; the site's policy says which of them are."""
    fallback: bool = False
    """The masked sum did not come about: release cells instead, if the site's policy allows."""


@dataclass(frozen=True, kw_only=True)
class SiteSummary:
    """All that a site releases in a validation beside a masked vector: never a score."""

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
    subgroups: tuple[SubgroupSummary, ...] = ()
    """By the variables that were asked for and that the site's policy shares."""
    form: str = "cells"
    """How the score counts are released: `masked` (by the exchange that follows), `cells` or
    `plain`."""
    vector: str = ""
    """Form `plain`: SHA-256 of the uploaded score counts."""


@dataclass(frozen=True, kw_only=True)
class ComparedModel:
    """A frozen model of a comparison."""

    model: str
    """Model id in the registry."""
    plan: Plan
    weights: str
    """SHA-256 of the bf16 blob."""
    threshold: float
    """Operating point on 1 − p_benign."""


@dataclass(frozen=True, kw_only=True)
class CompareRequest:
    """Score several models on a split, and compare them on the lesions that all of them scored."""

    run: str
    split: str
    """`external` or `test`."""
    models: tuple[ComparedModel, ...]
    """The validated model first."""


@dataclass(frozen=True, kw_only=True)
class SiteComparison:
    """All that a site releases of a comparison beside a masked vector: never a score."""

    run: str
    weights: tuple[str, ...]
    """SHA-256 of each model's blob, as asked."""
    patients: int
    """With a lesion that every model could score."""
    lesions: int
    """That every model could score."""
    minimum_count: int
    """The site's smallest cell."""
    pairs: tuple[PairSummary, ...]
    """By pair of models and task."""
    form: str
    """How the paired counts are released: `masked` (by the exchange that follows), `plain`, or not
    at all: `figures`."""
    vector: str = ""
    """Form `plain`: SHA-256 of the uploaded counts."""


@dataclass(frozen=True, kw_only=True)
class PlacementsRequest:
    """Second step: where the site's cases stand in the pooled distribution."""

    run: str
    curves: tuple[PlacementCurve | None, ...]
    """One a figure of `clusters.FIGURES`, of a comparison for each model in turn; None: a class is
    missing in the pooled cohort."""


@dataclass(frozen=True, kw_only=True)
class PlacementsReply:
    """Sums over patients of products of centred placements (`common/clusters.py`)."""

    run: str
    form: str
    """`plain`, or `masked`: the sums go into a masked sum and `products` is empty."""
    products: tuple[int, ...] = ()
    """The sums in fixed point, for the form `plain`."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What one attempt at a masked sum is of, and among whom; every key is signed under them."""

    exchange: str
    """Fresh random name of the attempt, 32 hex digits; never used twice."""
    run: str
    subject: str
    """`counts`: the score counts; `clusters`: the second step's sums; `pairs` and
    `pair-clusters`: the same of a comparison."""
    weights: str
    split: str
    attempt: int
    """1 and, after a site dropped out, one more each time."""
    participants: tuple[str, ...]
    """Names of the sites, in order."""
    length: int
    """How many 64-bit counts a vector holds."""
    readers: tuple[str, ...] = ()
    """Names of the readers whose calls the counts hold, in order."""
    against: tuple[str, ...] = ()
    """SHA-256 of the weights that `weights` are compared with, in order."""


@dataclass(frozen=True, kw_only=True)
class KeysRequest:
    """Make a fresh key for a masked sum."""

    run: str
    terms: Terms


@dataclass(frozen=True, kw_only=True)
class KeyOffer:
    """A site's fresh key; the signature covers the terms and every field here."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""
    site: str
    """The site's name."""
    patients: int
    key: str
    """X25519 public key, 64 hex digits."""
    identity: str
    """The site's enrolled public key, an OpenSSH line; the others hold it to the one they know."""
    signature: str
    """ECDSA P-384 with SHA-384, hex."""


@dataclass(frozen=True, kw_only=True)
class SumsRequest:
    """Check the keys of every participant, and upload the masked counts."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""
    offers: tuple[KeyOffer, ...]
    """One a participant, in order."""


@dataclass(frozen=True, kw_only=True)
class MaskedReply:
    """The masked counts are uploaded; without every participant they are random numbers."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""
    vector: str
    """SHA-256 of the uploaded masked counts."""


@dataclass(frozen=True, kw_only=True)
class OpenRequest:
    """Every masked vector has arrived: give the seed of your own mask."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""


@dataclass(frozen=True, kw_only=True)
class OpenReply:
    """The site's own mask; the masks between the sites stay, and cancel only in the sum."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""
    seed: str
    """64 hex digits."""


@dataclass(frozen=True, kw_only=True)
class CohortRequest:
    """Describe the cohort, if the site's policy allows it (`share_cohort_summary`)."""

    run: str


@dataclass(frozen=True, kw_only=True)
class CohortSummary:
    """What a site says of its cohort before any training: counts of patients, never of one.

    A count from 1 to `minimum_count` − 1 is None, and with it as many others of its table as are
    needed that no difference gives it away.
    """

    run: str
    minimum_count: int
    """The site's smallest count."""
    patients: int
    lesions: int
    by_class: dict[str, int | None]
    """Patients by the worst class of their lesions (`CLASS_KEYS`)."""
    by_split: dict[str, int | None]
    """Patients by split; at a validate site all are external whatever this says."""
    by_protocol: dict[str, int | None]
    """Patients with a lesion that has every sequence of the protocol."""
    by_field_strength: dict[str, int | None]
    """Patients by the scanner's field strength: `1.5 T`, `3 T`, `other` or `not stated`."""
    spacing: tuple[Spacing, ...] = field(default=())
    """Of sequences that at least `minimum_count` patients have."""


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
    "cohort": CohortRequest,
    "described": CohortSummary,
    "compare": CompareRequest,
    "compared": SiteComparison,
    "placements": PlacementsRequest,
    "placed": PlacementsReply,
    "keys": KeysRequest,
    "keyed": KeyOffer,
    "sums": SumsRequest,
    "masked": MaskedReply,
    "open": OpenRequest,
    "opened": OpenReply,
    "refused": Refusal,
}

T = TypeVar("T")


def pack(message: object) -> str:
    """Write a message as JSON text; its kind is that of its class in `KINDS`."""
    kind = next(k for k, c in KINDS.items() if c is type(message))
    body = {"kind": kind, "body": write_record(message)}
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _finite(number: str) -> float:
    """Read a number; ValueError for NaN, infinity, and what a float cannot hold (1e999)."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def unpack(text: str) -> object:
    """Read a message of any kind in `KINDS`.

    Raises
    ------
    PayloadError
        Too long, not JSON, of no known kind, or a field is missing, unknown or of a wrong type;
        a number that is not finite, or text that UTF-8 cannot hold (half a surrogate pair).
    """
    if len(text) > LARGEST_MESSAGE:
        raise PayloadError(f"a message of {len(text)} bytes is over {LARGEST_MESSAGE}")
    try:
        values = json.loads(text, parse_constant=_finite, parse_float=_finite)
        if _SURROGATE.search(text):
            json.dumps(values, ensure_ascii=False).encode()
        cls = KINDS[values["kind"]]
        body = values["body"]
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise PayloadError("a message is not one that HepaFed knows") from e
    return read_record(cls, body, PayloadError, str(values["kind"]))
