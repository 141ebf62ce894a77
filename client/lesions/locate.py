"""From labels to lesions: each row's volume and its place there, or the reason against it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hepafed.client.dicom.volumes import Volume
from hepafed.client.lesions.labels import Label
from hepafed.client.lesions.masks import Mask, MaskError, box_in
from hepafed.client.lesions.overlaps import overlapping
from hepafed.common.errors import HepaFedError

if TYPE_CHECKING:  # the readers of masks are heavy, and most tables have boxes
    from hepafed.client.lesions.masks import MaskFile
    from hepafed.client.lesions.outline import Outline

REFERENCES = ("t2", "portal")
"""Sequences in whose grid a box may be given when its row names no series, in order."""
SAME_PLACE = 0.05
"""mm by which the affines of two volumes of one grid may differ."""
BEYOND = 1.0
"""Voxels by which a box in mm, or a mask, may reach over the volume's edge; it is cut there."""

Examinations = dict[str, dict[str, list[Volume]]]
"""Patient → study → volumes."""


@dataclass(frozen=True)
class LocatedLesion:
    """A labelled lesion and where it lies."""

    label: Label
    """The lesion's row of the labels table."""
    reference: Volume
    """The volume in whose grid `box` is given."""
    box: tuple[float, ...]
    """x, y, z of the first and of the last voxel; may be fractions."""
    mask: Mask | None = None


def locate(
    rows: Sequence[Label],
    volumes: Iterable[Volume],
    objects: Iterable[tuple[Path, str]],
    unused: Collection[str] = (),
) -> tuple[list[LocatedLesion], list[str]]:
    """Return the lesions of rows, and what is wrong with every other row.

    `volumes` are those of the rows' patients at least; `objects` are SEG and RTSTRUCT files of
    the export (and their names inside an archive), for rows that have neither a box nor a
    mask_file; `unused` are the SOPInstanceUIDs of images that are in no volume. A problem is a
    row that fits no examination, lies outside its volume, has a mask that cannot be used, or
    overlaps another lesion; each begins with its row's number and holds no value.
    """
    examinations: Examinations = defaultdict(lambda: defaultdict(list))
    for volume in volumes:
        examinations[volume.patient_id][volume.study_uid].append(volume)
    problems = _two_ids(rows, examinations)
    needs_objects = any(r.box is None and r.mask_file is None for r in rows)
    files = _files(objects) if needs_objects else []
    found: list[LocatedLesion] = []
    for row in rows:
        try:
            found.append(_lesion(row, examinations, files, unused))
        except HepaFedError as e:
            problems.append(f"row {row.row}: {e.message}")
    return found, problems + _overlaps(found)


def _two_ids(rows: Sequence[Label], examinations: Examinations) -> list[str]:
    """Return the rows whose examination has several patient ids: no split by patient would hold."""
    ids: dict[str, set[str]] = defaultdict(set)
    for patient, studies in examinations.items():
        for study, volumes in studies.items():
            ids[study] |= {patient} | {h.patient_id for v in volumes for h in v.headers}
    shared = {p for found in ids.values() if len(found) > 1 for p in found}
    return [
        f"row {r.row}: an examination of this patient is also in the export under another patient "
        "id"
        for r in rows
        if r.patient_id in shared
    ]


def _files(objects: Iterable[tuple[Path, str]]) -> "list[MaskFile]":
    from hepafed.client.lesions.masks import look_at

    found = []
    for path, member in objects:
        try:
            found.append(look_at(path, member))
        except MaskError:
            continue  # not one of the objects that a row can mean; the scan has its reason
    return found


def _lesion(
    row: Label, examinations: Examinations, files: "list[MaskFile]", unused: Collection[str]
) -> LocatedLesion:
    studies = examinations.get(row.patient_id, {})
    if row.study_uid:
        studies = {u: v for u, v in studies.items() if u == row.study_uid}
    if len(studies) != 1:
        found = "no examination" if not studies else "several examinations, and no study_uid"
        raise MaskError(f"{found} for this patient")
    study, volumes = next(iter(studies.items()))
    if row.box is not None:
        reference = _reference(row, volumes)
        return LocatedLesion(row, reference, _box(row, row.box, reference))
    from hepafed.client.lesions.outline import outline_of, reference_frame

    own = [f for f in files if (f.patient_id, f.study_uid) == (row.patient_id, study)]
    outline = outline_of(row, own)
    reference = _drawn_on(row, outline, volumes, unused)
    mask = outline.on(reference)
    if mask.frame and reference_frame(reference) not in ("", mask.frame):
        raise MaskError("the mask has another frame of reference than the images")
    if mask.identity and not np.allclose(reference.affine, np.diag([-1.0, -1.0, 1.0, 1.0])):
        raise MaskError(
            "the mask's affine is the identity: its orientation was lost; write the mask with the "
            "images' affine"
        )
    return LocatedLesion(row, reference, _inside(box_in(mask, reference.affine), reference), mask)


