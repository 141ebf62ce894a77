"""The cohort store: lesion crops as numbers, an index, pseudonyms, and nothing else.

`cohort/index.db` (SQLite, see `index`) holds one row a lesion, a patient and a sequence of an
examination; `cohort/crops/DIGEST.npy` holds the voxels of one lesion (see `crop_files`). No
header, UID, date or name is kept. What a radiologist has excluded (see `exclusions`) stays in both,
and no reader sees it but those that ask for it by name.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hepafed.client.cohort import index
from hepafed.client.cohort.counts import count
from hepafed.client.cohort.crops import is_whole, read_crop, sweep, write_crop
from hepafed.client.cohort.exclusions import Exclusion, Exclusions, without
from hepafed.client.cohort.index import Index
from hepafed.client.cohort.origin import facts_of
from hepafed.client.cohort.records import Acquisition, Crop, Lesion, Selection
from hepafed.client.cohort.selection import certain, select
from hepafed.client.cohort.splits import assign
from hepafed.client.cohort.unreadable import Unreadable
from hepafed.common.contract import PROTOCOLS, CohortFacts
from hepafed.common.errors import CohortError
from numpy.typing import NDArray


class Cohort:
    """A site's cohort store, opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._crops = folder / "crops"
        self._index = folder / "index.db"
        self._exclusions = Exclusions(folder.parent)
        self._unreadable = Unreadable(folder)

    @classmethod
    def open(cls, home: Path) -> "Cohort":
        """Open the store of a site's home; CohortError when there is none."""
        folder = home / "cohort"
        if not (folder / "index.db").exists():
            if any((folder / "crops").glob("*.npy")):
                raise CohortError(
                    "cohort/index.db is missing, though crops are stored",
                    "restore a copy of it, or run client ingest again: patients can then come into "
                    "other splits",
                )
            raise CohortError("this site has no cohort yet", "run client ingest first")
        return cls(folder)

    @classmethod
    def create(cls, home: Path) -> "Cohort":
        """Open the store of a site's home, made when there is none."""
        made = cls.prepare(home)
        if not made._index.exists():
            index.write(made._index, Index())
        return made

    @classmethod
    def prepare(cls, home: Path) -> "Cohort":
        """Make the folders alone, for crops that a later `commit` will name."""
        folder = home / "cohort"
        (folder / "crops").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        return cls(folder)

    def lesions(self) -> set[str]:
        """Return the pseudonyms of all lesions that are used."""
        return {r.lesion for r in self.rows()}

    def rows(self) -> list[Lesion]:
        """Return every lesion that is used, in the order of the pseudonyms."""
        return list(self._used().lesions)

    def acquisitions(self) -> list[Acquisition]:
        """Return every sequence of every examination, in the order of the pseudonyms."""
        return list(self._used().acquisitions)

    def splits(self) -> dict[str, str]:
        """Return the split of each patient, by pseudonym."""
        return self._used().splits

    def counts(self) -> dict[str, Any]:
        """Count patients and lesions, by class, split, protocol, sequence and manufacturer."""
        found = self._used()
        made = count(found.lesions, found.acquisitions, found.splits)
        return made | {"excluded": len(self.excluded())}

    def select(
        self, protocol: str, split: str, missing: str = "drop", least_certainty: float = 0.0
    ) -> Selection:
        """Return the lesions of a split that a protocol can use (see `selection.select`).

        A lesion is left out where a sequence of the protocol is less certain than
        `least_certainty`; a sequence that was not judged is certain.

        Raises
        ------
        CohortError
            A crop is missing or damaged.
        """
        found = self._used()
        return select(
            certain(found.lesions, found.acquisitions, PROTOCOLS[protocol], least_certainty),
            found.splits,
            self.voxels,
            protocol=protocol,
            split=split,
            missing=missing,
        )

    def facts(self, scored: Collection[str], split: str) -> CohortFacts:
        """Return where scored lesions of a split come from, and what was left out of it and why."""
        excluded = {e.lesion: e.patient for e in self._exclusions.all().values()}
        found = index.read(self._index)
        return facts_of(found, scored, excluded, self._unreadable.all(), split)

    def note_unreadable(self, patients: Mapping[str, str]) -> None:
        """Note the labelled lesions (lesion → patient) of an ingest that it could not store."""
        stored = index.read(self._index).lesions if self._index.exists() else ()
        self._unreadable.note(patients, {r.lesion for r in stored})

    def _used(self) -> Index:
        """Read the index without the excluded lesions: every reader's view of the cohort."""
        return without(index.read(self._index), self._exclusions.all())

    def patients_of(self) -> dict[str, str]:
        """Return the patient of every lesion that the site knows, also of the excluded ones."""
        known = {e.lesion: e.patient for e in self._exclusions.all().values()}
        return known | {r.lesion: r.patient for r in index.read(self._index).lesions}

    def excluded(self) -> list[tuple[Lesion, str]]:
        """Return the lesions of the store that are excluded, each with the reason."""
        out = self._exclusions.all()
        rows = index.read(self._index).lesions
        return [(r, out[r.lesion].reason) for r in rows if r.lesion in out]

    def exclude(self, reasons: Mapping[str, str]) -> int:
        """Exclude lesions that the site knows, each with a reason; return how many are new."""
        patient = self.patients_of()
        return self._exclusions.add(
            Exclusion(lesion=x, patient=patient[x], reason=reason) for x, reason in reasons.items()
        )

    def include(self, lesions: Collection[str]) -> int:
        """Use excluded lesions again; return how many there were."""
        return self._exclusions.drop(lesions)

    def voxels(self, row: Lesion) -> NDArray[np.float16]:
        """Read a lesion's crop [sequences, slices, 160, 160]; CohortError when it is damaged."""
        return read_crop(self._crops, row)

    def holds(self, digest: str) -> bool:
        """Return whether a crop is there and whole."""
        return is_whole(self._crops, digest)

    def damaged_crops(self) -> list[str]:
        """Return the files of stored lesions that are missing or damaged, below the home."""
        named = {r.crop for r in index.read(self._index).lesions}
        return [f"cohort/crops/{c}.npy" for c in sorted(named) if not self.holds(c)]

    def add(self, crops: Iterable[Crop]) -> int:
        """Put lesions in and return how many are new; the same content changes nothing.

        Crops are written first and the index at the end as a whole: a crash leaves the old store.
        """
        lesions = [self.write(crop) for crop in crops]
        return self.commit(lesions, (), ())

    def write(self, crop: Crop) -> Lesion:
        """Write a crop under its digest and return the row that `commit` takes.

        Until then no index names it, and `commit` of other lesions removes it.

        Raises
        ------
        CohortError
            The crop is not finite numbers of the store's size.
        """
        voxels = np.ascontiguousarray(crop.voxels, np.float16)
        digest = write_crop(self._crops, voxels)
        return Lesion(
            lesion=crop.lesion,
            patient=crop.patient,
            examination=crop.examination,
            label=crop.label,
            sequences=",".join(crop.sequences),
            slices=voxels.shape[1],
            crop=digest,
            facts=crop.facts,
        )

    def commit(
        self,
        lesions: Iterable[Lesion],
        acquisitions: Iterable[Acquisition],
        replaced: Iterable[str],
        normalisation: str = "",
    ) -> int:
        """Make written lesions part of the store; return how many are new or other than before.

        Whatever the store held of the examinations `replaced` goes; a patient's split stays for
        ever. Crops that no lesion names any more are swept. `normalisation` is recorded once.

        Raises
        ------
        CohortError
            The store's volumes were normalised otherwise.
        """
        found = index.read(self._index) if self._index.exists() else Index()
        about = _normalised(found.about, normalisation)
        gone = set(replaced)
        before = {r.lesion: r for r in found.lesions}
        kept = {k: r for k, r in before.items() if not r.examination or r.examination not in gone}
        after = kept | {r.lesion: r for r in lesions}
        acquired = {_key(a): a for a in found.acquisitions if a.examination not in gone}
        acquired |= {_key(a): a for a in acquisitions}
        worst: dict[str, int] = {}
        for r in after.values():
            worst[r.patient] = max(r.label, worst.get(r.patient, 0))
        splits = found.splits | assign(worst, found.splits)
        self._replace(Index(about, splits, tuple(acquired.values()), tuple(after.values())))
        return sum(before.get(k) != r for k, r in after.items())

    def remove(self, patients: Collection[str]) -> tuple[set[str], int]:
        """Take patients out in one step, their splits too, and then their crops and exclusions.

        Return the pseudonyms of those that were there, and the number of lesions they had.
        """
        found = index.read(self._index)
        there = {*found.splits, *(r.patient for r in found.lesions)}
        there |= {a.patient for a in found.acquisitions}
        left = tuple(r for r in found.lesions if r.patient not in patients)
        self._replace(
            replace(
                found,
                splits={p: s for p, s in found.splits.items() if p not in patients},
                acquisitions=tuple(a for a in found.acquisitions if a.patient not in patients),
                lesions=left,
            )
        )
        # last: a call that is cut off leaves no lesion that was excluded and now counts
        forgotten = self._exclusions.forget(patients) | self._unreadable.forget(patients)
        return forgotten | there.intersection(patients), len(found.lesions) - len(left)

    def _replace(self, new: Index) -> None:
        """Write the index whole, then remove what it names no more and what a crash left."""
        index.write(self._index, new)
        sweep(self._crops, {r.crop for r in new.lesions})
        for path in self._folder.glob(".index.db.*"):
            path.unlink(missing_ok=True)


def stamp_of(home: Path) -> str:
    """Return a digest of what a home's cohort is: another one once it has changed; "": no store."""
    path = home / "cohort" / "index.db"
    if not path.exists():
        return ""
    excluded = hashlib.sha256(Exclusions(home).content()).digest()
    return hashlib.sha256(excluded + path.read_bytes()).hexdigest()


def _key(acquisition: Acquisition) -> tuple[str, str]:
    return acquisition.examination, acquisition.sequence


def _normalised(about: dict[str, str], normalisation: str) -> dict[str, str]:
    """Record once how volumes were normalised; CohortError when it was otherwise before."""
    if not normalisation:
        return about
    if about.get("normalisation", normalisation) != normalisation:
        raise CohortError(
            "this cohort's volumes were normalised in another way",
            "move the cohort folder away and ingest again",
        )
    return about | {"normalisation": normalisation}
