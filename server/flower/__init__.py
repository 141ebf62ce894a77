"""Flower below its public API, on the server's side."""

from hepafed.server.flower.control import Control
from hepafed.server.flower.executor import LOST, ServerAppExecutor
from hepafed.server.flower.senders import sent_as
from hepafed.server.flower.superlink import SuperLink

__all__ = [
    "LOST",
    "Control",
    "ServerAppExecutor",
    "SuperLink",
    "sent_as",
]
