"""From DICOM and labels to the cohort store: scan, check every label, crop, commit.

Each step keeps what it has done (docs/decisions/0009): killed at any moment, the next run goes on
there, and the store it ends with is the one an undisturbed run would have made, byte for byte.
"""

import csv
import io
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path

from hepafed.client.cohort import NORMALISATION, Acquisition, Cohort, Lesion, Pseudonyms
from hepafed.client.dicom.roles import FILE_NAME, read_overrides
from hepafed.client.ingest.examination import Made, Outcome, Task, make, problems_of
from hepafed.client.ingest.scan import Progress, scan
from hepafed.client.ingest.scan_index import ScanIndex
from hepafed.client.ingest.worker_pool import Farm
from hepafed.client.lesions import Label, complain_about, read_labels
from hepafed.common.errors import CohortError, UsageError
from hepafed.common.files import whole_file
from hepafed.common.locks import sole_holder

UNLABELLED = "an examination without a labelled lesion"
KILLER = "decoding it stopped the process that decoded it"
RECIPE = f"1; {NORMALISATION}"
"""What an examination's result depends on besides its files and rows; a change makes all anew."""


@dataclass(frozen=True)
class IngestReport:
    """What an ingest took, and what it left with the reason."""

    taken: int
    """Lesions of the labels that are in the store now."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """What was left and why; of DICOM the number of files for each reason, never a path."""
    warnings: list[str] = field(default_factory=list)


def ingest_dicom(
    home: Path,
    dicom: Path,
    labels: Path,
    progress: Progress,
    *,
    workers: int = 0,
    left: Path | None = None,
) -> IngestReport:
    """Put every labelled lesion of a folder of DICOM files into the cohort store.

    Running it again on the same files changes nothing. `workers` is the number of processes (0:
    one a core); `left` a file of the caller's choice that lists every file that was not taken,
    with its path.

    Raises
    ------
    UsageError
        `dicom` is not a folder.
    LabelsError
        Rows of the table are wrong, or fit no examination (every problem; nothing is stored).
    CohortError
        Another ingest is running, or the store cannot be used.
    """
    if not dicom.is_dir():
        raise UsageError(f"{dicom} is not a folder", "name the folder of an export")
    rows = read_labels(labels)
    dicom = dicom.resolve()  # what is kept for the next run must not hang on where this one stood
    with only_one(home), Farm(workers) as farm:
        names = Pseudonyms(home)
        index = ScanIndex(home, dicom, names)
        try:
            scan(dicom, index, progress, farm, {labels.resolve(), home.resolve()})
            tasks = _Tasks(index, names, dicom, home)
            wanted, problems = tasks.assigned(rows)
            new = [e for e in wanted if not tasks.is_made(e)]
            problems += _checked(tasks, new, farm, progress)
            complain_about(problems, labels)
            _make(tasks, new, farm, progress)
            taken = _commit(home, index, sorted(wanted))
            index.set_aside_all_but(wanted, UNLABELLED)
            report = _report(index, taken, len(rows))
            if left is not None:
                _write_left(left, index)
        finally:  # whatever ends it in order; after a kill the next one does this
            index.finish()
    return report


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the lock of the home's ingest; CohortError while another one runs."""
    home.mkdir(parents=True, exist_ok=True)
    taken = CohortError("another ingest of this site is running", "wait until it has ended")
    with sole_holder(home / "ingest.lock", taken):
        yield


class _Tasks:
    """The examinations that the labels ask for, and what each is made from."""

    def __init__(self, index: ScanIndex, names: Pseudonyms, folder: Path, home: Path) -> None:
        self.index, self._names, self._folder, self._home = index, names, folder, home
        own = home / FILE_NAME
        read_overrides(home)  # a mistake in it is said now, not in the middle
        self._overrides = own.read_text(encoding="utf-8") if own.exists() else ""
        self._rows: dict[str, list[Label]] = defaultdict(list)
        self._patient: dict[str, str] = {}

    def assigned(self, rows: Sequence[Label]) -> tuple[list[str], list[str]]:
        """Give each row its examination; gives them all, and the problems of rows without one."""
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
                found = "several examinations, and no study_uid" if there else "no examination"
                problems.append(f"row {row.row}: {found} for this patient")
            else:
                self._rows[there[0]].append(row)
                self._patient[there[0]] = patient
        return sorted(self._rows), problems

    def task(self, examination: str) -> Task:
        """Say all there is to know of an examination before its pixels are read."""
        images, masks = [], []
        for source, kind, headers in self.index.files_of(examination):
            if kind == "image":
                images.append((source, headers))
            elif b"\0" not in source.path:
                masks.append(source.place(self._folder)[0])
        rows = [
            (r, self._names.of("lesion", r.patient_id, r.lesion_id))
            for r in self._rows[examination]
        ]
        return Task(
            self._folder,
            self._home,
            examination,
            self._patient[examination],
            tuple(images),
            tuple(masks),
            tuple(rows),
            self.inputs(examination),
        )

    def inputs(self, examination: str) -> str:
        """Digest what an examination's result depends on."""
        rows = sorted(repr(_content(r)) for r in self._rows[examination])
        files = repr(self.index.stamps_of(examination))
        return self._names.of("inputs", RECIPE, self._overrides, files, *rows)

    def is_made(self, examination: str) -> bool:
        """Say whether an examination was made already from just this, and its crops are there."""
        inputs, result = self.index.result(examination)
        if not result or inputs != self.inputs(examination):
            return False
        store = Cohort(self._home / "cohort")
        return all(store.holds(lesion.crop) for lesion in _read_made(result).lesions)


