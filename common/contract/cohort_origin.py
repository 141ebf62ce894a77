"""How a scored cohort came about: where its lesions come from, and what was left out and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SOURCES: Final = ("dicom", "lld-mmri", "key-images")
"""How lesions came into a cohort store: from DICOM volumes, from the volumes of an LLD-MMRI folder,
or as exported key images (one picture a lesion)."""

LEFT_OUT: Final = ("unreadable", "excluded", "no_sequence")
"""Why a labelled lesion of the cohort was not scored: no sequence of it could be read at the
ingest; the site excluded it; a sequence of the protocol is missing (where the plan fills missing
sequences: all of them are)."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Labelled lesions that were not scored, for one reason."""

    reason: str
    """`unreadable`, `excluded` or `no_sequence`."""
    patients: int | None
    """Patients none of whose lesions was scored; with several reasons a patient counts under the
    first. None: withheld."""
    lesions: int | None
    """Lesions. None: withheld."""


@dataclass(frozen=True, kw_only=True)
class CohortOrigin:
    """What a site states of how the cohort came about that it scored."""

    sources: tuple[str, ...]
    """Where the scored lesions come from: `dicom`, `lld-mmri`, `key-images`; empty: not known."""
    left_out: tuple[LeftOut, ...] | None = None
    """What was not scored, by reason; None where the site's policy does not share it."""


@dataclass(frozen=True, kw_only=True)
class CohortFacts:
    """What a site knows of how a cohort came about; it stays at the site."""

    sources: tuple[str, ...]
    """Of `SOURCES`, in their order; empty: not known."""
    left_out: Mapping[str, tuple[int, int]]
    """By reason of `LEFT_OUT`: patients and lesions that were not scored."""
