"""The running coordinator: queue, attempts and supervision."""

from hepafed.server.coordinator.coordinator import Coordinator

__all__ = [
    "Coordinator",
]
