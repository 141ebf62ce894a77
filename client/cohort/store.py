"""The cohort store: lesion crops as numbers, an index, pseudonyms, and nothing else.

`cohort/index.db` (SQLite, see `cohort_index`) holds one row a lesion, a patient and a sequence of
an examination; `cohort/crops/DIGEST.npy` holds float16 [sequences, slices, 160, 160] of one
lesion, named by its SHA-256. No header, UID, date or name is kept.
"""

import hashlib
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hepafed.client.cohort import index as cohort_index
from hepafed.client.cohort.splits import assign
from hepafed.common.contract import CLASSES, PROTOCOLS, SPLITS
from hepafed.common.errors import CohortError
from hepafed.common.files import write_whole
from numpy.typing import NDArray

SIDE = 160
"""Pixels of a crop's side."""
DAMAGED = "a crop is missing or damaged"


@dataclass(frozen=True)
class Crop:
    """One lesion, ready for the store."""

    lesion: str
    """Pseudonym."""
    patient: str
    """Pseudonym."""
    label: int
    """Index in `CLASSES`."""
    sequences: tuple[str, ...]
    voxels: NDArray[np.float16]
    """[sequences, slices, 160, 160], normalised by sequence."""
    examination: str = ""
    """Pseudonym; empty for pictures that come from no examination."""
    facts: str = ""
    """What was measured of the lesion at ingest (see `facts`)."""


@dataclass(frozen=True)
class Lesion:
    """One lesion as the index holds it."""

    lesion: str
    patient: str
    examination: str
    label: int
    sequences: str
    """Joined by commas, in the order of the crop's first axis."""
    slices: int
    crop: str
    """SHA-256 of the crop's file, which is its name."""
    facts: str = ""
    """As of `Crop`."""


@dataclass(frozen=True)
class Acquisition:
    """How one sequence of an examination was acquired and normalised: numbers and codes only."""

    examination: str
    """Pseudonym."""
    sequence: str
    patient: str
    """Pseudonym."""
    manufacturer: str
    """`siemens`, `ge`, `philips`, `canon`, `united-imaging` or `other`."""
    field_strength: float | None
    """Tesla."""
    b_value: float | None
    """s/mm², of a DWI volume."""
    b_values: str
    """Every b-value of this sequence that the examination has, joined by commas."""
    rule: str
    """Name of the rule that gave the series its sequence."""
    slices: int
    rows: int
    columns: int
    between_slices: float
    """mm."""
    between_rows: float
    between_columns: float
    low: float
    """Values below were clipped (see `crops.Scale`)."""
    high: float
    mean: float
    """Mean inside the body mask after clipping."""
    spread: float
    """Standard deviation inside the body mask after clipping."""
    pixels: str
    """Digest of the volume's voxels: equal for the same pixels under another patient's name."""


@dataclass(frozen=True)
class Selection:
    """The lesions of one split that a protocol can use."""

    images: NDArray[np.float16]
    """[slices of all lesions, channels, 160, 160]."""
    owner: NDArray[np.int64]
    """[slices]: index of the slice's lesion."""
    labels: NDArray[np.int64]
    """[lesions]: index in `CLASSES`."""
    lesions: list[str]
    patients: list[str]
    facts: list[str]
    """What was measured of each lesion (see `facts`)."""
    examinations: list[str]
    """Pseudonyms; empty for pictures that come from no examination."""


