"""Exported key images (PNG, JPEG) for sites that have no DICOM at hand: one lesion a picture."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from hepafed.client.cohort import SIDE, Cohort, Crop
from hepafed.client.ingest.from_dicom import IngestReport, only_one
from hepafed.client.lesions import read_table
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.common.contract import CLASSES, SEQUENCES
from hepafed.common.errors import LabelsError
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

LARGEST_PIXELS = 64_000_000


def ingest_images(
    home: Path,
    images: Path,
    labels: Path,
    *,
    sequence: str,
    label_map: Mapping[str, str],
    where: Mapping[str, str],
    group_column: str,
    file_column: str,
    label_column: str,
    progress: Callable[[int, int], None],
) -> IngestReport:
    """Put pictures listed in a CSV into the cohort store, one channel, one slice a lesion.

    `where` keeps the rows whose columns have these values; `label_map` turns their labels into
    `CLASSES`; pictures of one `group_column` are one patient.

    Raises
    ------
    LabelsError
        The table lacks a column, a label has no class, or no row is left (nothing is stored).
    CohortError
        Another ingest is running, or the store cannot be used.
    """
    if sequence not in SEQUENCES:
        raise LabelsError(f"--sequence {sequence[:40]}: not one of {', '.join(SEQUENCES)}")
    rows = _rows(labels, where, (group_column, file_column, label_column))
    classes = _classes(rows, label_column, label_map)
    with only_one(home):
        names = Pseudonyms(home)
        crops, left = _crops(
            images,
            rows,
            names,
            classes,
            sequence,
            progress,
            (group_column, file_column, label_column),
        )
        if crops:
            store = Cohort.create(home)
            store.add(crops)
            store.note_unreadable(
                {
                    names.of("lesion", r[group_column], r[file_column]): names.of(
                        "patient", r[group_column]
                    )
                    for _, r in rows
                }
            )
    return IngestReport(len(crops), left)


def _crops(
    images: Path,
    rows: list[tuple[int, dict[str, str]]],
    names: Pseudonyms,
    classes: Mapping[str, int],
    sequence: str,
    progress: Callable[[int, int], None],
    columns: tuple[str, str, str],
) -> tuple[list[Crop], list[tuple[str, str]]]:
    """Read the pictures; return their crops, and the rows that were left with the reason."""
    group, file, label = columns
    crops: list[Crop] = []
    left: list[tuple[str, str]] = []
    for done, (number, row) in enumerate(rows, 1):
        try:
            voxels = _read(images, row[file])
        except ValueError as e:
            left.append((f"row {number}", str(e)))
            continue
        finally:
            progress(done, len(rows))
        crops.append(
            Crop(
                names.of("lesion", row[group], row[file]),
                names.of("patient", row[group]),
                classes[row[label]],
                (sequence,),
                voxels,
            )
        )
    return crops, left


def _rows(
    labels: Path, where: Mapping[str, str], needed: tuple[str, ...]
) -> list[tuple[int, dict[str, str]]]:
    columns, rows = read_table(labels, (*needed, *where))
    missing = [c for c in (*needed, *where) if c not in columns]
    if missing:
        raise LabelsError(
            f"{labels} lacks the column {', '.join(missing)}",
            "name the columns with --file-column, --group-column and --label-column",
        )
    chosen = [(i, r) for i, r in rows if all(r[k] == v for k, v in where.items())]
    if not chosen:
        raise LabelsError(f"no row of {labels} matches", "check --where")
    return chosen


def _classes(
    rows: list[tuple[int, dict[str, str]]], column: str, label_map: Mapping[str, str]
) -> dict[str, int]:
    wrong = [v for v in label_map.values() if v not in CLASSES]
    if wrong:
        raise LabelsError(
            f"--label-map: {wrong[0][:40]} is no class", f"classes: {', '.join(CLASSES)}"
        )
    made = {c: i for i, c in enumerate(CLASSES)}
    made |= {k: CLASSES.index(v) for k, v in label_map.items()}
    unknown = [i for i, r in rows if r[column] not in made]
    if unknown:
        shown = ", ".join(map(str, unknown[:20]))
        raise LabelsError(
            f"the label of row {shown} has no class", "name its class with --label-map"
        )
    return made


def _read(images: Path, name: str) -> NDArray[np.float16]:
    """Read a picture as float16 [1, 1, 160, 160], clipped and normalised; ValueError says why."""
    path = images / name
    if not path.resolve().is_relative_to(images.resolve()):
        raise ValueError("the picture lies outside the folder")
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > LARGEST_PIXELS:
                raise ValueError("the picture is too large")
            grey = picture.convert("F").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    except (OSError, UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as e:
        raise ValueError("not a readable picture") from e
    pixels = np.asarray(grey, np.float32)
    low, high = np.percentile(pixels, (0.5, 99.5))
    pixels = np.clip(pixels, low, high)
    spread = float(pixels.std())
    if spread == 0:
        raise ValueError("all pixels of the picture are equal")
    normal: NDArray[np.float32] = (pixels - pixels.mean()) / spread
    return normal.astype(np.float16)[None, None]
