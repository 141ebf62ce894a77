"""What conducting a run needs at hand."""

from dataclasses import dataclass

from hepafed.server.models import Registry
from hepafed.server.runs.blobs import Blobs, Inbox
from hepafed.server.runs.store import Runs


@dataclass(frozen=True)
class Desk:
    """What the coordinator has at hand while conducting runs."""

    runs: Runs
    blobs: Blobs
    inbox: Inbox
    registry: Registry
