"""The lesions that a radiologist has excluded: `excluded.json` beside the store, and its effect.

It stands outside the store's folder and is never written by an ingest, so that it holds over every
later one, also where the store is moved away and made anew.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hepafed.client.cohort.index import Index
from hepafed.common.kept_files import KeptJsonFile

FILE_NAME = "excluded.json"


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """One lesion that is not used."""

    lesion: str
    """Pseudonym."""
    patient: str
    """Pseudonym."""
    reason: str
    """The radiologist's word for it; may be empty."""


@dataclass(frozen=True, kw_only=True)
class _ExclusionsFile:
    """Every lesion that is excluded at this site."""

    excluded: tuple[Exclusion, ...]


class Exclusions:
    """The file excluded.json of a site."""

    def __init__(self, home: Path) -> None:
        hint = (
            "put a copy from a backup in its place. To use every lesion, write "
            '{"excluded": []} into it'
        )
        self._file = KeptJsonFile(path=home / FILE_NAME, record=_ExclusionsFile, hint=hint)

    def all(self) -> dict[str, Exclusion]:
        """Return the exclusions by lesion; ConfigError for a damaged file."""
        return {e.lesion: e for e in self._file.read(missing=_ExclusionsFile(excluded=())).excluded}

    def add(self, new: Iterable[Exclusion]) -> int:
        """Exclude lesions, and return how many were not before; a reason replaces an older one."""
        before = self.all()
        after = dict(before)
        for e in new:
            known = after.get(e.lesion)
            after[e.lesion] = replace(e, reason=e.reason or (known.reason if known else ""))
        self._write(before, after)
        return len(after) - len(before)

    def drop(self, lesions: Collection[str]) -> int:
        """Include lesions again, and return how many were excluded."""
        before = self.all()
        after = {k: e for k, e in before.items() if k not in lesions}
        self._write(before, after)
        return len(before) - len(after)

    def forget(self, patients: Collection[str]) -> set[str]:
        """Take patients out, and return those that were there."""
        before = self.all()
        self._write(before, {k: e for k, e in before.items() if e.patient not in patients})
        return {e.patient for e in before.values()}.intersection(patients)

    def content(self) -> bytes:
        """Return the file's bytes, of which a change is a change of the cohort; b"": no file."""
        return self._file.path.read_bytes() if self._file.path.exists() else b""

    def _write(self, before: Mapping[str, Exclusion], after: Mapping[str, Exclusion]) -> None:
        if before != after:
            self._file.write(_ExclusionsFile(excluded=tuple(e for _, e in sorted(after.items()))))


def without(found: Index, excluded: Collection[str]) -> Index:
    """Return an index without some lesions.

    With its last lesion an examination loses its acquisitions and a patient the split, so that
    neither is counted anywhere.
    """
    kept = tuple(r for r in found.lesions if r.lesion not in excluded)
    gone = [r for r in found.lesions if r.lesion in excluded]
    examinations = {r.examination for r in gone} - {r.examination for r in kept}
    patients = {r.patient for r in gone} - {r.patient for r in kept}
    return replace(
        found,
        lesions=kept,
        acquisitions=tuple(a for a in found.acquisitions if a.examination not in examinations),
        splits={p: s for p, s in found.splits.items() if p not in patients},
    )
