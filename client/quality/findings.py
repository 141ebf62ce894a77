"""Quality control of a site's cohort: scanners, spacing, b-values, and all that is odd in it.

Everything is read from the store; findings name pseudonyms alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np
from hepafed.client.cohort import Acquisition, Cohort, Lesion
from hepafed.client.quality.doubts import doubts
from hepafed.client.quality.duplicates import describe, same_pictures
from hepafed.client.quality.outliers import Finding, outliers
from hepafed.client.quality.places import findings_of_places
from hepafed.client.quality.shortcuts import Shortcut, shortcuts
from numpy.typing import NDArray

QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Quality:
    """The result of quality control over a cohort."""

    scanners: dict[str, int]
    """Examinations by manufacturer and field strength."""
    b_values: dict[str, int]
    """DWI examinations by the b-values they have, s/mm²."""
    spacing: dict[str, tuple[tuple[float, ...], tuple[float, ...]]]
    """Sequence → 10, 50 and 90 % quantiles between slices and in the plane, mm."""
    findings: tuple[Finding, ...] = field(default=())
    shortcuts: tuple[Shortcut, ...] = field(default=())
    """The audit: from what else than the lesion's shape the class can be told."""


def quality(store: Cohort) -> Quality:
    """Return what is odd in a cohort; CohortError when a crop is missing or damaged."""
    acquired, rows, splits = store.acquisitions(), store.rows(), store.splits()
    by_sequence: dict[str, list[Acquisition]] = defaultdict(list)
    for a in acquired:
        by_sequence[a.sequence].append(a)
    scanners = {a.examination: scanner_of(a) for a in acquired}
    audited = shortcuts(store, rows, acquired)
    return Quality(
        scanners=dict(sorted(Counter(scanners.values()).items())),
        b_values=dict(
            sorted(Counter(a.b_values or "not stated" for a in by_sequence["dwi"]).items())
        ),
        spacing={s: spacing_of(found) for s, found in sorted(by_sequence.items()) if found},
        findings=tuple(
            chain(
                doubts(acquired),
                outliers(by_sequence, rows),
                findings_of_places(rows),
                _same_volumes(acquired, splits),
                _same_crops(store, rows, splits),
                _shortcuts(audited),
            )
        ),
        shortcuts=audited,
    )


def _shortcuts(audited: Sequence[Shortcut]) -> Iterator[Finding]:
    for s in audited:
        if s.is_finding:
            text = f"{s.known} tell benign from malignant lesions: {s.text}"
            yield Finding("shortcut", "the cohort", text, s.to_do)


def scanner_of(a: Acquisition) -> str:
    """Return manufacturer and field strength as one name."""
    return f"{a.manufacturer} {a.field_strength:g} T" if a.field_strength else a.manufacturer


def spacing_of(found: Sequence[Acquisition]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the quantiles of the spacing between slices and in the plane, mm."""
    slices = np.quantile([a.between_slices for a in found], QUANTILES)
    plane = np.quantile([max(a.between_rows, a.between_columns) for a in found], QUANTILES)
    return tuple(np.round(slices, 1).tolist()), tuple(np.round(plane, 1).tolist())


def _same_volumes(acquired: Sequence[Acquisition], splits: dict[str, str]) -> Iterator[Finding]:
    by_pixels: dict[str, list[Acquisition]] = defaultdict(list)
    for a in acquired:
        by_pixels[a.pixels].append(a)
    for found in by_pixels.values():
        for other in found[1:]:
            if other.patient != found[0].patient:
                what = f"both have the same {other.sequence} volume, voxel for voxel"
                yield _double(found[0].patient, other.patient, what, splits)


def _same_crops(store: Cohort, rows: Sequence[Lesion], splits: dict[str, str]) -> Iterator[Finding]:
    """Compare the middle slice of every crop with its likes, sequence by sequence."""
    described: dict[str, list[tuple[NDArray[np.float32], Lesion]]] = defaultdict(list)
    for row in rows:
        voxels = store.voxels(row)
        for channel, sequence in enumerate(row.sequences.split(",")):
            made = describe(voxels[channel, row.slices // 2])
            if made is not None:
                described[sequence].append((made, row))
    pairs: dict[tuple[str, str], tuple[str, float]] = {}
    for sequence, found in sorted(described.items()):
        shown = partial(_middle, store, [r for _, r in found], sequence)
        owners = [r.patient for _, r in found]
        for a, b, alike in same_pictures([d for d, _ in found], owners, shown):
            key = (found[a][1].lesion, found[b][1].lesion)
            if key not in pairs or alike > pairs[key][1]:
                pairs[key] = (sequence, alike)
    patient = {r.lesion: r.patient for r in rows}
    for (one, other), (sequence, alike) in sorted(pairs.items()):
        what = (
            f"lesions {one} and {other} show the same picture in {sequence} "
            f"(similarity {alike:.2f})"
        )
        yield _double(patient[one], patient[other], what, splits)


def _middle(store: Cohort, rows: Sequence[Lesion], sequence: str, n: int) -> NDArray[np.float16]:
    """Read the middle slice of a lesion's crop in one sequence."""
    row = rows[n]
    voxels = store.voxels(row)
    return np.asarray(voxels[row.sequences.split(",").index(sequence), row.slices // 2])


def _double(first: str, second: str, what: str, splits: dict[str, str]) -> Finding:
    one, other = splits.get(first, ""), splits.get(second, "")
    where = f"patients {first} and {second}"
    if one != other:
        return Finding(
            "leak",
            where,
            f"{what}, in {one} and {other}",
            "this may be one person with two ids: use one patient_id in labels.csv and in the "
            "export, "
            "move the cohort folder away and ingest again",
        )
    return Finding(
        "duplicate",
        where,
        f"{what}, both in {one}",
        "this may be one person with two ids, or one examination exported twice: keep one of them",
    )