class Cohort:
    """A site's cohort store, opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = folder / "index.db"

    @classmethod
    def open(cls, home: Path) -> "Cohort":
        """Open the store of a site's home; CohortError when there is none."""
        folder = home / "cohort"
        if not (folder / "index.db").exists():
            raise CohortError("this site has no cohort yet", "run client ingest first")
        return cls(folder)

    @classmethod
    def create(cls, home: Path) -> "Cohort":
        """Open the store of a site's home, made when there is none."""
        made = cls.prepare(home)
        if not made._index.exists():
            cohort_index.write(made._index, cohort_index.empty())
        return made

    @classmethod
    def prepare(cls, home: Path) -> "Cohort":
        """Make the folders alone, for crops that a later `commit` will name."""
        folder = home / "cohort"
        (folder / "crops").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        return cls(folder)

    def lesions(self) -> set[str]:
        """Pseudonyms of all lesions in the store."""
        return {r.lesion for r in self.rows()}

    def rows(self) -> list[Lesion]:
        """Every lesion of the index, in the order of the pseudonyms."""
        return [Lesion(*r) for r in cohort_index.read(self._index)["lesion"]]

    def acquisitions(self) -> list[Acquisition]:
        """Every sequence of every examination, in the order of the pseudonyms."""
        return [Acquisition(*r) for r in cohort_index.read(self._index)["acquisition"]]

    def splits(self) -> dict[str, str]:
        """Split of each patient's pseudonym."""
        return dict(cohort_index.read(self._index)["patient"])

    def add(self, crops: Iterable[Crop]) -> int:
        """Put lesions in; those with the same content change nothing. Returns how many are new.

        Crops are written first and the index at the end as a whole: a crash leaves the old store.
        """
        lesions = [self.write(crop) for crop in crops]
        return self.commit(lesions, (), ())

    def write(self, crop: Crop) -> Lesion:
        """Write a crop under its digest and give the row that `commit` takes.

        Until then no index names it, and `commit` of other lesions removes it.

        Raises
        ------
        CohortError
            The crop is not finite numbers of the store's size.
        """
        voxels = np.ascontiguousarray(crop.voxels, np.float16)
        if voxels.ndim != 4 or voxels.shape[2:] != (SIDE, SIDE) or not np.isfinite(voxels).all():
            raise CohortError("a crop is not finite numbers of the store's size")
        out = io.BytesIO()
        np.lib.format.write_array(out, voxels, version=(1, 0), allow_pickle=False)
        digest = hashlib.sha256(out.getvalue()).hexdigest()
        if not self.holds(digest):
            write_whole(self._crop(digest), out.getvalue(), private=True)
        return Lesion(
            crop.lesion,
            crop.patient,
            crop.examination,
            crop.label,
            ",".join(crop.sequences),
            voxels.shape[1],
            digest,
            crop.facts,
        )

    def holds(self, digest: str) -> bool:
        """Say whether a crop is there and whole."""
        try:
            self._content(digest)
        except CohortError:
            return False
        return True

    def commit(
        self,
        lesions: Iterable[Lesion],
        acquisitions: Iterable[Acquisition],
        replaced: Iterable[str],
        normalisation: str = "",
    ) -> int:
        """Make written lesions part of the store; returns how many are new or other than before.

        Whatever the store held of the examinations `replaced` goes; a patient's split stays for
        ever. Crops that no lesion names any more are swept. `normalisation` is recorded once.

        Raises
        ------
        CohortError
            The store's volumes were normalised otherwise.
        """
        there = self._index.exists()
        tables = cohort_index.read(self._index) if there else cohort_index.empty()
        tables["about"] = _about(tables["about"], normalisation)
        gone = set(replaced)
        before = {r[0]: Lesion(*r) for r in tables["lesion"]}
        kept = {k: r for k, r in before.items() if not r.examination or r.examination not in gone}
        after = kept | {r.lesion: r for r in lesions}
        known = {(r[0], r[1]): r for r in tables["acquisition"] if r[0] not in gone}
        known |= {(a.examination, a.sequence): astuple(a) for a in acquisitions}
        worst: dict[str, int] = {}
        for r in after.values():
            worst[r.patient] = max(r.label, worst.get(r.patient, 0))
        splits: dict[str, str] = dict(tables["patient"])
        splits |= assign(worst, splits)
        tables["lesion"] = [astuple(r) for r in after.values()]
        tables["acquisition"] = list(known.values())
        tables["patient"] = list(splits.items())
        cohort_index.write(self._index, tables)
        self._sweep({r.crop for r in after.values()})
        return sum(before.get(k) != r for k, r in after.items())

    def remove(self, patients: Collection[str]) -> tuple[set[str], int]:
        """Take patients out in one step, their splits too, and then their crops.

        Gives the pseudonyms of those that were there, and how many lesions they had.
        """
        tables = cohort_index.read(self._index)
        lesions = [Lesion(*r) for r in tables["lesion"]]
        acquired = [Acquisition(*r) for r in tables["acquisition"]]
        there = {r[0] for r in tables["patient"]}
        there |= {r.patient for r in lesions} | {a.patient for a in acquired}
        left = [r for r in lesions if r.patient not in patients]
        tables["lesion"] = [astuple(r) for r in left]
        tables["acquisition"] = [astuple(a) for a in acquired if a.patient not in patients]
        tables["patient"] = [r for r in tables["patient"] if r[0] not in patients]
        cohort_index.write(self._index, tables)
        self._sweep({r.crop for r in left})
        return there.intersection(patients), len(lesions) - len(left)

    def _sweep(self, named: set[str]) -> None:
        """Remove crops that no lesion names and what an interrupted write left."""
        for path in (self._folder / "crops").iterdir():
            if path.suffix != ".npy" or path.stem not in named:
                path.unlink(missing_ok=True)
        for path in self._folder.glob(".index.db.*"):
            path.unlink(missing_ok=True)

    def select(self, protocol: str, split: str, missing: str = "drop") -> Selection:
        """Give the lesions of a split that a protocol can use.

        `external` is every patient (a validate site holds out all it has). `missing` says what
        becomes of a lesion without every sequence of the protocol: `drop` leaves it out, `zero`
        takes it where it has at least one of them, the others being zero (the mean of a
        normalised volume).

        Raises
        ------
        CohortError
            A crop is missing or damaged.
        """
        wanted = PROTOCOLS[protocol]
        tables = cohort_index.read(self._index)
        splits: dict[str, str] = dict(tables["patient"])
        fits = any if missing == "zero" else all
        rows = [
            r
            for r in (Lesion(*values) for values in tables["lesion"])
            if split in ("external", splits.get(r.patient))
            and fits(s in r.sequences.split(",") for s in wanted)
        ]
        total = sum(r.slices for r in rows)
        images = np.zeros((total, len(wanted), SIDE, SIDE), np.float16)
        owner = np.empty(total, np.int64)
        start = 0
        for index, r in enumerate(rows):
            there = r.sequences.split(",")
            voxels = self.voxels(r)
            for channel, sequence in enumerate(wanted):
                if sequence in there:
                    images[start : start + r.slices, channel] = voxels[there.index(sequence)]
            owner[start : start + r.slices] = index
            start += r.slices
        return Selection(
            images,
            owner,
            np.array([r.label for r in rows], np.int64),
            [r.lesion for r in rows],
            [r.patient for r in rows],
            [r.facts for r in rows],
            [r.examination for r in rows],
        )

    def voxels(self, row: Lesion) -> NDArray[np.float16]:
        """Read a lesion's crop [sequences, slices, 160, 160], checked; CohortError if damaged."""
        try:
            made = np.load(io.BytesIO(self._content(row.crop)), allow_pickle=False)
        except ValueError as e:
            raise CohortError(DAMAGED, "run client ingest again") from e
        if made.dtype != np.float16 or made.shape != (
            len(row.sequences.split(",")),
            row.slices,
            SIDE,
            SIDE,
        ):
            raise CohortError(DAMAGED, "run client ingest again")
        return np.asarray(made)

    def _crop(self, digest: str) -> Path:
        return self._folder / "crops" / f"{digest}.npy"

    def _content(self, digest: str) -> bytes:
        """Read a crop's file and hold it to its name."""
        try:
            content = self._crop(digest).read_bytes()
        except OSError as e:
            raise CohortError(DAMAGED, "run client ingest again") from e
        if hashlib.sha256(content).hexdigest() != digest:
            raise CohortError(DAMAGED, "run client ingest again")
        return content

    def counts(self) -> dict[str, Any]:
        """Count patients and lesions, by class, split, protocol, sequence and manufacturer."""
        tables = cohort_index.read(self._index)
        rows = [Lesion(*r) for r in tables["lesion"]]
        splits: dict[str, str] = dict(tables["patient"])
        has = [set(r.sequences.split(",")) for r in rows]
        acquired = [Acquisition(*r) for r in tables["acquisition"]]
        scanners = {(a.examination, a.manufacturer) for a in acquired}
        return {
            "patients": len({r.patient for r in rows}),
            "examinations": len({r.examination for r in rows if r.examination}),
            "lesions": len(rows),
            "class": {c: sum(r.label == i for r in rows) for i, c in enumerate(CLASSES)},
            "split": {
                s: sum(splits.get(r.patient) == s for r in rows) for s in SPLITS if s != "external"
            },
            "protocol": {p: sum(set(s) <= h for h in has) for p, s in PROTOCOLS.items()},
            "sequence": _tally(s for h in has for s in h),
            "scanner": _tally(m for _, m in scanners),
        }


def stamp_of(home: Path) -> str:
    """Digest the index of a site's home: another one once the store was changed; "": no store."""
    index = home / "cohort" / "index.db"
    return hashlib.sha256(index.read_bytes()).hexdigest() if index.exists() else ""


def _about(rows: Sequence[tuple[str, str]], normalisation: str) -> list[tuple[str, str]]:
    about = dict(rows)
    if normalisation and about.setdefault("normalisation", normalisation) != normalisation:
        raise CohortError(
            "this cohort's volumes were normalised in another way",
            "move the cohort folder away and ingest again",
        )
    return list(about.items())


def _tally(words: Iterable[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for word in words:
        counted[word] = counted.get(word, 0) + 1
    return dict(sorted(counted.items()))
