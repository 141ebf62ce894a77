"""The trust boundary: what may leave a site, what left, and what is remembered of it."""

from hepafed.client.release.answers import Releases
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.past_lesions import Released
from hepafed.client.release.past_sums import Exchanges
from hepafed.client.release.peers import Peers, own_fingerprint, read_own_identity, read_roster
from hepafed.client.release.policy import Request, permit
from hepafed.client.release.transfer import Transfer

__all__ = [
    "Exchanges",
    "Ledger",
    "Peers",
    "Released",
    "Releases",
    "Request",
    "Transfer",
    "own_fingerprint",
    "permit",
    "read_own_identity",
    "read_roster",
]
