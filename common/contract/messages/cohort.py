"""The messages that ask what a site's cohort looks like and answer in counts."""

from dataclasses import dataclass, field

from hepafed.common.contract import Spacing


@dataclass(frozen=True, kw_only=True)
class CohortRequest:
    """Describe the cohort, if the site's policy allows it (`share_cohort_summary`)."""

    run: str


@dataclass(frozen=True, kw_only=True)
class CohortSummary:
    """What a site releases of its cohort before any training: counts, nothing of one patient.

    A count from 1 to `minimum_count` − 1 is None, and with it as many others of its table as are
    needed that no difference gives it away.
    """

    run: str
    minimum_count: int
    """The site's smallest count."""
    patients: int
    lesions: int
    by_class: dict[str, int | None]
    """Patients by the worst class of their lesions (`CLASS_KEYS`)."""
    by_split: dict[str, int | None]
    """Patients by split; at a validate site every patient is external, whatever this says."""
    by_protocol: dict[str, int | None]
    """Patients with a lesion that has every sequence of the protocol."""
    by_field_strength: dict[str, int | None]
    """Patients by the scanner's field strength: `1.5 T`, `3 T`, `other` or `not stated`."""
    spacing: tuple[Spacing, ...] = field(default=())
    """Spacing of each sequence that at least `minimum_count` patients have."""
