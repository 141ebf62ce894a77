"""The ledger of what left and what came in, which neither side can rewrite without a trace."""

from hepafed.client.release.ledger.book import Ledger
from hepafed.client.release.ledger.changes import PermissionChange, changes_in
from hepafed.client.release.ledger.lookup import SHORTEST
from hepafed.client.release.ledger.page import write_page
from hepafed.client.release.ledger.plain_words import said_of
from hepafed.client.release.ledger.proof import Proof
from hepafed.client.release.ledger.texts import Texts
from hepafed.client.release.ledger.witnessed import WitnessedFile

__all__ = [
    "SHORTEST",
    "Ledger",
    "PermissionChange",
    "Proof",
    "Texts",
    "WitnessedFile",
    "changes_in",
    "said_of",
    "write_page",
]
