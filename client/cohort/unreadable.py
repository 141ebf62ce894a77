"""The labelled lesions that an ingest could not store: `unreadable.json` in the store's folder.

No sequence of them (no picture) could be read. They are pseudonyms only; the report of a validation
counts them, so that nobody takes the stored lesions for all that were labelled.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.kept_files import KeptJsonFile, is_noted

FILE_NAME = "unreadable.json"


@dataclass(frozen=True, kw_only=True)
class _UnreadableFile:
    """Every labelled lesion of which nothing could be read, with its patient, by pseudonym."""

    patients: dict[str, str]


class Unreadable:
    """The file unreadable.json of a cohort store."""

    def __init__(self, folder: Path) -> None:
        hint = "move it away and ingest again: the ingest writes it anew"
        self._file = KeptJsonFile(
            path=folder / FILE_NAME, record=_UnreadableFile, hint=hint, name=f"cohort/{FILE_NAME}"
        )

    def all(self) -> dict[str, str]:
        """Return the patient of each lesion, by pseudonym; ConfigError for a damaged file."""
        return self._file.read(missing=_UnreadableFile(patients={})).patients

    def note(self, patients: Mapping[str, str], stored: Collection[str]) -> None:
        """Keep of an ingest's labelled lesions (lesion → patient) those that are not stored.

        What was kept of the same patients before goes: their labels are those of this ingest.
        """
        before = self.all() if self._file.path.exists() else {}
        named = {*patients.values()}
        others = {k: p for k, p in before.items() if p not in named}
        self._write(before, {k: p for k, p in {**others, **patients}.items() if k not in stored})

    def forget(self, patients: Collection[str]) -> set[str]:
        """Take patients out, and return those that were there."""
        before = self.all()
        self._write(before, {k: p for k, p in before.items() if p not in patients})
        return {*before.values()}.intersection(patients)

    def _write(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        if before != after or (is_noted(self._file.path) and not self._file.path.exists()):
            self._file.write(_UnreadableFile(patients=dict(sorted(after.items()))))
