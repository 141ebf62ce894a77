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
| `validated` | site → coordinator | figures and counts (`SiteSummary`), and what the form adds |
| `cohort` | coordinator → site | a question: what does the site's cohort look like |
| `described` | site → coordinator | counts of patients, field strength, spacing |
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
| `waits` | site → coordinator | that a person at the site has not allowed the request yet |
| `stamp` | coordinator → site | beside every request: for whom, of whom, for what, until when |
| `head` | site → coordinator | with each answer: the signed end of the site's ledger |
| `countersigned` | coordinator → site | with each question: the last head, countersigned |
"""

from dataclasses import dataclass

from hepafed.common.contract.messages.cohort import CohortRequest, CohortSummary
from hepafed.common.contract.messages.comparison import CompareRequest, SiteComparison
from hepafed.common.contract.messages.ledger import HeadReceipt, LedgerHead
from hepafed.common.contract.messages.masked_sums import (
    KeyOffer,
    KeysRequest,
    MaskedReply,
    OpenReply,
    OpenRequest,
    SumsRequest,
)
from hepafed.common.contract.messages.training import (
    TrainReply,
    TrainRequest,
    TuneReply,
    TuneRequest,
)
from hepafed.common.contract.messages.validation import (
    PlacementsReply,
    PlacementsRequest,
    SiteSummary,
    ValidateRequest,
)
from hepafed.common.records import optional


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The site refuses, or could not answer; `reason` holds nothing identifying."""

    run: str
    reason: str
    """Why there is no answer; nothing identifying."""
    hint: str = optional("")
    """What this site's release says to do about it, in words of the program; "" for nothing."""


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Nobody at the site has allowed the plan or the model yet; nothing was done."""

    run: str
    digest: str
    """Digest of what waits: what `client pending` shows and `client allow` takes."""


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What the coordinator signs with every request; a site answers no request without it."""

    id: str
    """Fresh random name, 32 hex digits; a site answers each once."""
    site: str
    """The site that the request is for."""
    requester: str
    """Who asked for the run: the name in their access file."""
    study: str
    """The study, as plan or evaluation state it."""
    issued: str
    """UTC, ISO 8601."""
    expires: str
    """UTC, ISO 8601; 8 days after `issued` at most."""
    request: str
    """SHA-256 of the request's text."""


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
    "waits": Waits,
    "stamp": Stamp,
    "head": LedgerHead,
    "countersigned": HeadReceipt,
}
"""The record of each kind of message."""
