"""What the coordinator keeps on disk, whichever run is under way."""

from pathlib import Path

from hepafed.server.models import Registry
from hepafed.server.runs.blobs import Blobs
from hepafed.server.runs.inbox import Inbox
from hepafed.server.runs.store import Runs


class Stores:
    """The runs, the published weights, the inbox and the models under the coordinator's home."""

    def __init__(self, home: Path) -> None:
        self.runs = Runs(home)
        self.blobs = Blobs(home)
        self.inbox = Inbox(home)
        self.registry = Registry(home)
