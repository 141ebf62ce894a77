"""placeholder until the DICOM path is here."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class IngestReport:
    """What an ingest took, and what it left with the reason."""

    taken: int
    left: list[tuple[str, str]] = field(default_factory=list)
