"""Which examination each row of the labels belongs to, and what that examination is made from."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from hepafed.client.cohort import NORMALISATION, Cohort
from hepafed.client.dicom.roles import FILE_NAME, read_overrides
from hepafed.client.ingest.examination import ExaminationTask, Made
from hepafed.client.lesions import Label
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import ScanIndex

RECIPE = f"4; {NORMALISATION}"
"""What an examination's result depends on besides its files and rows; a change makes all anew."""


LONGEST_ID = 16
"""Digits to which a patient id may have been padded with zeros."""


class Assignment:
    """The examinations that the labels ask for, and what each is made from."""

    def __init__(self, index: ScanIndex, names: Pseudonyms, folder: Path, home: Path) -> None:
        self.index, self._names, self._folder, self._home = index, names, folder, home
        own = home / FILE_NAME
        read_overrides(home)  # a mistake in it is said now, not in the middle
        self._overrides = own.read_text(encoding="utf-8") if own.exists() else ""
        self._rows: dict[str, list[Label]] = defaultdict(list)
        self._patient: dict[str, str] = {}

    def assigned(self, rows: Sequence[Label]) -> tuple[list[str], list[str]]:
        """Find each row's examination; return them all, and the problems of rows without one."""
        patients, shared = self.index.patients(), self.index.shared()
        problems = []
        for row in rows:
            patient = self._names.of("patient", row.patient_id)
            there = patients.get(patient, [])
            if row.study_uid:
                named = self._names.of("examination", row.patient_id, row.study_uid)
                there = [e for e in there if e == named]
            if patient in shared:
                problems.append(
                    f"row {row.row}: an examination of this patient is in the export under "
                    "another patient id too"
                )
            elif len(there) != 1:
                problems.append(f"row {row.row}: {self._why_none(row, len(there), patients)}")
            else:
                self._rows[there[0]].append(row)
                self._patient[there[0]] = patient
        return sorted(self._rows), problems

    def _why_none(self, row: Label, found: int, patients: Collection[str]) -> str:
        """Say why a row has no examination of its own, without a word of who it is."""
        if found:
            return "several examinations, and no study_uid for this patient"
        if row.study_uid and self._names.of("patient", row.patient_id) in patients:
            return "no examination of this patient has its study_uid"
        like = (self._names.of("patient", other) for other in _alike(row.patient_id))
        if any(patient in patients for patient in like):
            return (
                "no examination for this patient, but for a patient id that differs only in "
                "leading zeros, '.0' or capitals: a spreadsheet changed it (format it as text)"
            )
        return "no examination for this patient"

    def task(self, examination: str) -> ExaminationTask:
        """Return all there is to know of an examination before its pixels are read."""
        images, masks = [], []
        for source, kind, headers in self.index.files_of(examination):
            if kind == "image":
                images.append((source, headers))
            else:
                masks.append(source.place(self._folder))
        rows = [
            (r, self._names.of("lesion", r.patient_id, r.lesion_id))
            for r in self._rows[examination]
        ]
        return ExaminationTask(
            self._folder,
            self._home,
            examination,
            self._patient[examination],
            tuple(images),
            tuple(masks),
            tuple(rows),
            self.inputs(examination),
        )

    def lesions(self) -> dict[str, str]:
        """Return the patient of every labelled lesion that has an examination, by pseudonym."""
        return {
            self._names.of("lesion", r.patient_id, r.lesion_id): self._patient[e]
            for e, rows in self._rows.items()
            for r in rows
        }

    def inputs(self, examination: str) -> str:
        """Return a digest of what an examination's result depends on."""
        rows = sorted(repr(_content(r)) for r in self._rows[examination])
        files = repr(self.index.stamps_of(examination))
        return self._names.of("inputs", RECIPE, self._overrides, files, *rows)

    def is_made(self, examination: str) -> bool:
        """Return whether an examination was made from just this before, and its crops are there."""
        inputs, result = self.index.result(examination)
        if not result or inputs != self.inputs(examination):
            return False
        store = Cohort(self._home / "cohort")
        return all(store.holds(lesion.crop) for lesion in Made.from_json(result).lesions)


def _alike(patient_id: str) -> set[str]:
    """Return what a patient id may have been before a spreadsheet took it for a number."""
    bare = patient_id.removesuffix(".0")
    padded = {bare.zfill(n) for n in range(len(bare), LONGEST_ID + 1)} if bare.isdigit() else set()
    cases = {patient_id.upper(), patient_id.lower()}
    return {*padded, *cases, bare, bare.lstrip("0")} - {patient_id}


def _content(row: Label) -> dict[str, object]:
    """Return what a row says, wherever it stands; of a mask file its size and time of change."""
    values = asdict(row) | {"row": 0}
    if row.mask_file is not None:
        about = row.mask_file.stat()
        values["mask"] = (about.st_size, about.st_mtime_ns)
    return values
