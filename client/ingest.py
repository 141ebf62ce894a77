"""From DICOM and labels to the cohort store."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.crops import Volume as Voxels
from hepafed.client.crops import crop, measure
from hepafed.client.dicom.series import Volume, read_folder
from hepafed.client.labels import read_labels
from hepafed.client.lesions import Lesion, find_lesions
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.common.errors import DicomError, UsageError
from hepafed.common.vocabulary import SEQUENCES


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
    objects = [dicom / f.path for f in reading.files if f.outcome == "set-aside"]
    by_examination: dict[tuple[str, str], list[Lesion]] = defaultdict(list)
    for lesion in find_lesions(rows, reading.volumes, objects, labels):
        reference = lesion.reference
        by_examination[reference.patient_id, reference.study_uid].append(lesion)
    names = Pseudonyms(home)
    crops: list[Crop] = []
    for done, ((patient, study), lesions) in enumerate(by_examination.items(), 1):
        volumes, broken = _load(examinations[patient][study])
        left += broken
        crops += _crops(names, lesions, volumes)
        progress(done, len(by_examination))
    if crops:
        Cohort.create(home).add(crops)
    return IngestReport(len(crops), left)


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
        loaded[sequence] = Voxels(voxels, best[sequence].affine, measure(voxels))
    return loaded, broken


def _crops(names: Pseudonyms, lesions: list[Lesion], volumes: dict[str, Voxels]) -> Iterator[Crop]:
    for lesion in lesions:
        row = lesion.label
        voxels = crop(lesion.reference.affine, lesion.box, volumes)
        if volumes and np.isfinite(voxels).all():
            yield Crop(
                names.of("lesion", row.patient_id, row.lesion_id),
                names.of("patient", row.patient_id),
                row.label,
                tuple(volumes),
                voxels,
            )
