"""Fetching a site's examinations from its PACS: read only, throttled, resumable."""

from hepafed.client.pacs.config import PacsConfig
from hepafed.client.pacs.connection import quiet
from hepafed.client.pacs.ingest import ingest_pacs
from hepafed.client.pacs.spool import Spool

__all__ = [
    "PacsConfig",
    "Spool",
    "ingest_pacs",
    "quiet",
]
