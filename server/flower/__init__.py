"""Flower below its public API, on the server's side."""

from hepafed.server.flower.superlink import LOST, Executor, SuperLink

__all__ = [
    "LOST",
    "Executor",
    "SuperLink",
]
