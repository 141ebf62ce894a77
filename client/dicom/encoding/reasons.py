"""Why a file is not taken: of no use here (`set-aside`), or broken or unsafe (`refused`)."""

from dataclasses import dataclass

from hepafed.common.errors import DicomError


class SetAsideError(DicomError):
    """A readable file that is of no use here."""

    outcome = "set-aside"


class BrokenFileError(DicomError):
    """A file that is broken or unsafe."""

    outcome = "refused"


@dataclass(frozen=True)
class FileOutcome:
    """What became of one input file; `path` is relative to the folder the person named."""

    path: str
    outcome: str
    """`taken`, `set-aside` or `refused`."""
    reason: str = ""


def outcome_of(name: str, error: DicomError) -> FileOutcome:
    """Turn an error into a file's outcome; an error that says nothing else means refused."""
    return FileOutcome(name, getattr(error, "outcome", "refused"), error.message)
