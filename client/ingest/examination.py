"""One examination: its labelled lesions found in its volumes, and cropped from every sequence.

Both functions run in processes of their own (`dicom.farm`): the first says what is wrong with the
labels, the second decodes pixels and writes crops. Their memory is that of one examination.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hepafed.client.cohort import (
    Acquisition,
    Cohort,
    Crop,
    Lesion,
    LoadedVolume,
    Measurements,
    Pseudonyms,
    crop,
    in_order,
    measure,
    points_in,
    seen_in,
    shares,
    size_of,
)
from hepafed.client.dicom.encoding import Header, read_headers
from hepafed.client.dicom.roles import explain, read_overrides, volumes_of
from hepafed.client.dicom.volumes import Grouped, Volume
from hepafed.client.ingest.scan_index import Source
from hepafed.client.lesions import Label, LocatedLesion, locate
from hepafed.common.contract import SEQUENCES
from hepafed.common.errors import DicomError
from numpy.typing import NDArray

MANUFACTURERS = (
    ("siemens", "siemens"), ("ge ", "ge"), ("philips", "philips"), ("canon", "canon"),
    ("toshiba", "canon"), ("united imaging", "united-imaging"), ("uih", "united-imaging"),
)  # fmt: skip
"""Beginning of the header's manufacturer, lower case → what the store calls it."""


@dataclass(frozen=True)
class Task:
    """What is known of an examination before its pixels are read. Identities stay in memory."""

    folder: Path
    home: Path
    examination: str
    """Pseudonym."""
    patient: str
    """Pseudonym."""
    images: tuple[tuple[Source, str], ...]
    """Files and their headers as JSON lines; empty where they must be read again."""
    masks: tuple[Path, ...]
    rows: tuple[tuple[Label, str], ...]
    """Rows of the labels table, each with its lesion's pseudonym."""
    inputs: str
    """Digest of all that the result depends on."""


@dataclass(frozen=True)
class Series:
    """What became of one series, and by which rules; nothing of it is a value of its files."""

    series: str
    """Pseudonym."""
    files: int
    sequence: str
    """What its volumes are, joined by commas; empty where it has none."""
    lines: str
    """How that was decided, rule by rule."""


@dataclass(frozen=True)
class Made:
    """What an examination gave; numbers, codes and pseudonyms only."""

    lesions: tuple[Lesion, ...] = ()
    acquisitions: tuple[Acquisition, ...] = ()
    series: tuple[Series, ...] = ()


Outcome = tuple[str, str, str]
"""Outcome, reason and the file's key."""


def problems_of(task: Task) -> list[str]:
    """Say what is wrong with the rows of an examination, each by its row number."""
    volumes = _read(task)[0].volumes
    return locate([r for r, _ in task.rows], volumes, task.masks)[1]


def make(task: Task) -> tuple[Made, list[Outcome]]:
    """Crop every labelled lesion from every sequence, and write the crops into the store."""
    grouped, headers, outcomes = _read(task)
    volumes = grouped.volumes
    found, _ = locate([r for r, _ in task.rows], volumes, task.masks)
    points = [points_in(lesion.reference.affine, lesion.box) for lesion in found]
    planes: list[list[NDArray[np.float16]]] = [[] for _ in found]
    seen: list[list[NDArray[np.bool_]]] = [[] for _ in found]
    chosen, acquired = _chosen(volumes), []
    for sequence, volume in chosen.items():
        try:
            loaded = LoadedVolume(voxels := volume.load(), volume.affine, measure(voxels))
        except DicomError as e:
            outcomes |= dict.fromkeys(volume.names, ("refused", e.message))
            continue
        for n, lesion in enumerate(found):
            planes[n].append(crop(lesion.reference.affine, lesion.box, {sequence: loaded})[0])
            seen[n].append(seen_in(loaded, points[n]))
        b_values = {v.b_value for v in volumes if v.sequence == sequence}
        acquired.append(_acquisition(task, volume, loaded, b_values))
    there = tuple(a.sequence for a in acquired)
    ordered = in_order({s: chosen[s].headers[0].acquired for s in there})
    facts = [_facts(f, s, ordered) for f, s in zip(found, seen, strict=True)]
    made = tuple(_written(task, found, planes, there, facts))
    files = [(outcome, reason, key) for key, (outcome, reason) in outcomes.items()]
    return Made(
        made, tuple(acquired) if made else (), tuple(_series(task, headers, grouped))
    ), files


