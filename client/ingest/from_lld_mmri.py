"""From an LLD-MMRI folder to the cohort store, by the path that DICOM takes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from hepafed.client.cohort import (
    NORMALISATION,
    Acquisition,
    Cohort,
    Crop,
    Lesion,
    LoadedVolume,
    Measurements,
    agreement,
    centre_of,
    crop,
    measure,
    points_in,
    seen_in,
    shares,
    signals_of,
    size_of,
    view,
    view_points,
)
from hepafed.client.ingest.acquisition import digest
from hepafed.client.ingest.from_dicom import KILLER, IngestReport, only_one
from hepafed.client.ingest.lld_layout import Examination, SeriesEntry, read_annotation
from hepafed.client.lesions import complain_about, masks, overlapping
from hepafed.client.lesions.masks import MaskError
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import WorkerPool
from hepafed.common.contract import SEQUENCES
from hepafed.common.errors import UsageError
from numpy.typing import NDArray

REFERENCES = ("t2", "portal", "delayed", "arterial", "t1-pre", "dwi")
"""In whose grid a lesion's crop is laid, in order."""
RULE = "lld-mmri-phase"


def ingest_lld_mmri(
    home: Path, folder: Path, progress: Callable[[int, int], None], *, workers: int = 0
) -> IngestReport:
    """Put every lesion of an LLD-MMRI folder into the cohort store.

    Running it again changes nothing. A process (`workers`; 0: one a core) has one series in
    memory at a time.

    Raises
    ------
    UsageError
        `folder` is not a folder in that layout.
    LabelsError
        Entries are wrong or fit no volume (every problem; nothing is stored).
    CohortError
        Another ingest is running, or the store cannot be used.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", "name the folder of the data set")
    examinations, file = read_annotation(folder)
    problems = [
        f"examination {n}: {problem}"
        for n, examination in enumerate(examinations, 1)
        for problem in _problems(examination)
    ]
    complain_about(problems, file)
    lesions: list[Lesion] = []
    acquisitions: list[Acquisition] = []
    left: list[tuple[str, str]] = []
    progress(0, len(examinations))
    with only_one(home), WorkerPool(workers) as pool:
        names, store = Pseudonyms(home), Cohort.create(home)
        tasks = [(home, n, e) for n, e in enumerate(examinations, 1)]
        for done, ((_, number, _), result) in enumerate(pool.spread(make, tasks), 1):
            made, acquired, broken = result or ([], [], [KILLER])
            lesions += made
            acquisitions += acquired
            left += [(f"examination {number}", reason) for reason in broken]
            progress(done, len(examinations))
        replaced = [names.of("examination", e.patient, e.study) for e in examinations]
        store.commit(lesions, acquisitions, replaced, NORMALISATION)
        store.note_unreadable(
            {
                name: names.of("patient", e.patient)
                for e in examinations
                for name in _names(names, e)
            }
        )
    return IngestReport(len(lesions), sorted(left))


def _names(names: Pseudonyms, examination: Examination) -> list[str]:
    """Return the pseudonyms of an examination's lesions."""
    who, study = examination.patient, examination.study
    return [names.of("lesion", who, f"{study}/{number}") for number in examination.labels]


def _problems(examination: Examination) -> list[str]:
    """Hold every box to its volume's size, and the lesions to each other."""
    found = []
    for series in examination.series:
        try:
            shape, _ = masks.read_frame(series.path)
        except MaskError as e:
            found.append(f"a {series.sequence} series: {e.message}")
            continue
        for box in series.boxes.values():
            if any(b > n - 1 for b, n in zip(box[3:], shape, strict=True)):
                found.append(f"a box lies outside the volume of its {series.sequence} series")
    if found:
        return found
    bodies = [(masks.read_frame(s.path)[1], s.boxes[n], None) for n, s in _references(examination)]
    return ["two lesions overlap" for _ in overlapping(bodies)]


def _references(examination: Examination) -> list[tuple[str, SeriesEntry]]:
    """Return for each lesion the series in whose grid it is cropped."""
    ranked = sorted(
        examination.series,
        key=lambda s: REFERENCES.index(s.sequence) if s.sequence in REFERENCES else len(REFERENCES),
    )
    return [(n, next(s for s in ranked if n in s.boxes)) for n in examination.labels]


