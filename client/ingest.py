"""From DICOM and labels to the cohort store."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.crops import Volume as Voxels
from hepafed.client.crops import crop, normalise
from hepafed.client.dicom.folder import read_folder
from hepafed.client.dicom.volume import Volume
from hepafed.client.labels import Label, complain_about, read_labels
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.common.errors import DicomError, UsageError
from hepafed.common.vocabulary import SEQUENCES

REFERENCES = ("t2", "portal")
"""Sequences in whose grid a box may be given when its row names no series, in order."""


@dataclass(frozen=True)
class IngestReport:
    """What an ingest took, and what it left with the reason."""

    taken: int
    left: list[tuple[str, str]] = field(default_factory=list)


def ingest_dicom(
    home: Path, dicom: Path, labels: Path, progress: Callable[[int, int], None]
) -> IngestReport:
    """Put every labelled lesion of a folder of DICOM files into the cohort store.

    Running it again on the same files changes nothing.

    Raises
    ------
    UsageError
        `dicom` is not a folder.
    LabelsError
        Rows of the table are wrong, or fit no examination (every problem; nothing is stored).
    """
    if not dicom.is_dir():
        raise UsageError(f"{dicom} is not a folder", "name the folder of an export")
    rows = read_labels(labels)
    reading = read_folder(dicom, progress)
    left = [(f.path, f.reason) for f in reading.files if f.outcome != "taken"]
    left = [(p, r) for p, r in left if (dicom / p).resolve() != labels.resolve()]
    examinations: dict[str, dict[str, list[Volume]]] = defaultdict(lambda: defaultdict(list))
    for volume in reading.volumes:
        examinations[volume.patient_id][volume.study_uid].append(volume)
    problems: list[str] = []
    matched = [(row, _match(row, examinations, problems)) for row in rows]
    complain_about(problems, labels)
    by_examination: dict[tuple[str, str], list[tuple[Label, Volume]]] = defaultdict(list)
    for row, reference in matched:
        if reference is not None:
            by_examination[reference.patient_id, reference.study_uid].append((row, reference))
    crops: list[Crop] = []
    for done, ((patient, study), lesions) in enumerate(by_examination.items(), 1):
        volumes, broken = _load(examinations[patient][study])
        left += broken
        if volumes:
            crops += _crops(Pseudonyms(home), lesions, volumes)
        progress(done, len(by_examination))
    if crops:
        Cohort.create(home).add(crops)
    return IngestReport(len(crops), left)


def _match(
    row: Label, examinations: dict[str, dict[str, list[Volume]]], problems: list[str]
) -> Volume | None:
    """Find the volume in whose grid a row's box lies; adds to `problems` when there is none."""
    studies = examinations.get(row.patient_id, {})
    if row.study_uid:
        studies = {u: v for u, v in studies.items() if u == row.study_uid}
    if len(studies) != 1:
        found = "no examination" if not studies else "several examinations, and no study_uid"
        problems.append(f"row {row.row}: {found} for this patient")
        return None
    volumes = next(iter(studies.values()))
    if row.series_uid:
        choice = [v for v in volumes if v.series_uid == row.series_uid]
    else:
        choice = [v for s in REFERENCES for v in volumes if v.sequence == s]
    if not choice:
        problems.append(f"row {row.row}: its series is not in the folder, or was refused")
        return None
    reference = choice[0]
    h = reference.headers[0]
    if any(b > n - 1 for b, n in zip(row.box[3:], (h.columns, h.rows, len(reference.headers)),
                                     strict=True)):  # fmt: skip
        problems.append(f"row {row.row}: the box lies outside the volume")
        return None
    return reference


def _load(volumes: list[Volume]) -> tuple[dict[str, Voxels], list[tuple[str, str]]]:
    """Load one volume a sequence: the highest b-value of DWI, else the most slices."""
    best: dict[str, Volume] = {}
    for v in volumes:
        known = best.get(v.sequence)
        rank = (v.b_value or 0, len(v.headers), v.series_uid)
        if v.sequence in SEQUENCES and (
            known is None or rank > (known.b_value or 0, len(known.headers), known.series_uid)
        ):
            best[v.sequence] = v
    loaded: dict[str, Voxels] = {}
    broken = []
    for sequence in (s for s in SEQUENCES if s in best):
        try:
            voxels = best[sequence].load()
        except DicomError as e:
            broken.append((f"a {sequence} series of an examination", e.message))
            continue
        loaded[sequence] = normalise(voxels), best[sequence].affine
    return loaded, broken


def _crops(
    names: Pseudonyms, lesions: list[tuple[Label, Volume]], volumes: dict[str, Voxels]
) -> Iterator[Crop]:
    for row, reference in lesions:
        voxels = crop(reference.affine, row.box, volumes)
        if np.isfinite(voxels).all():
            yield Crop(
                names.of("lesion", row.patient_id, row.lesion_id),
                names.of("patient", row.patient_id),
                row.label,
                tuple(volumes),
                voxels,
            )