def _written(
    task: Task,
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
    lesion: LocatedLesion, seen: Sequence[NDArray[np.bool_]], phases_in_order: bool | None
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
    )


def _read(task: Task) -> tuple[Grouped, list[Header], dict[str, tuple[str, str]]]:
    """Build the volumes; gives them, the headers, and each file's outcome and reason by key."""
    headers: list[Header] = []
    outcomes: dict[str, tuple[str, str]] = {}
    for source, lines in task.images:
        try:
            headers += _headers(task.folder, source, lines)
        except DicomError as e:  # changed since it was scanned
            outcomes[source.key] = ("refused", e.message)
    grouped = volumes_of(headers, read_overrides(task.home))
    outcomes |= {name: (o.outcome, o.reason) for name, o in grouped.outcomes.items()}
    return grouped, headers, outcomes


def _series(task: Task, headers: Sequence[Header], grouped: Grouped) -> Iterator[Series]:
    """Say of every series what it is and why."""
    names, overrides = Pseudonyms(task.home), read_overrides(task.home)
    files: dict[str, set[str]] = {}
    for h in headers:
        files.setdefault(h.series, set()).add(h.name)
    for uid, members in files.items():
        sequences = sorted({v.sequence for v in grouped.volumes if v.series_uid == uid})
        lines = explain(headers, uid, overrides, grouped)
        yield Series(names.of("series", uid), len(members), ",".join(sequences), "\n".join(lines))


def _headers(folder: Path, source: Source, lines: str) -> list[Header]:
    if lines:
        return [Header.from_json(line) for line in lines.split("\n")]
    path, member = source.place(folder)
    return read_headers(path, source.key, member)


def _chosen(volumes: Sequence[Volume]) -> dict[str, Volume]:
    """Choose one volume a sequence: the highest b-value of DWI, else the most slices."""
    best: dict[str, Volume] = {}
    for v in volumes:
        if v.sequence in SEQUENCES and (
            v.sequence not in best or _rank(v) > _rank(best[v.sequence])
        ):
            best[v.sequence] = v
    return {s: best[s] for s in SEQUENCES if s in best}


def _rank(v: Volume) -> tuple[float, int, str]:
    return (v.b_value or 0.0, len(v.headers), v.series_uid)


def digest(voxels: NDArray[np.float32]) -> str:
    """Digest a volume's voxels."""
    shape = ",".join(map(str, voxels.shape)).encode()
    return hashlib.sha256(shape + np.ascontiguousarray(voxels).tobytes()).hexdigest()[:32]


def _acquisition(
    task: Task, volume: Volume, loaded: LoadedVolume, b_values: set[float | None]
) -> Acquisition:
    """Keep of a header what is a number or a word of ours, within bounds."""
    h, scale = volume.headers[0], loaded.scale
    between_slices, between_rows, between_columns = (round(float(v), 4) for v in volume.spacing)
    bounded = {_bounded(b, 20_000) for b in b_values}
    shown = sorted(b for b in bounded if b is not None)
    return Acquisition(
        examination=task.examination,
        sequence=volume.sequence,
        patient=task.patient,
        manufacturer=manufacturer_of(h.manufacturer),
        field_strength=_bounded(h.field_strength, 25),
        b_value=_bounded(volume.b_value, 20_000),
        b_values=",".join(f"{b:g}" for b in shown),
        rule=volume.rule,
        slices=len(volume.headers),
        rows=h.rows,
        columns=h.columns,
        between_slices=between_slices,
        between_rows=between_rows,
        between_columns=between_columns,
        low=scale.low,
        high=scale.high,
        mean=scale.mean,
        spread=scale.spread,
        pixels=digest(loaded.voxels),
    )


def _bounded(value: float | None, most: float) -> float | None:
    """Give a plausible value to two decimals, else None: an odd one could be anything."""
    return round(value, 2) if value is not None and 0 <= value <= most else None


def manufacturer_of(text: str) -> str:
    """Give our word for a manufacturer; whatever is not on the list is `other`."""
    words = " ".join(text.lower().replace("_", " ").split()) + " "
    return next((ours for begin, ours in MANUFACTURERS if words.startswith(begin)), "other")
