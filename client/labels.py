"""The labels table: one row a lesion; every problem is found before anything is stored."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.errors import LabelsError
from hepafed.common.vocabulary import CLASSES

REQUIRED = ("patient_id", "lesion_id", "label")
BOX = ("x_min", "y_min", "z_min", "x_max", "y_max", "z_max")
MOST_SHOWN = 50


@dataclass(frozen=True)
class Label:
    """One lesion as the hospital labelled it; identities stay in memory."""

    row: int
    patient_id: str
    lesion_id: str
    label: int
    """Index in `CLASSES`."""
    study_uid: str
    series_uid: str
    box: tuple[float, ...]
    """x, y, z of the first and of the last voxel (column, row, slice) in the reference grid."""


def read_labels(path: Path) -> list[Label]:
    """Read and check a labels table.

    Raises
    ------
    LabelsError
        The file cannot be read, a column is missing, or rows are wrong: every problem by row
        number, never by value.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            reader = csv.DictReader(f)
            columns = list(reader.fieldnames or ())
            rows = [
                (i, {c: str(r.get(c) or "").strip() for c in columns})
                for i, r in enumerate(reader, 2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise LabelsError(f"cannot read {path}", "name a CSV file in UTF-8") from e
    missing = [c for c in (*REQUIRED, *BOX) if c not in columns]
    if missing:
        raise LabelsError(
            f"{path} lacks the column {', '.join(missing)}",
            f"columns: {', '.join((*REQUIRED, *BOX))}[, study_uid, series_uid]",
        )
    problems: list[str] = []
    made = [_label(i, row, problems.append) for i, row in rows]
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
        more = f"; and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
        raise LabelsError(
            f"{path}: " + "; ".join(problems[:MOST_SHOWN]) + more,
            "correct these rows; nothing was stored",
        )


def _label(i: int, row: dict[str, str], problem: Callable[[str], None]) -> Label | None:
    wrong = [c for c in ("patient_id", "lesion_id") if not row[c]]
    for column in wrong:
        problem(f"row {i}: {column} is empty")
    if row["label"] not in CLASSES:
        problem(f"row {i}: label is not one of {', '.join(CLASSES)}")
        return None
    try:
        box = tuple(float(row[c]) for c in BOX)
    except ValueError:
        problem(f"row {i}: the box is not six numbers")
        return None
    if not all(0 <= a <= b < 1e5 for a, b in zip(box[:3], box[3:], strict=True)):
        problem(f"row {i}: the box's corners are not in order")
        return None
    if wrong:
        return None
    return Label(
        i, row["patient_id"], row["lesion_id"], CLASSES.index(row["label"]),
        row.get("study_uid", ""), row.get("series_uid", ""), box,
    )  # fmt: skip
