"""From bytes to the headers of slices."""

from hepafed.client.dicom.encoding.archives import Member, is_archive, members_of
from hepafed.client.dicom.encoding.elements import Raw, text_of
from hepafed.client.dicom.encoding.file_bytes import inflated, opened, whole
from hepafed.client.dicom.encoding.header import DEFLATED, Header
from hepafed.client.dicom.encoding.read import read_headers
from hepafed.client.dicom.encoding.reasons import (
    BrokenFileError,
    FileOutcome,
    SetAsideError,
    outcome_of,
)

__all__ = [
    "DEFLATED",
    "BrokenFileError",
    "FileOutcome",
    "Header",
    "Member",
    "Raw",
    "SetAsideError",
    "inflated",
    "is_archive",
    "members_of",
    "opened",
    "outcome_of",
    "read_headers",
    "text_of",
    "whole",
]
