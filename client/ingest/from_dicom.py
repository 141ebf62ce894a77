"""From DICOM and labels to the cohort store: scan, check every label, crop, commit.

Each step keeps what it has done (docs/decisions/0009): killed at any moment, the next run goes on
there, and the store it ends with is the one an undisturbed run would have made, byte for byte.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hepafed.client.cohort import NORMALISATION, Cohort
from hepafed.client.ingest.assignment import Assignment
from hepafed.client.ingest.examination import ExaminationTask, Made, make, problems_of
from hepafed.client.lesions import complain_about, read_labels
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import KeptOutcome, Progress, ScanIndex, WorkerPool, scan, shown
from hepafed.common.errors import CohortError, UsageError
from hepafed.common.files import whole_file
from hepafed.common.locks import sole_holder
from hepafed.common.room import in_room

UNLABELLED = "an examination without a labelled lesion"
KILLER = "decoding it crashed the decoding process"


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
        raise UsageError(f"{dicom} is not a folder", "name the folder of the export")
    rows = read_labels(labels)
    dicom = dicom.resolve()  # what is kept for the next run must not hang on where this one stood
    with only_one(home), WorkerPool(workers) as pool:
        names = Pseudonyms(home)
        index = ScanIndex(home, dicom, names)
        try:
            scan(dicom, index, progress, pool, {labels.resolve(), home.resolve()})
            assignment = Assignment(index, names, dicom, home)
            wanted, problems = assignment.assigned(rows)
            new = [e for e in wanted if not assignment.is_made(e)]
            problems += _checked(assignment, new, pool, progress)
            complain_about(problems, labels)
            _make(home, assignment, new, pool, progress)
            made = [Made.from_json(index.result(e)[1]) for e in sorted(wanted)]
            _commit(home, made, sorted(wanted), assignment.lesions())
            index.set_aside_all_but(wanted, UNLABELLED)
            report = _report(index, made, len(rows))
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


def _checked(
    assignment: Assignment, examinations: Sequence[str], pool: WorkerPool, progress: Progress
) -> list[str]:
    """Hold every row to its volumes before a single pixel is read."""
    problems: list[str] = []
    progress("checking labels", 0, len(examinations))
    for done, (task, found) in enumerate(
        pool.spread(problems_of, map(assignment.task, examinations)), 1
    ):
        if found is None:
            found = [f"row {r.row}: its examination cannot be read" for r, _ in task.rows]
        problems += found
        progress("checking labels", done, len(examinations))
    return problems


def _make(
    home: Path,
    assignment: Assignment,
    examinations: Sequence[str],
    pool: WorkerPool,
    progress: Progress,
) -> None:
    """Crop the examinations, and record each as soon as it is done."""
    progress("examinations", 0, len(examinations))
    for done, (task, result) in enumerate(pool.spread(make, map(assignment.task, examinations)), 1):
        made, outcomes = result if result is not None else (Made(), _killed(task))
        record = partial(
            assignment.index.record,
            task.examination, task.inputs, made.to_json(), outcomes, made.series,
        )  # fmt: skip
        in_room(home, len(made.to_json()), record)
        progress("examinations", done, len(examinations))


def _killed(task: ExaminationTask) -> list[KeptOutcome]:
    return [KeptOutcome(source.key, "refused", KILLER) for source, _ in task.images]


def _commit(
    home: Path, made: Sequence[Made], examinations: Sequence[str], labelled: Mapping[str, str]
) -> None:
    """Make what was recorded part of the store, in one step; note what of the labels is not in it.

    `labelled` gives the patient of every labelled lesion.
    """
    lesions = [lesion for m in made for lesion in m.lesions]
    acquisitions = [a for m in made for a in m.acquisitions]
    if lesions or (home / "cohort/index.db").exists():
        store = Cohort.prepare(home)
        store.commit(lesions, acquisitions, examinations, NORMALISATION)
        store.note_unreadable(labelled)


def _report(index: ScanIndex, made: Sequence[Made], rows: int) -> IngestReport:
    tally, taken = index.tally(), sum(len(m.lesions) for m in made)
    left = [(f"{n} × {o}", r) for o, r, n in tally if o != "taken"]
    warnings = []
    burned = sum(n for _, r, n in tally if "secondary capture" in r or "BurnedIn" in r)
    if burned:
        warnings.append(
            f"{burned} files may show a patient's name in their pixels; they were not used"
        )
    undecided = Counter(text for m in made for text in m.undecided)
    warnings += [
        f"{n} {'examination' if n == 1 else 'examinations'}: {text}"
        for text, n in sorted(undecided.items())
    ]
    if taken < rows:
        warnings.append(f"{rows - taken} labelled lesions have no sequence that can be read")
    return IngestReport(taken, left, warnings)


def _write_left(path: Path, index: ScanIndex) -> None:
    """List every file that was not taken, for the eyes of the hospital alone (0600)."""
    with whole_file(path, private=True) as out:
        out.write(b"path,outcome,reason\r\n")
        for o in index.outcomes():
            if o.outcome != "taken":
                name = shown(o.path).encode("utf-8", "backslashreplace").decode()
                out.write(_csv_line(name, o.outcome, o.reason))


def _csv_line(*values: str) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue().encode()
