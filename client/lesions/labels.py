"""The labels table: one row a lesion; every problem is found before anything is stored."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hepafed.client.lesions.mask_place import MaskPlaces
from hepafed.client.lesions.table_file import read_table
from hepafed.common.contract import (
    CLASSES,
    MEASURED,
    MOST_VARIABLES,
    NAME,
    PREFIX,
    column_problem,
    plain_level,
)
from hepafed.common.errors import LabelsError

REQUIRED = ("patient_id", "lesion_id", "label")
BOX = ("x_min", "y_min", "z_min", "x_max", "y_max", "z_max")
OPTIONAL = (
    "study_uid",
    "series_uid",
    *BOX,
    "box_space",
    "mask_file",
    "mask_value",
    "reader_*",
    "group_*",
)
READER = re.compile(r"reader_[A-Za-z0-9_-]{1,40}")
SPACES = ("voxel", "patient")
"""Kinds of box coordinates: voxel indices of the series, or patient coordinates (LPS, mm)."""
PLAIN = "a short word in lower case or a band such as 50-59 (no exact age, date or number)"
MOST_SHOWN = 50
FARTHEST = 1e5
"""Voxels or mm; a coordinate beyond it is a mistake."""


@dataclass(frozen=True)
class Label:
    """One lesion as the hospital labelled it; identities stay in memory."""

    row: int
    patient_id: str
    lesion_id: str
    label: int
    """Index in `CLASSES`."""
    study_uid: str = ""
    series_uid: str = ""
    box: tuple[float, ...] | None = None
    """x, y, z of the first and of the last voxel (column, row, slice), or of two opposite corners
    in mm; None where a mask says it."""
    space: str = "voxel"
    """One of `SPACES`."""
    mask_file: Path | None = None
    """DICOM SEG, RTSTRUCT or NIfTI; None without a box: a SEG or RTSTRUCT of the export."""
    mask_member: str = ""
    """Name of the mask inside `mask_file`, where that is a zip archive."""
    mask_value: int | None = None
    """Segment number, ROI number or voxel value of this lesion in the mask."""
    readers: dict[str, int | None] = field(default_factory=dict)
    """Reader's name → 1 (malignant), 0, or None (not read)."""
    groups: dict[str, str] = field(default_factory=dict)
    """Variable → value of those that are stated (see `common/contract/subgroup_levels.py`)."""


def read_labels(path: Path) -> list[Label]:
    """Return the rows of a labels table (docs/labels.md), checked.

    Raises
    ------
    LabelsError
        The file cannot be read, a column is missing, or rows are wrong: every problem by row
        number, never by value.
    """
    columns, rows = read_table(path, REQUIRED, (*REQUIRED, *OPTIONAL), BOX)
    if not all(READER.fullmatch(c) for c in columns if c.startswith("reader_")):
        raise LabelsError(f"{path}: a reader's name is not usable", "reader_ and 1 to 40 letters")
    missing = [c for c in REQUIRED if c not in columns]
    some = [c for c in BOX if c in columns]
    if some:
        missing += [c for c in BOX if c not in columns]
    twice = sorted({c for c in columns if columns.count(c) > 1 and c in (*REQUIRED, *OPTIONAL)})
    if missing or twice:
        what = f"lacks the column {', '.join(missing)}" if missing else "has a column twice"
        raise LabelsError(
            f"{path} {what}", f"columns: {', '.join(REQUIRED)}[, {', '.join(OPTIONAL)}]"
        )
    problems: list[str] = []
    readers = [c for c in columns if c.startswith("reader_")]
    groups = [c for c in columns if c.startswith(PREFIX)]
    _check_groups(path, groups, rows)
    places = MaskPlaces(path.parent)
    made = [_label(i, row, readers, groups, places, problems.append) for i, row in rows]
    seen: dict[tuple[str, str], int] = {}
    for i, row in rows:
        first = seen.setdefault((row["patient_id"], row["lesion_id"]), i)
        if first != i:
            problems.append(f"row {i}: the same lesion as row {first}")
    complain_about(problems, path)
    if not made:
        raise LabelsError(f"{path} has no rows", "one row a lesion")
    return [m for m in made if m is not None]


