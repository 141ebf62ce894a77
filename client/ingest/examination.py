"""One examination: its labelled lesions found in its volumes, and cropped from every sequence.

Both functions run in processes of their own (`worker_pool`): the first says what is wrong with
the labels, the second decodes pixels and writes crops. Their memory is that of one examination.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from hepafed.client.cohort import (
    Acquisition,
    Cohort,
    Crop,
    Lesion,
    LoadedVolume,
    Measurements,
    Signals,
    crop,
    in_order,
    measure,
    points_in,
    seen_in,
    shares,
    size_of,
    view,
)
from hepafed.client.dicom.roles import explain, read_overrides
from hepafed.client.dicom.volumes import Volume
from hepafed.client.ingest.acquisition import acquisition_of
from hepafed.client.ingest.choice import choose
from hepafed.client.ingest.signals import lowest_b, points_of, signals_in
from hepafed.client.ingest.volumes import ReadExamination, read_examination, undecodable
from hepafed.client.lesions import Label, LocatedLesion, locate
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import KeptOutcome, SeriesOutcome, Source
from hepafed.common.console import complain_of_room
from hepafed.common.errors import DicomError
from hepafed.common.room import waiting_for_room
from numpy.typing import NDArray


@dataclass(frozen=True)
class ExaminationTask:
    """What is known of an examination before its pixels are read. Identities stay in memory."""

    folder: Path
    home: Path
    examination: str
    """Pseudonym."""
    patient: str
    """Pseudonym."""
    images: tuple[tuple[Source, str], ...]
    """Files and their headers as JSON lines; empty where they must be read again."""
    masks: tuple[tuple[Path, str], ...]
    """Segmentations and structure sets: the file, and the name inside it if it is an archive."""
    rows: tuple[tuple[Label, str], ...]
    """Rows of the labels table, each with its lesion's pseudonym."""
    inputs: str
    """Digest of all that the result depends on."""


@dataclass(frozen=True)
class Made:
    """What an examination gave; numbers, codes and pseudonyms only."""

    lesions: tuple[Lesion, ...] = ()
    acquisitions: tuple[Acquisition, ...] = ()
    series: tuple[SeriesOutcome, ...] = ()
    undecided: tuple[str, ...] = ()
    """Why a sequence that is there was not cropped, or a phase not told; sentences of ours."""

    def to_json(self) -> str:
        """Return all but the series as JSON, each value under its field's name."""
        rows = {
            "lesions": [asdict(m) for m in self.lesions],
            "acquisitions": [asdict(a) for a in self.acquisitions],
            "undecided": self.undecided,
        }
        return json.dumps(rows)

    @classmethod
    def from_json(cls, text: str) -> "Made":
        """Return what `to_json` wrote, without the series."""
        rows = json.loads(text)
        return cls(
            tuple(Lesion(**values) for values in rows["lesions"]),
            tuple(Acquisition(**values) for values in rows["acquisitions"]),
            undecided=tuple(rows.get("undecided", ())),
        )


def problems_of(task: ExaminationTask) -> list[str]:
    """Return what is wrong with the rows of an examination, each with its row number."""
    return _located(task, _read(task))[1]


def make(task: ExaminationTask) -> tuple[Made, list[KeptOutcome]]:
    """Crop every labelled lesion from every sequence, and write the crops into the store.

    Return what was made, and the outcome of every image file.
    """
    read = _read(task)
    volumes = read.volumes
    found, _ = _located(task, read)
    points = [points_in(lesion.reference.affine, lesion.box) for lesion in found]
    planes: list[list[NDArray[np.float16]]] = [[] for _ in found]
    seen: list[list[NDArray[np.bool_]]] = [[] for _ in found]
    low_b = None
    acquired = []
    views: dict[str, NDArray[np.float32]] = {}
    spread = points_of(found)
    chosen, undecided = choose(volumes, found)
    broken = undecodable(v for v in volumes if v not in chosen.values())
    for sequence, volume in chosen.items():
        try:
            loaded = LoadedVolume(voxels := volume.load(), volume.affine, measure(voxels))
        except DicomError as e:
            broken[volume] = e
            continue
        for n, lesion in enumerate(found):
            planes[n].append(crop(lesion.reference.affine, lesion.box, {sequence: loaded})[0])
            seen[n].append(seen_in(loaded, points[n]))
        views[sequence] = view(voxels, volume.affine, spread)
        if sequence == "dwi":
            low_b = _low_b(volumes, volume, spread)
        b_values = {v.b_value for v in volumes if v.sequence == sequence}
        acquired.append(acquisition_of(task.examination, task.patient, volume, loaded, b_values))
    there = tuple(a.sequence for a in acquired)
    ordered = in_order({s: chosen[s].headers[0].acquired for s in there})
    said = signals_in(found, there, planes, views, spread, low_b)
    facts = [_facts(f, s, ordered, p) for f, s, p in zip(found, seen, said, strict=True)]
    with waiting_for_room(complain_of_room):
        lesions = tuple(_written(task, found, planes, there, facts))
    series = tuple(_series(task, read))
    remarks = (*undecided.values(), *(f"phases: {r}" for r in read.grouped.remarks))
    made = Made(lesions, tuple(acquired) if lesions else (), series, remarks)
    return made, _kept(task, read, broken)