def make(
    task: tuple[Path, int, Examination],
) -> tuple[list[Lesion], list[Acquisition], list[str]]:
    """Crop an examination's lesions from each series in turn; return rows, and what was broken."""
    home, _, examination = task
    names, store = Pseudonyms(home), Cohort.create(home)
    who = names.of("patient", examination.patient)
    name = names.of("examination", examination.patient, examination.study)
    places = {n: (masks.read_frame(s.path)[1], s.boxes[n]) for n, s in _references(examination)}
    sampled: dict[str, list[NDArray[np.float16]]] = {n: [] for n in places}
    seen: dict[str, list[NDArray[np.bool_]]] = {n: [] for n in places}
    views: dict[str, NDArray[np.float32]] = {}
    spread = view_points(*_first_grid(examination)) if places else np.empty((0, 3))
    acquired, broken = [], []
    by_sequence = {s.sequence: s for s in examination.series}
    for sequence in (s for s in SEQUENCES if s in by_sequence):
        try:
            volume = _volume(by_sequence[sequence])
        except MaskError as e:
            broken.append(f"a {sequence} series: {e.message}")
            continue
        for number, (affine, box) in places.items():
            sampled[number].append(crop(affine, box, {sequence: volume})[0])
            seen[number].append(seen_in(volume, points_in(affine, box)))
        views[sequence] = view(volume.voxels, volume.affine, spread)
        acquired.append(_acquisition(name, who, sequence, volume))
    made, agreed = [], agreement(views)
    for number, (affine, box) in places.items():
        if not sampled[number]:
            continue
        body, field = shares(seen[number])
        size = size_of(affine, box)
        away = np.linalg.norm(spread - centre_of(affine, box), axis=1)
        planes = dict(zip(views, sampled[number], strict=True))
        signals = signals_of(planes, views, agreed, away, size)
        apart = _apart(examination, number)
        facts = Measurements("box", size, body, field, apart, signals=signals)
        made.append(
            store.write(
                Crop(
                    names.of("lesion", examination.patient, f"{examination.study}/{number}"),
                    who,
                    examination.labels[number],
                    tuple(a.sequence for a in acquired),
                    np.stack(sampled[number]),
                    name,
                    facts.text(),
                )
            )
        )
    return made, acquired if made else [], broken


def _first_grid(examination: Examination) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Return the affine of the first lesion's series, and its slices, rows and columns."""
    shape, affine = masks.read_frame(_references(examination)[0][1].path)
    return affine, (shape[2], shape[1], shape[0])


def _volume(series: SeriesEntry) -> LoadedVolume:
    """Load a series as [slices, rows, columns]; NIfTI's i is the column, j the row, k the slice."""
    grid, affine = masks.read_grid(series.path)
    if not np.isfinite(grid).all():
        raise MaskError("the NIfTI file contains values that are not numbers")
    voxels = np.ascontiguousarray(grid.transpose(2, 1, 0))
    return LoadedVolume(voxels, affine, measure(voxels))


def _apart(examination: Examination, number: str) -> float | None:
    """Return the greatest distance, mm, between a lesion's box centres in different series."""
    centres = []
    for series in examination.series:
        if number in series.boxes:
            box = np.array(series.boxes[number])
            affine = masks.read_frame(series.path)[1]
            centres.append((affine @ np.array([*(box[:3] + box[3:]) / 2, 1.0]))[:3])
    if len(centres) < 2:
        return None
    points = np.stack(centres)
    return round(float(np.linalg.norm(points[:, None] - points[None], axis=-1).max()), 1)


def _acquisition(
    examination: str, patient: str, sequence: str, volume: LoadedVolume
) -> Acquisition:
    slices, rows, columns = volume.voxels.shape
    steps = np.linalg.norm(volume.affine[:3, :3], axis=0).round(4)
    return Acquisition(
        examination=examination,
        sequence=sequence,
        patient=patient,
        manufacturer="other",
        field_strength=None,
        b_value=None,
        b_values="",
        rule=RULE,
        slices=slices,
        rows=rows,
        columns=columns,
        between_slices=float(steps[2]),
        between_rows=float(steps[1]),
        between_columns=float(steps[0]),
        low=volume.scale.low,
        high=volume.scale.high,
        mean=volume.scale.mean,
        spread=volume.scale.spread,
        pixels=digest(volume.voxels),
    )