def _content(row: Label) -> dict[str, object]:
    """Give what a row says, wherever in the table it stands; of a mask file its size and time."""
    values = asdict(row) | {"row": 0}
    if row.mask_file is not None:
        about = row.mask_file.stat()
        values["mask"] = (about.st_size, about.st_mtime_ns)
    return values


def _checked(
    tasks: _Tasks, examinations: Sequence[str], farm: Farm, progress: Progress
) -> list[str]:
    """Hold every row to its volumes before a single pixel is read."""
    problems: list[str] = []
    progress("checking labels", 0, len(examinations))
    for done, (task, found) in enumerate(
        farm.spread(problems_of, map(tasks.task, examinations)), 1
    ):
        if found is None:
            found = [f"row {r.row}: its examination cannot be read" for r, _ in task.rows]
        problems += found
        progress("checking labels", done, len(examinations))
    return problems


def _make(tasks: _Tasks, examinations: Sequence[str], farm: Farm, progress: Progress) -> None:
    """Crop the examinations, and record each as soon as it is done."""
    progress("examinations", 0, len(examinations))
    for done, (task, result) in enumerate(farm.spread(make, map(tasks.task, examinations)), 1):
        made, outcomes = result if result is not None else (Made(), _killed(task))
        series = [astuple(s) for s in made.series]
        tasks.index.record(task.examination, task.inputs, _write_made(made), outcomes, series)
        progress("examinations", done, len(examinations))


def _killed(task: Task) -> list[Outcome]:
    return [("refused", KILLER, source.key) for source, _ in task.images]


def _write_made(made: Made) -> str:
    return json.dumps([[astuple(m) for m in made.lesions], [astuple(a) for a in made.acquisitions]])


def _read_made(text: str) -> Made:
    lesions, acquisitions = json.loads(text)
    return Made(
        tuple(Lesion(*values) for values in lesions),
        tuple(Acquisition(*values) for values in acquisitions),
    )


def _commit(home: Path, index: ScanIndex, examinations: Sequence[str]) -> int:
    """Make what was recorded part of the store, in one step; gives the number of lesions."""
    made = [_read_made(index.result(e)[1]) for e in examinations]
    lesions = [lesion for m in made for lesion in m.lesions]
    acquisitions = [a for m in made for a in m.acquisitions]
    if lesions or (home / "cohort/index.db").exists():
        Cohort.prepare(home).commit(lesions, acquisitions, examinations, NORMALISATION)
    return len(lesions)


def _report(index: ScanIndex, taken: int, rows: int) -> IngestReport:
    tally = index.tally()
    left = [(f"{n} × {o}", r) for o, r, n in tally if o != "taken"]
    warnings = []
    burned = sum(n for _, r, n in tally if "secondary capture" in r or "BurnedIn" in r)
    if burned:
        warnings.append(f"{burned} files may show a patient's name in their pixels; none is taken")
    if taken < rows:
        warnings.append(f"{rows - taken} labelled lesions have no sequence that can be read")
    return IngestReport(taken, left, warnings)


def _write_left(path: Path, index: ScanIndex) -> None:
    """List every file that was not taken, for the eyes of the hospital alone (0600)."""
    with whole_file(path, private=True) as out:
        out.write(b"path,outcome,reason\r\n")
        for name, outcome, reason in index.left():
            shown = os.fsdecode(name.replace(b"\0", b"!")).encode("utf-8", "backslashreplace")
            out.write(_csv_line(shown.decode(), outcome, reason))


def _csv_line(*values: str) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue().encode()
