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

__all__ = [
    "KeptOutcome",
    "KnownSeries",
    "Progress",
    "Reading",
    "ScanIndex",
    "SeriesOutcome",
    "Source",
    "forget_patients",
    "known_series",
    "scan",
    "shown",
]