def _reference(row: Label, volumes: list[Volume]) -> Volume:
    """Return the volume in whose grid a row is given; of several, all must be of one grid.

    The largest of them is returned, so that a box fits that fits any.
    """
    if row.series_uid:
        choice = [v for v in volumes if v.series_uid == row.series_uid]
    else:
        by_sequence = ([v for v in volumes if v.sequence == s] for s in REFERENCES)
        choice = next(filter(None, by_sequence), [])
    if not choice:
        raise MaskError("its series is not in the folder or was refused")
    if not all(_same_grid(choice[0], v) for v in choice):
        if row.series_uid:
            raise MaskError("its series holds several volumes that lie at different places")
        raise MaskError(
            f"the examination has {len(choice)} {choice[0].sequence} volumes at different places: "
            "state in series_uid in which the lesion is given"
        )
    return max(choice, key=_shape)


def _same_grid(a: Volume, b: Volume) -> bool:
    """Return whether a voxel of one volume is the same place in the other."""
    return np.allclose(a.affine, b.affine, atol=SAME_PLACE)


def _drawn_on(
    row: Label, outline: "Outline", volumes: list[Volume], unused: Collection[str]
) -> Volume:
    """Return the volume on which a mask was drawn: the row's series, else the mask's images.

    Drawn on images that are in no volume (a subtraction, say), a mask in patient coordinates is
    placed on the reference of its frame.
    """
    from hepafed.client.lesions.outline import reference_frame

    known = {h.instance for v in volumes for h in v.headers}
    if not outline.images <= known | set(unused):
        raise MaskError("the mask refers to images that are missing")
    if not outline.images <= known:
        reference = _reference(row, volumes)
        if not outline.frame or reference_frame(reference) != outline.frame:
            raise MaskError("the mask was drawn on a series that was set aside or refused")
        return reference
    if row.series_uid or not (outline.images or outline.series):
        return _reference(row, volumes)
    counts = [
        (len(outline.images & {h.instance for h in v.headers}), v.series_uid in outline.series)
        for v in volumes
    ]
    if not any(map(any, counts)):
        raise MaskError("the mask refers to images that are missing")
    best = [v for v, count in zip(volumes, counts, strict=True) if count == max(counts)]
    if not all(_same_grid(best[0], v) for v in best):
        raise MaskError(
            "the mask refers to images of several volumes at different places: state in series_uid "
            "on which it was drawn"
        )
    return max(best, key=_shape)


def _shape(reference: Volume) -> tuple[int, int, int]:
    h = reference.headers[0]
    return (h.columns, h.rows, len(reference.headers))


def _box(row: Label, box: tuple[float, ...], reference: Volume) -> tuple[float, ...]:
    if row.space == "voxel":
        if any(b > n - 1 for b, n in zip(box[3:], _shape(reference), strict=True)):
            raise MaskError("the box lies outside the volume")
        return box
    low, high = np.array(box[:3]), np.array(box[3:])
    as_voxel = Mask(((low + high) / 2)[None], np.diag(high - low))
    return _inside(box_in(as_voxel, reference.affine), reference)


def _inside(box: tuple[float, ...], reference: Volume) -> tuple[float, ...]:
    """Return a box cut at the volume's edge; MaskError when it reaches far over it."""
    low, high = np.array(box[:3]), np.array(box[3:])
    last = np.array(_shape(reference), float) - 1
    if (low < -BEYOND).any() or (high > last + BEYOND).any():
        raise MaskError("the lesion lies outside the volume")
    return tuple(float(v) for v in (*np.clip(low, 0, last), *np.clip(high, 0, last)))


def _overlaps(lesions: list[LocatedLesion]) -> list[str]:
    by_examination: dict[tuple[str, str], list[LocatedLesion]] = defaultdict(list)
    for lesion in lesions:
        key = lesion.reference.patient_id, lesion.reference.study_uid
        by_examination[key].append(lesion)
    found = []
    for group in by_examination.values():
        bodies = [(s.reference.affine, s.box, s.mask) for s in group]
        for a, b in overlapping(bodies):
            found.append(
                f"row {group[b].label.row}: overlaps the lesion of row {group[a].label.row}"
            )
    return found
