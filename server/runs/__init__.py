"""Runs on disk, what sites upload for them, and talking to the sites."""

from hepafed.server.runs.blobs import Blobs, Expected, Inbox
from hepafed.server.runs.desk import Desk
from hepafed.server.runs.sites import Exchange
from hepafed.server.runs.store import ENDED, Run, Runs

__all__ = [
    "ENDED",
    "Blobs",
    "Desk",
    "Exchange",
    "Expected",
    "Inbox",
    "Run",
    "Runs",
]
