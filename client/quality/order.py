"""Which lesion a radiologist looks at first: the one place that decides the order of the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

STRONG, MEDIUM, WEAK = 10.0, 4.0, 1.0
WEIGHTS = {
    "body": STRONG,
    "apart": STRONG,
    "size": STRONG,
    "leak": STRONG,
    "duplicate": STRONG,
    "doubt": STRONG,
    "field": MEDIUM,
    "phases": MEDIUM,
    "small": WEAK,
    "classes": WEAK,
    "outlier": WEAK,
}
"""Weight of a remark by its kind: strong where the lesion may be another one or elsewhere."""
OTHER = MEDIUM
"""Weight of a kind that is not listed."""
MOST_OF_A_KIND = 3
"""Remarks of one kind that add up: an examination of unusual spacing has one for each sequence."""


@dataclass(frozen=True)
class Remark:
    """Something to look at, and its kind."""

    kind: str
    """A key of `WEIGHTS`, or another word."""
    text: str


def doubt(remarks: Sequence[Remark]) -> float:
    """Return how doubtful a lesion is; `remarks` are its own and those of its examination."""
    kinds = Counter(r.kind for r in remarks)
    return sum(WEIGHTS.get(k, OTHER) * min(n, MOST_OF_A_KIND) for k, n in kinds.items())