def _low_b(
    volumes: Sequence[Volume], chosen: Volume, points: NDArray[np.float64]
) -> NDArray[np.float32] | None:
    """Return the view of DWI of the lowest b-value; None without it, or if it cannot be read."""
    lowest = lowest_b(volumes, chosen)
    try:
        return None if lowest is None else view(lowest.load(), lowest.affine, points)
    except DicomError:
        return None


def _located(task: ExaminationTask, read: ReadExamination) -> tuple[list[LocatedLesion], list[str]]:
    if not read.volumes:
        why = Counter(o.reason for o in read.files.values()).most_common(1)
        most = f", most often: {why[0][0]}" if why else ""
        text = f"none of this patient's {len(read.files)} image files can be used{most}"
        return [], [f"row {r.row}: {text}" for r, _ in task.rows]
    used = {h.instance for v in read.volumes for h in v.headers}
    unused = {h.instance for h in read.headers} - used
    return locate([r for r, _ in task.rows], read.volumes, task.masks, unused)


def _read(task: ExaminationTask) -> ReadExamination:
    return read_examination(task.folder, task.images, read_overrides(task.home))


def _kept(
    task: ExaminationTask, read: ReadExamination, broken: dict[Volume, DicomError]
) -> list[KeptOutcome]:
    """Return the outcomes of the image files under the keys by which the index keeps them."""
    keys = {source.name: source.key for source, _ in task.images}
    return [KeptOutcome(keys[o.path], o.outcome, o.reason) for o in read.outcomes(broken).values()]


def _written(
    task: ExaminationTask,
    found: Sequence[LocatedLesion],
    planes: Sequence[list[NDArray[np.float16]]],
    sequences: tuple[str, ...],
    facts: Sequence[Measurements],
) -> Iterator[Lesion]:
    """Write the crops of the lesions; none where no sequence could be read."""
    names = {row.lesion_id: name for row, name in task.rows}
    for lesion, parts, about in zip(found, planes, facts, strict=True):
        voxels = np.stack(parts) if parts else np.empty(0, np.float16)
        if not voxels.size or not np.isfinite(voxels).all():
            continue
        row = lesion.label
        yield Cohort.prepare(task.home).write(
            Crop(
                names[row.lesion_id],
                task.patient,
                row.label,
                sequences,
                voxels,
                task.examination,
                about.text(),
            )
        )


def _facts(
    lesion: LocatedLesion,
    seen: Sequence[NDArray[np.bool_]],
    phases_in_order: bool | None,
    signals: Signals,
) -> Measurements:
    in_body, in_field = shares(seen)
    return Measurements(
        source="box" if lesion.mask is None else "mask",
        size=size_of(lesion.reference.affine, lesion.box),
        in_body=in_body,
        in_field=in_field,
        phases_in_order=phases_in_order,
        readers={n: v for n, v in lesion.label.readers.items() if v is not None},
        groups=lesion.label.groups,
        signals=signals,
    )


def _series(task: ExaminationTask, read: ReadExamination) -> Iterator[SeriesOutcome]:
    """Return for every series what it is and why."""
    names, overrides = Pseudonyms(task.home), read_overrides(task.home)
    files: dict[str, set[str]] = {}
    for h in read.headers:
        files.setdefault(h.series, set()).add(h.name)
    for uid, members in files.items():
        sequences = sorted({v.sequence for v in read.volumes if v.series_uid == uid})
        lines = explain(read.headers, uid, overrides, read.grouped)
        yield SeriesOutcome(
            names.of("series", uid), len(members), ",".join(sequences), "\n".join(lines)
        )
