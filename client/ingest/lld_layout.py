"""The public LLD-MMRI layout: NIfTI series and one Annotation.json, seven classes made three.

`images/PATIENT/STUDY/SERIES.nii.gz`, and `Annotation.json` beside `images` or in `labels/`:
`Annotation_info` → patient → list of series with `studyUID`, `seriesUID`, `phase` and
`annotation.lesion` → number → `category`, `bbox["3D_box"]` in voxels of that series.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepafed.client.lesions import complain_about
from hepafed.common.contract import CLASSES
from hepafed.common.errors import LabelsError, UsageError

LARGEST_JSON = 64 << 20
"""Bytes; the published file has a few megabytes."""
CORNERS = ("x_min", "y_min", "z_min", "x_max", "y_max", "z_max")
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "benign": (
        "hepatichemangioma", "hepatichaemangioma", "hemangioma", "haemangioma",
        "hepaticabscess", "abscess", "hepaticcyst", "hepaticcysts", "cyst", "cysts",
        "focalnodularhyperplasia", "fnh",
    ),
    "primary-malignant": (
        "hepatocellularcarcinoma", "hcc", "intrahepaticcholangiocarcinoma", "icc",
    ),
    "metastatic": (
        "hepaticmetastasis", "hepaticmetastases", "livermetastasis", "livermetastases",
        "metastasis", "metastases",
    ),
}  # fmt: skip
"""Our class → the categories of LLD-MMRI, letters only, lower case (docs/labels.md)."""
PHASES: Mapping[str, str] = {
    "t2wi": "t2", "dwi": "dwi", "inphase": "t1-in-phase", "outphase": "t1-opposed-phase",
    "cpre": "t1-pre", "c+a": "arterial", "c+v": "portal", "c+delay": "delayed",
}  # fmt: skip
"""LLD-MMRI's phase, letters and + only, lower case → our sequence."""


@dataclass(frozen=True)
class SeriesEntry:
    """One series of the annotation; identities stay in memory."""

    path: Path
    sequence: str
    boxes: dict[str, tuple[float, ...]]
    """Lesion's number → x, y, z of its first and last voxel in this series."""


@dataclass(frozen=True)
class Examination:
    """One patient's study."""

    patient: str
    study: str
    series: tuple[SeriesEntry, ...]
    labels: dict[str, int]
    """Lesion's number → index in `CLASSES`."""


def read_annotation(folder: Path) -> tuple[list[Examination], Path]:
    """Read the annotation of an LLD-MMRI folder; return the examinations and the file.

    Raises
    ------
    UsageError
        The folder is not in that layout.
    LabelsError
        The file is not the annotation, or entries are wrong: every problem, by the number of
        patient and series in the file, never by value.
    """
    file = next(
        (f for f in (folder / "Annotation.json", folder / "labels/Annotation.json") if f.is_file()),
        None,
    )
    if file is None or not (folder / "images").is_dir():
        raise UsageError(
            f"{folder} is not in the LLD-MMRI layout",
            "the folder must contain images/ and Annotation.json",
        )
    try:
        if file.stat().st_size > LARGEST_JSON:
            raise LabelsError(
                f"{file} is too large",
                "use the annotation file that was published with the data set",
            )
        patients = json.loads(file.read_text(encoding="utf-8"))["Annotation_info"]
        listed = [(str(p), list(entries)) for p, entries in patients.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise LabelsError(f"{file} is not an LLD-MMRI annotation", "see the data set") from e
    problems: list[str] = []
    found: list[Examination] = []
    for number, (patient, entries) in enumerate(listed, 1):
        found += _patient(folder / "images", number, patient, entries, problems)
    _owners(found, problems)
    complain_about(problems, file)
    if not found:
        raise LabelsError(f"{file} has no lesions", "see the data set")
    return found, file


def _patient(
    images: Path, number: int, patient: str, entries: list[Any], problems: list[str]
) -> list[Examination]:
    series: dict[str, list[SeriesEntry]] = defaultdict(list)
    labels: dict[str, dict[str, int]] = defaultdict(dict)
    for place, entry in enumerate(entries, 1):
        where = f"patient {number}, series {place}"
        try:
            study, made, classes = _series(images, patient, entry)
        except ValueError as e:
            problems.append(f"{where}: {e}")
            continue
        except (KeyError, TypeError, AttributeError):
            problems.append(f"{where}: not a series entry of LLD-MMRI")
            continue
        for lesion, label in classes.items():
            if labels[study].setdefault(lesion, label) != label:
                problems.append(f"{where}: a lesion has another class than in an earlier series")
        if made.sequence and any(s.sequence == made.sequence for s in series[study]):
            problems.append(f"{where}: a second series of its phase")
        series[study].append(made)
    return [Examination(patient, s, tuple(series[s]), labels[s]) for s in series if labels[s]]


def _series(
    images: Path, patient: str, entry: Mapping[str, Any]
) -> tuple[str, SeriesEntry, dict[str, int]]:
    """Read one entry; ValueError says what is wrong with it."""
    study, uid = str(entry["studyUID"]), str(entry["seriesUID"])
    if not all(re.fullmatch(r"[\w.-]{1,128}", w) and ".." not in w for w in (patient, study, uid)):
        raise ValueError("a name that is not usable as a folder's name")
    path = images / patient / study / f"{uid}.nii.gz"
    if not path.is_file():
        path = path.with_suffix("")
    if not path.is_file():
        raise ValueError("its NIfTI file is missing")
    phase = re.sub(r"[^a-z0-9+]", "", str(entry["phase"]).lower())
    if phase not in PHASES:
        raise ValueError("its phase is none of the eight")
    lesions = entry["annotation"]["lesion"]
    numbered = lesions.items() if isinstance(lesions, dict) else enumerate(lesions)
    boxes: dict[str, tuple[float, ...]] = {}
    labels: dict[str, int] = {}
    for number, lesion in numbered:
        labels[str(number)] = _class(str(lesion["category"]))
        boxes[str(number)] = _box(lesion["bbox"]["3D_box"])
    return study, SeriesEntry(path, PHASES[phase], boxes), labels


def _class(category: str) -> int:
    letters = re.sub(r"[^a-z]", "", category.lower())
    for label, names in CATEGORIES.items():
        if letters in names:
            return CLASSES.index(label)
    raise ValueError("a lesion's category is none of the seven")


def _box(values: Mapping[str, Any]) -> tuple[float, ...]:
    try:
        box = tuple(float(values[c]) for c in CORNERS)
    except (TypeError, ValueError) as e:
        raise ValueError("a 3D_box is not six numbers") from e
    corners = zip(box[:3], box[3:], strict=True)
    if not all(math.isfinite(v) for v in box) or not all(0 <= a <= b < 1e5 for a, b in corners):
        raise ValueError("a 3D_box's corners are not in order")
    return box


def _owners(found: list[Examination], problems: list[str]) -> None:
    """Find studies that stand under two patients: they would be in two splits."""
    owner: dict[str, str] = {}
    for n, examination in enumerate(found, 1):
        if owner.setdefault(examination.study, examination.patient) != examination.patient:
            problems.append(f"examination {n}: its study is also listed under another patient")
