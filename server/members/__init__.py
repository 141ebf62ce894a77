"""Who takes part: invites, tokens, roles."""

from hepafed.server.members.admission import HEADER, Admission
from hepafed.server.members.roster import Members, SiteEntry

__all__ = [
    "HEADER",
    "Admission",
    "Members",
    "SiteEntry",
]
