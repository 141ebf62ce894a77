"""Files of a folder that must be there, and be as they were written."""

from hepafed.common.kept_files.register import (
    HINT,
    REGISTER,
    KeptFiles,
    KeptJsonFile,
    fault_of,
    faults_in,
    is_noted,
    must_be_readable,
    note_gone,
    note_kept,
)

__all__ = [
    "HINT",
    "REGISTER",
    "KeptFiles",
    "KeptJsonFile",
    "fault_of",
    "faults_in",
    "is_noted",
    "must_be_readable",
    "note_gone",
    "note_kept",
]