def complain_about(problems: list[str], path: Path) -> None:
    """Raise LabelsError with every problem, if there is one."""
    if problems:
        ordered = sorted(dict.fromkeys(problems), key=_row_of)
        more = f"; and {len(ordered) - MOST_SHOWN} more" if len(ordered) > MOST_SHOWN else ""
        raise LabelsError(
            f"{path}: " + "; ".join(ordered[:MOST_SHOWN]) + more,
            "correct these rows; nothing was stored",
        )


def _row_of(problem: str) -> int:
    number = problem.removeprefix("row ").partition(":")[0].partition(" ")[0]
    return int(number) if number.isdigit() else 0


def _label(
    i: int,
    row: dict[str, str],
    readers: list[str],
    groups: list[str],
    places: MaskPlaces,
    problem: Callable[[str], None],
) -> Label | None:
    """Return a row's lesion; None when the row has problems, each of which goes to `problem`."""
    found: list[str] = [f"{c} is empty" for c in ("patient_id", "lesion_id") if not row[c]]
    label = row["label"].lower()
    if label not in CLASSES:
        found.append(f"label is not one of {', '.join(CLASSES)}")
    space = row.get("box_space", "").lower() or "voxel"
    if space not in SPACES:
        found.append(f"box_space is not one of {', '.join(SPACES)}")
    box = _box(row, space, found)
    mask, member = _mask(row, places, found)
    if box is not None and mask is not None:
        found.append("both a box and a mask_file: leave one empty")
    value = row.get("mask_value", "")
    if value and not (value.isascii() and value.isdigit() and 0 < int(value[:9]) < 65536):
        found.append("mask_value is not a whole number from 1 to 65535")
    found += [f"{c} is not 0, 1 or empty" for c in readers if row[c] not in ("", "0", "1")]
    found += [f"{c} is not {PLAIN}" for c in groups if row[c] and not _plain(row[c])]
    for text in found:
        problem(f"row {i}: {text}")
    if found:
        return None
    return Label(
        row=i,
        patient_id=row["patient_id"],
        lesion_id=row["lesion_id"],
        label=CLASSES.index(label),
        study_uid=row.get("study_uid", ""),
        series_uid=row.get("series_uid", ""),
        box=box,
        space=space,
        mask_file=mask,
        mask_member=member,
        mask_value=int(value) if value else None,
        readers={c.removeprefix("reader_"): int(row[c]) if row[c] else None for c in readers},
        groups={c.removeprefix(PREFIX): row[c] for c in groups if row[c]},
    )


def _plain(value: str) -> bool:
    return value == value.lower() and plain_level(value)


def _check_groups(path: Path, groups: list[str], rows: list[tuple[int, dict[str, str]]]) -> None:
    """Check the declared columns as a whole; LabelsError names the column, never a value."""
    names = [c.removeprefix(PREFIX) for c in groups]
    if not all(NAME.fullmatch(n) and n not in MEASURED for n in names):
        raise LabelsError(
            f"{path}: the name of a column group_… is not usable",
            f"lower-case letters, digits and '_'; not {', '.join(MEASURED)}, which are measured",
        )
    if len(names) > MOST_VARIABLES:
        raise LabelsError(f"{path} has more than {MOST_VARIABLES} columns group_…")
    for c in groups:
        if wrong := column_problem((row["patient_id"], row[c]) for _, row in rows):
            raise LabelsError(
                f"{path}: the column {c} {wrong}", "declare groups, not single values"
            )


def _box(row: dict[str, str], space: str, found: list[str]) -> tuple[float, ...] | None:
    texts = [row.get(c, "") for c in BOX]
    if not any(texts):
        return None
    try:
        box = tuple(float(t) for t in texts)
    except ValueError:
        found.append("the box is not six numbers")
        return None
    if not all(math.isfinite(v) and abs(v) < FARTHEST for v in box):
        found.append("the box is not six numbers of a usable size")
        return None
    corners = list(zip(box[:3], box[3:], strict=True))
    if not all(a <= b for a, b in corners) or (space == "voxel" and min(box) < 0):
        found.append("the box's corners are not in order or are negative")
        return None
    if space == "patient" and not all(a < b for a, b in corners):
        found.append("the box has no extent")
        return None
    return box


def _mask(row: dict[str, str], places: MaskPlaces, found: list[str]) -> tuple[Path | None, str]:
    name = row.get("mask_file", "")
    if not name:
        return None, ""
    try:
        return places.find(name)
    except LabelsError as e:
        found.append(e.message)
        return None, ""
