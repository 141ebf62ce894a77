"""The cohort store: lesion crops as numbers, an index, pseudonyms, and nothing else.

`cohort/index.db` (SQLite) holds one row a lesion and one a patient; `cohort/crops/DIGEST.npy`
holds float16 [sequences, slices, 160, 160] of one lesion, named by its SHA-256. No header, UID,
date or name is kept.
"""

import hashlib
import io
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hepafed.client.splits import assign
from hepafed.common.errors import CohortError
from hepafed.common.files import write_whole
from hepafed.common.vocabulary import CLASSES, PROTOCOLS, SPLITS
from numpy.typing import NDArray

SIDE = 160
"""Pixels of a crop's side."""
SCHEMA = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS patient (
    patient TEXT PRIMARY KEY, split TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lesion (
    lesion TEXT PRIMARY KEY, patient TEXT NOT NULL, label INTEGER NOT NULL,
    sequences TEXT NOT NULL, slices INTEGER NOT NULL, crop TEXT NOT NULL);
"""


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


@dataclass(frozen=True)
class Selection:
    """The lesions of one split that have every sequence of a protocol."""

    images: NDArray[np.float16]
    """[slices of all lesions, channels, 160, 160]."""
    owner: NDArray[np.int64]
    """[slices]: index of the slice's lesion."""
    labels: NDArray[np.int64]
    """[lesions]: index in `CLASSES`."""
    lesions: list[str]
    patients: list[str]


def _connect(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "index.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


class Cohort:
    """A site's cohort store, opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
        folder = home / "cohort"
        (folder / "crops").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        with closing(_connect(folder)) as db:
            db.executescript(_TABLES)
            db.execute("INSERT OR IGNORE INTO about VALUES ('schema', ?)", (str(SCHEMA),))
        return cls(folder)

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with closing(_connect(self._folder)) as db:
                return db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as e:
            raise CohortError(
                "the cohort's index is damaged", "move the cohort folder away and ingest again"
            ) from e

    def lesions(self) -> set[str]:
        """Pseudonyms of all lesions in the store."""
        return {r[0] for r in self._rows("SELECT lesion FROM lesion")}

    def add(self, crops: Iterable[Crop]) -> int:
        """Put lesions in; those with the same content change nothing. Returns how many are new.

        Crops are written first and the index in one transaction: a crash leaves the old store.
        """
        before = {r[0]: r[1] for r in self._rows("SELECT lesion, crop FROM lesion")}
        rows, new = [], 0
        for crop in crops:
            digest = self._write(crop)
            new += before.get(crop.lesion) != digest
            rows.append(
                (crop.lesion, crop.patient, crop.label, ",".join(crop.sequences),
                 crop.voxels.shape[1], digest)
            )  # fmt: skip
        with closing(_connect(self._folder)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT OR REPLACE INTO lesion VALUES (?,?,?,?,?,?)", sorted(rows))
            known = dict(db.execute("SELECT patient, split FROM patient").fetchall())
            worst = dict(
                db.execute("SELECT patient, MAX(label) FROM lesion GROUP BY patient").fetchall()
            )
            made = sorted(assign(worst, known).items())
            db.executemany("INSERT INTO patient VALUES (?,?)", made)
            db.execute("COMMIT")
        return new

    def _write(self, crop: Crop) -> str:
        """Write a crop under its digest; returns the digest."""
        voxels = np.ascontiguousarray(crop.voxels, np.float16)
        if voxels.ndim != 4 or voxels.shape[2:] != (SIDE, SIDE) or not np.isfinite(voxels).all():
            raise CohortError("a crop is not finite numbers of the store's size")
        out = io.BytesIO()
        np.lib.format.write_array(out, voxels, version=(1, 0), allow_pickle=False)
        digest = hashlib.sha256(out.getvalue()).hexdigest()
        path = self._folder / "crops" / f"{digest}.npy"
        if not path.exists():
            write_whole(path, out.getvalue(), private=True)
        return digest

    def select(self, protocol: str, split: str) -> Selection:
        """Give the lesions of a split that have every sequence of a protocol.

        `external` is every patient (a validate site holds out all it has).

        Raises
        ------
        CohortError
            A crop is missing or damaged.
        """
        wanted = PROTOCOLS[protocol]
        query = (
            "SELECT lesion, patient, label, sequences, slices, crop FROM lesion "
            "JOIN patient USING (patient) WHERE ? = 'external' OR split = ? ORDER BY lesion"
        )
        rows = [
            r for r in self._rows(query, split, split) if set(wanted) <= set(r[3].split(","))
        ]  # fmt: skip
        total = sum(r[4] for r in rows)
        images = np.empty((total, len(wanted), SIDE, SIDE), np.float16)
        owner = np.empty(total, np.int64)
        start = 0
        for index, (_, _, _, sequences, slices, digest) in enumerate(rows):
            channels = [sequences.split(",").index(s) for s in wanted]
            crop = self._read(digest)
            images[start : start + slices] = crop[channels].swapaxes(0, 1)
            owner[start : start + slices] = index
            start += slices
        return Selection(
            images, owner, np.array([r[2] for r in rows], np.int64),
            [r[0] for r in rows], [r[1] for r in rows],
        )  # fmt: skip

    def _read(self, digest: str) -> NDArray[np.float16]:
        try:
            return np.asarray(
                np.load(self._folder / "crops" / f"{digest}.npy", mmap_mode="r", allow_pickle=False)
            )
        except (OSError, ValueError) as e:
            raise CohortError("a crop is missing or damaged", "run client ingest again") from e

    def counts(self) -> dict[str, Any]:
        """Count patients and lesions, by class, split and protocol."""
        rows = self._rows(
            "SELECT label, split, sequences, patient FROM lesion JOIN patient USING (patient)"
        )
        fits = {p: sum(set(s) <= set(r[2].split(",")) for r in rows) for p, s in PROTOCOLS.items()}
        return {
            "patients": len({r[3] for r in rows}),
            "lesions": len(rows),
            "class": {c: sum(r[0] == i for r in rows) for i, c in enumerate(CLASSES)},
            "split": {s: sum(r[1] == s for r in rows) for s in SPLITS if s != "external"},
            "protocol": fits,
        }
