"""The trust boundary: what may leave a site, what left, and what is remembered of it."""

from hepafed.client.release.answers import Releases
from hepafed.client.release.ledger import (
    SHORTEST,
    Ledger,
    PermissionChange,
    Proof,
    WitnessedFile,
    changes_in,
    said_of,
    write_page,
)
from hepafed.client.release.lesion_history import LesionHistory
from hepafed.client.release.noise import PrivacyBook, budgets
from hepafed.client.release.peers import Peers, own_fingerprint, read_own_identity, read_roster
from hepafed.client.release.policy import Request, permit
from hepafed.client.release.questions import QuestionHistory, asked_models, askers_of, name_of
from hepafed.client.release.sum_history import SumHistory
from hepafed.client.release.transfer import Transfer

__all__ = [
    "SHORTEST",
    "Ledger",
    "LesionHistory",
    "Peers",
    "PermissionChange",
    "PrivacyBook",
    "Proof",
    "QuestionHistory",
    "Releases",
    "Request",
    "SumHistory",
    "Transfer",
    "WitnessedFile",
    "asked_models",
    "askers_of",
    "budgets",
    "changes_in",
    "name_of",
    "own_fingerprint",
    "permit",
    "read_own_identity",
    "read_roster",
    "said_of",
    "write_page",
]
