"""Every file of a folder found, read once, and remembered."""

from hepafed.client.scan.index import ScanIndex
from hepafed.client.scan.known import KnownSeries, forget_patients, known_series
from hepafed.client.scan.records import (
    KeptOutcome,
    Reading,
    SeriesOutcome,
    Source,
    shown,
)
from hepafed.client.scan.scan import Progress, scan
from hepafed.client.scan.worker_pool import WorkerPool, cores

__all__ = [
    "KeptOutcome",
    "KnownSeries",
    "Progress",
    "Reading",
    "ScanIndex",
    "SeriesOutcome",
    "Source",
    "WorkerPool",
    "cores",
    "forget_patients",
    "known_series",
    "scan",
    "shown",
]
