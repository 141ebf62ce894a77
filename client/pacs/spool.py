"""The spool: fetched instances and the journal of finished series, in the site's home.

It holds patient data, as an export of the hospital would: readable by its owner alone, no
identity in a file's name, removed after a successful ingest.
"""

import json
import os
import shutil
import threading
from collections.abc import Callable, Collection, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from hepafed.client.pacs.connection import PacsSeries
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.files import write_whole
from hepafed.common.locks import lock_or_refuse
from pydicom.dataset import Dataset

CHECKED = (
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "AccessionNumber",
)
SAME_PLACE = 1.0
"""Millimetres within which all slices show one place, as in a series that watches a bolus."""
SAME_DIRECTION = 0.01
"""Direction cosine within which two slices are parallel."""
ENOUGH_DISK = 512 * 1024 * 1024
"""The bytes of disk that a fetch leaves free."""


class Spool:
    """The folder spool/: `images/SERIES/INSTANCE`, named by pseudonyms, and `journal`."""

    def __init__(self, home: Path, spare: int = ENOUGH_DISK) -> None:
        self._spare = spare
        self.folder = home / "spool"
        self.images = self.folder / "images"
        for folder in (home, self.folder, self.images):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._names = Pseudonyms(home)
        self._journal = os.open(self.folder / "journal", os.O_RDWR | os.O_CREAT, 0o600)
        taken = DataError("another fetch is under way", "wait until it has ended, or stop it")
        try:
            lock_or_refuse(self._journal, taken)
        except DataError:
            os.close(self._journal)
            raise
        self._lock = threading.Lock()
        self._finished = self._read_journal()
        for half_written in self.images.glob("*/.*"):
            half_written.unlink()

    def close(self) -> None:
        """Let another fetch use the spool."""
        os.close(self._journal)

    def remove(self) -> None:
        """Remove the spool with every file in it."""
        shutil.rmtree(self.folder)

    def is_finished(self, series: PacsSeries) -> bool:
        """Return whether a series was fetched whole and is still here."""
        name = self._series(series)
        if name not in self._finished:
            return False
        count, listed = self._finished[name]
        grown = series.instances is not None and series.instances > listed
        return not grown and count == len(list((self.images / name).glob("*")))

    def finish(self, series: PacsSeries, instances: Sequence[str], listed: int) -> None:
        """Write into the journal that every instance of a series is here.

        `listed` is how many the PACS listed, those of other kinds included.
        """
        name = self._series(series)
        entry = {"series": name, "instances": len(instances), "listed": listed}
        line = json.dumps(entry) + "\n"
        with self._lock:
            self._finished[name] = len(instances), listed
            os.write(self._journal, line.encode())
            os.fsync(self._journal)

    def missing(self, series: PacsSeries, instances: Sequence[str]) -> list[str]:
        """Return the instances that are not here yet."""
        return [uid for uid in instances if not self._path(series, uid).exists()]

    def covered(self, series: PacsSeries, instances: Sequence[str]) -> float | None:
        """Return how far the slices of a stack lie apart, the first from the last, mm.

        None where they are no stack: of several orientations, all at one place, or without a place.
        """
        tags = ["ImagePositionPatient", "ImageOrientationPatient"]
        try:
            headers = [
                pydicom.dcmread(self._path(series, uid), specific_tags=tags) for uid in instances
            ]
            where, turned = (
                np.array([[float(v) for v in h.get(tag) or ()] for h in headers]) for tag in tags
            )
            along = where @ np.cross(turned[0, :3], turned[0, 3:])
        except Exception:  # a hostile file can fail in any way inside the parser
            return None
        extent = float(np.ptp(along))
        is_stack = extent > SAME_PLACE and float(np.ptp(turned, axis=0).max()) < SAME_DIRECTION
        return extent if is_stack else None

    def take(self, series: PacsSeries, asked: Collection[str], data: bytes, largest: int) -> None:
        """Check one instance and write it, whole or not at all.

        Raises
        ------
        PayloadError
            It cannot be read, is too large, or is not one of those asked for.
        DataError
            The disk is full or cannot be written.
        """
        if len(data) > largest:
            raise PayloadError(f"an instance is larger than {largest // 2**20} MB")
        path = self._path(series, _identity(series, asked, data))
        try:
            if shutil.disk_usage(self.images).free < self._spare + len(data):
                raise DataError("the disk is nearly full", "free some space in the home folder")
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_whole(path, data, private=True)
        except OSError as e:
            raise DataError(f"cannot write the spool ({e.strerror})", "check the disk") from None

    def remove_files(self, wanted: Callable[[str], bool]) -> list[str]:
        """Remove every instance whose PatientID is `wanted`; return the PatientID of each."""
        removed = []
        for path in [p for p in self.images.glob("*/*") if p.is_file()]:
            header = pydicom.dcmread(
                path, stop_before_pixels=True, specific_tags=["PatientID"], force=True
            )
            patient = _text(header, "PatientID")
            if wanted(patient):
                path.unlink()
                removed.append(patient)
        return removed

    def _series(self, series: PacsSeries) -> str:
        return self._names.of("spool-series", series.uid)

    def _path(self, series: PacsSeries, uid: str) -> Path:
        return self.images / self._series(series) / self._names.of("spool-instance", uid)

    def _read_journal(self) -> dict[str, tuple[int, int]]:
        """Return the instances of each finished series, fetched and listed.

        A line that a crash tore is cut off.
        """
        finished: dict[str, tuple[int, int]] = {}
        whole = 0
        text = os.pread(self._journal, os.fstat(self._journal).st_size, 0)
        for line in text.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                entry = json.loads(line)
                count = int(entry["instances"])
                finished[str(entry["series"])] = count, int(entry.get("listed", count))
            except (ValueError, TypeError, KeyError):
                break
            whole += len(line)
        os.ftruncate(self._journal, whole)
        os.lseek(self._journal, 0, os.SEEK_END)
        return finished


def _identity(series: PacsSeries, asked: Collection[str], data: bytes) -> str:
    """Return the SOPInstanceUID of an instance, checked to be one of those asked for."""
    try:
        header = pydicom.dcmread(
            BytesIO(data), stop_before_pixels=True, specific_tags=list(CHECKED)
        )
        found = {keyword: _text(header, keyword) for keyword in CHECKED}
    except Exception as e:  # a hostile file can fail in any way inside the parser
        kind = type(e).__name__
        raise PayloadError(f"the PACS sent an instance that cannot be read ({kind})") from None
    if (
        found["StudyInstanceUID"] != series.study
        or found["SeriesInstanceUID"] != series.uid
        or found["SOPInstanceUID"] not in asked
    ):
        raise PayloadError("the PACS sent an instance that was not asked for")
    # An accession number may be missing from a file; another one than asked for is another's.
    if found[series.wanted.keyword] not in ("", series.wanted.value):
        raise PayloadError("the PACS sent an instance of another patient or accession number")
    return found["SOPInstanceUID"]


def _text(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword) or "").strip("\0 ")
