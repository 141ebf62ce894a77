"""The ledger of what left and what came in, which neither side can rewrite without a trace."""

from hepafed.client.release.ledger.book import Ledger
from hepafed.client.release.ledger.page import write_page
from hepafed.client.release.ledger.proof import Proof
from hepafed.client.release.ledger.witnessed import WitnessedFile

__all__ = [
    "Ledger",
    "Proof",
    "WitnessedFile",
    "write_page",
]
