"""What is odd in a cohort, and which counts of it may be shared."""

from hepafed.client.quality.contact_sheet import contact_sheet
from hepafed.client.quality.findings import Quality, quality
from hepafed.client.quality.summary import summarise_cohort

__all__ = [
    "Quality",
    "contact_sheet",
    "quality",
    "summarise_cohort",
]
