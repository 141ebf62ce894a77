"""Every file of a folder found, read once, and remembered."""

from hepafed.client.ingest.scan.index import ScanIndex
from hepafed.client.ingest.scan.known import KnownSeries, forget_patients, known_series
from hepafed.client.ingest.scan.records import (
    KeptOutcome,
    Reading,
    SeriesOutcome,
    Source,
    shown,
)
from hepafed.client.ingest.scan.scan import Progress, scan
from hepafed.client.ingest.scan.worker_pool import Farm, cores

__all__ = [
    "Farm",
    "KeptOutcome",
    "KnownSeries",
    "Progress",
    "Reading",
    "ScanIndex",
    "SeriesOutcome",
    "Source",
    "cores",
    "forget_patients",
    "known_series",
    "scan",
    "shown",
]
