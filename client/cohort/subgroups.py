"""The variables by which a site's figures can be split, lesion by lesion: measured and declared."""

from collections.abc import Iterable, Sequence

import numpy as np
from hepafed.client.cohort.measurements import Facts, facts_from
from hepafed.client.cohort.store import Acquisition, Selection
from hepafed.common.contract import MEASURED, SEVERAL, SIZES
from numpy.typing import NDArray

FIELD_STRENGTHS = ((1.4, 1.6, "1.5 T"), (2.8, 3.2, "3 T"))
"""Tesla from, to, and the name of what lies between."""
SMALL, LARGE = 20.0, 50.0
"""Millimetres at which lesion sizes are cut: 2 cm (BCLC's very early stage), 5 cm (Milan)."""


def groups_of(selection: Selection, acquired: Sequence[Acquisition]) -> dict[str, NDArray[np.str_]]:
    """Give variable → value of each lesion of a selection; empty where it is not stated.

    Vendor and field strength are those of the lesion's examination.
    """
    facts = [facts_from(text) for text in selection.facts]
    vendor, strength = _scanners(acquired)
    made: dict[str, Iterable[str]] = {
        "lesion_size": [size_level(f) for f in facts],
        "vendor": [vendor.get(e, "") for e in selection.examinations],
        "field_strength": [strength.get(e, "") for e in selection.examinations],
    }
    for name in sorted({n for f in facts for n in f.groups} - {*MEASURED}):
        made[name] = [f.groups.get(name, "") for f in facts]
    return {name: np.array([*values], np.str_) for name, values in made.items()}


def size_level(facts: Facts) -> str:
    """Name the longest extent in the plane of the slices; empty where it is not known."""
    if not facts.size:
        return ""
    longest = max(facts.size[:2])
    return SIZES[0] if longest < SMALL else SIZES[1] if longest <= LARGE else SIZES[2]


def _scanners(acquired: Sequence[Acquisition]) -> tuple[dict[str, str], dict[str, str]]:
    """Give examination → vendor, and examination → field strength."""
    vendors: dict[str, set[str]] = {}
    strengths: dict[str, set[str]] = {}
    for a in acquired:
        vendors.setdefault(a.examination, set()).add(a.manufacturer)
        if a.field_strength is not None:
            strengths.setdefault(a.examination, set()).add(field_strength(a.field_strength))
    return (
        {e: _only(v) for e, v in vendors.items()},
        {e: _only(v) for e, v in strengths.items()},
    )


def _only(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else SEVERAL


def field_strength(tesla: float | None) -> str:
    """Name a field strength roughly: the exact one can be one scanner's."""
    if tesla is None:
        return "not stated"
    return next((name for low, high, name in FIELD_STRENGTHS if low <= tesla <= high), "other")
