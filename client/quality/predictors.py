"""What a class could be read from without a look at the lesion, as one row of numbers a lesion."""

from collections.abc import Sequence

import numpy as np
from hepafed.client.cohort import MARGIN, SIDE, Acquisition, Cohort, Lesion
from hepafed.common.contract import SEQUENCES
from numpy.typing import NDArray

Table = NDArray[np.float64]

LEVELS = (1, 5, 10, 25, 50, 75, 90, 95, 99)
"""Percentiles by which the grey levels of a crop are described."""
BORDER = round(SIDE * (1 - 1 / MARGIN) / 2)
"""Pixels from each side of a crop that lie outside the lesion's box, whatever its size."""
ENOUGH = 0.5
"""Share of the lesions that must have a figure for it to be used."""
MEASURES = ("rows", "columns", "slices", "between_slices", "between_rows", "between_columns")


def acquisition_table(rows: Sequence[Lesion], acquired: Sequence[Acquisition]) -> Table:
    """Return the acquisition facts of each lesion's examination [lesions, facts]; no date.

    Manufacturer and sequences are 0 or 1. A number that is not stated is NaN, and a fact of its
    own says so. Facts in which no lesion differs from another are left out.
    """
    by_examination: dict[str, dict[str, Acquisition]] = {}
    for a in acquired:
        by_examination.setdefault(a.examination, {})[a.sequence] = a
    makers = sorted({a.manufacturer for a in acquired})
    made = [_facts_of(r, by_examination.get(r.examination, {}), makers) for r in rows]
    return _useful(np.array(made, np.float64).reshape(len(rows), -1))


def _facts_of(row: Lesion, found: dict[str, Acquisition], makers: Sequence[str]) -> list[float]:
    there = row.sequences.split(",")
    facts: list[float] = [float(s in there) for s in SEQUENCES]
    facts += [float(any(a.manufacturer == m for a in found.values())) for m in makers]
    strengths = [a.field_strength for a in found.values() if a.field_strength is not None]
    facts.append(max(strengths, default=np.nan))
    for sequence in SEQUENCES:
        a = found.get(sequence)
        facts += [float(getattr(a, m)) if a else np.nan for m in MEASURES]
        facts.append(np.nan if a is None or a.b_value is None else a.b_value)
        facts.append(float(len([b for b in a.b_values.split(",") if b])) if a else np.nan)
    return facts + [float(np.isnan(f)) for f in facts]


def grey_tables(store: Cohort, rows: Sequence[Lesion]) -> tuple[Table, Table]:
    """Return the grey levels of the crops' borders, and of whole crops [lesions, levels] each.

    Of each sequence: percentiles, mean and spread, over all slices and without their places. A
    sequence that most lesions lack is left out.

    Raises
    ------
    CohortError
        A crop is missing or damaged.
    """
    border = np.ones((SIDE, SIDE), bool)
    border[BORDER:-BORDER, BORDER:-BORDER] = False
    shape = (len(rows), len(SEQUENCES), len(LEVELS) + 2)
    outer, whole = np.full(shape, np.nan), np.full(shape, np.nan)
    for n, row in enumerate(rows):
        voxels = store.voxels(row).astype(np.float32)
        for channel, sequence in enumerate(row.sequences.split(",")):
            at = SEQUENCES.index(sequence)
            outer[n, at] = _levels(voxels[channel][:, border])
            whole[n, at] = _levels(voxels[channel])
    return _useful(outer.reshape(len(rows), -1)), _useful(whole.reshape(len(rows), -1))


def _levels(values: NDArray[np.float32]) -> list[float]:
    found = np.percentile(values, LEVELS)
    return [*map(float, found), float(values.mean()), float(values.std())]


def _useful(table: Table) -> Table:
    """Keep the columns that enough lesions have and in which they differ."""
    there = ~np.isnan(table)
    low = np.where(there, table, np.inf).min(axis=0, initial=np.inf)
    high = np.where(there, table, -np.inf).max(axis=0, initial=-np.inf)
    return table[:, (there.sum(axis=0) >= ENOUGH * len(table)) & (low < high)]
