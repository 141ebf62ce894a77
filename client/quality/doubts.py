"""Sequences that something speaks against: what decided is kept in the store with each volume."""

from collections.abc import Iterable, Iterator

from hepafed.client.cohort import Acquisition
from hepafed.client.quality.outliers import Finding

HINT = (
    "look at it in client cohort --html; name the series in sequences.toml and ingest again, or "
    "keep it out of training by least_certainty in site.toml"
)


def doubts(acquired: Iterable[Acquisition]) -> Iterator[Finding]:
    """Yield the sequences whose evidence contradicts itself, the least certain first."""
    found = [a for a in acquired if a.doubts]
    for a in sorted(found, key=lambda a: (a.certainty or 0.0, a.examination, a.sequence)):
        text = f"{a.sequence}: {a.doubts} (certainty {a.certainty or 0.0:.2f})"
        yield Finding("doubt", f"examination {a.examination}", text, HINT)
