"""What a person at the site has allowed: no plan and no model is answered without it."""

from hepafed.client.permissions.asked import AskedThing, asked_of
from hepafed.client.permissions.book import PermissionBook
from hepafed.client.permissions.consent import Consent, NotAllowedError
from hepafed.client.permissions.ledger import CitingLedger
from hepafed.client.permissions.permission import EVERY_STUDY, Permission, Waiting
from hepafed.client.permissions.stamps import AnsweredStamps
from hepafed.client.permissions.waits import OpenWait, WaitBook

__all__ = [
    "EVERY_STUDY",
    "AnsweredStamps",
    "AskedThing",
    "CitingLedger",
    "Consent",
    "NotAllowedError",
    "OpenWait",
    "Permission",
    "PermissionBook",
    "WaitBook",
    "Waiting",
    "asked_of",
]
