"""Who takes part in the federation: invites, tokens and roles."""

from hepafed.server.members.admission import HEADER, Admission
from hepafed.server.members.heads import LedgerHeads
from hepafed.server.members.presence import Presence
from hepafed.server.members.roster import Members, SiteEntry

__all__ = [
    "HEADER",
    "Admission",
    "LedgerHeads",
    "Members",
    "Presence",
    "SiteEntry",
]
