"""The messages between a site and the coordinator; `KINDS` lists all of them."""

from hepafed.common.contract.messages.cohort import CohortRequest, CohortSummary
from hepafed.common.contract.messages.comparison import (
    ComparedModel,
    CompareRequest,
    SiteComparison,
)
from hepafed.common.contract.messages.kinds import KINDS, Refusal, Stamp, Waits
from hepafed.common.contract.messages.ledger import (
    LONGEST_REASON,
    MOST_STEPS,
    HeadReceipt,
    LedgerGap,
    LedgerHead,
)
from hepafed.common.contract.messages.masked_sums import (
    KeyOffer,
    KeysRequest,
    MaskedReply,
    OpenReply,
    OpenRequest,
    SumsRequest,
    Terms,
)
from hepafed.common.contract.messages.stamp import open_sealed, seal
from hepafed.common.contract.messages.training import (
    CountedRound,
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
from hepafed.common.contract.messages.wire import LARGEST_MESSAGE, pack, unpack

__all__ = [
    "KINDS",
    "LARGEST_MESSAGE",
    "LONGEST_REASON",
    "MOST_STEPS",
    "CohortRequest",
    "CohortSummary",
    "CompareRequest",
    "ComparedModel",
    "CountedRound",
    "HeadReceipt",
    "KeyOffer",
    "KeysRequest",
    "LedgerGap",
    "LedgerHead",
    "MaskedReply",
    "OpenReply",
    "OpenRequest",
    "PlacementsReply",
    "PlacementsRequest",
    "Refusal",
    "SiteComparison",
    "SiteSummary",
    "Stamp",
    "SumsRequest",
    "Terms",
    "TrainReply",
    "TrainRequest",
    "TuneReply",
    "TuneRequest",
    "ValidateRequest",
    "Waits",
    "open_sealed",
    "pack",
    "seal",
    "unpack",
]
