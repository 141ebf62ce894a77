"""The variables by which a site's figures can be split, lesion by lesion: measured and declared."""

from collections.abc import Iterable, Sequence

import numpy as np
from hepafed.client.cohort.measurements import Measurements, measurements_from
from hepafed.client.cohort.records import Acquisition, Selection
from hepafed.common.contract import MEASURED, SEVERAL, SIZES
from numpy.typing import NDArray

FIELD_STRENGTHS = ((1.4, 1.6, "1.5 T"), (2.8, 3.2, "3 T"))
"""Tesla from, to, and the name of what lies between."""
SMALL, LARGE = 20.0, 50.0
"""Millimetres at which lesion sizes are cut: 2 cm (BCLC's very early stage), 5 cm (Milan)."""


def groups_of(selection: Selection, acquired: Sequence[Acquisition]) -> dict[str, NDArray[np.str_]]:
    """Return the value of each variable for each lesion of a selection.

    A value is empty where it is not stated. Vendor and field strength are those of the lesion's
    examination.
    """
    measured = [measurements_from(text) for text in selection.facts]
    vendor, strength = _scanners(acquired)
    made: dict[str, Iterable[str]] = {
        "lesion_size": [size_level(m) for m in measured],
        "vendor": [vendor.get(e, "") for e in selection.examinations],
        "field_strength": [strength.get(e, "") for e in selection.examinations],
    }
    for name in sorted({n for m in measured for n in m.groups} - {*MEASURED}):
        made[name] = [m.groups.get(name, "") for m in measured]
    return {name: np.array([*values], np.str_) for name, values in made.items()}


def size_level(measured: Measurements) -> str:
    """Return the band of the longest extent in the plane of the slices; empty if not known."""
    if not measured.size:
        return ""
    longest = max(measured.size[:2])
    return SIZES[0] if longest < SMALL else SIZES[1] if longest <= LARGE else SIZES[2]


def _scanners(acquired: Sequence[Acquisition]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the vendor of each examination, and the field strength of each."""
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
    """Return the name of a field strength, roughly: the exact one can be one scanner's."""
    if tesla is None:
        return "not stated"
    return next((name for low, high, name in FIELD_STRENGTHS if low <= tesla <= high), "other")
