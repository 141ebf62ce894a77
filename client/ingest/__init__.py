"""From exports to the cohort store."""

from hepafed.client.ingest.from_dicom import IngestReport, ingest_dicom, only_one
from hepafed.client.ingest.from_images import ingest_images
from hepafed.client.ingest.from_lld_mmri import ingest_lld_mmri
from hepafed.client.ingest.inspect import inspect

__all__ = [
    "IngestReport",
    "ingest_dicom",
    "ingest_images",
    "ingest_lld_mmri",
    "inspect",
    "only_one",
]
