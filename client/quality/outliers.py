"""What a finding is, and values far from the site's own median."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from hepafed.client.cohort import Acquisition, Lesion, measurements_from

FAR = 5.0
"""Robust z-score from which a value is an outlier (Iglewicz and Hoaglin 1993 take 3.5)."""
LEAST_SPREAD = 0.05
"""Share of the median below which a spread is not believed: many sites have one protocol."""
MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
FEWEST = 8
"""Values from which outliers are looked for."""


@dataclass(frozen=True)
class Finding:
    """Something a person should look at."""

    kind: str
    """`doubt`, `outlier`, `duplicate`, `leak` (the same pixels in two splits), `shortcut`, or what
    `places` finds: `place`, `position`, `phase`, `b-value`, `adc`."""
    where: str
    """Pseudonyms, or `the cohort`."""
    text: str
    hint: str


def robust_z(values: Sequence[float]) -> list[float]:
    """Return each value's distance from the median in robust standard deviations (1.4826 × MAD)."""
    found = np.asarray(values, np.float64)
    middle = float(np.median(found))
    spread = MAD * float(np.median(np.abs(found - middle)))
    spread = max(spread, LEAST_SPREAD * abs(middle), 1e-9)
    return [float(z) for z in (found - middle) / spread]


def outliers(
    by_sequence: dict[str, list[Acquisition]], rows: Sequence[Lesion]
) -> Iterator[Finding]:
    """Yield acquisitions and lesion sizes unlike the others of the site."""
    hint = "look at it in client cohort --html; remove it from the labels if it is wrong"
    for sequence, found in sorted(by_sequence.items()):
        measures = {
            "distance between slices, mm": [a.between_slices for a in found],
            "pixel spacing, mm": [max(a.between_rows, a.between_columns) for a in found],
            "slices": [float(a.slices) for a in found],
            "contrast (spread divided by mean)": [a.spread / (abs(a.mean) + 1e-9) for a in found],
        }
        for name, values in measures.items():
            for n, text in _far(values):
                where = f"examination {found[n].examination}"
                yield Finding("outlier", where, f"{sequence}, {name}: {text}", hint)
    sized = [(r, max(size)) for r in rows if (size := measurements_from(r.facts).size)]
    for n, text in _far([size for _, size in sized]):
        yield Finding("outlier", f"lesion {sized[n][0].lesion}", f"longest side, mm: {text}", hint)


def _far(values: Sequence[float]) -> Iterator[tuple[int, str]]:
    if len(values) < FEWEST:
        return
    middle = float(np.median(values))
    for n, z in enumerate(robust_z(values)):
        if abs(z) > FAR:
            yield n, f"{values[n]:.3g}; typical here: {middle:.3g}"
