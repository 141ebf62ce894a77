"""The running coordinator: its queue of runs, and what may be asked of it."""

from hepafed.server.coordinator.coordinator import Coordinator

__all__ = [
    "Coordinator",
]
