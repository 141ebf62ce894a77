"""What score counts tell an attacker, in each form of release: the worked example of the docs.

`python docs/attack.py` prints the table; `make docs` writes it into what-leaves-the-site.md, and a
test holds the document to it. The attacker wants the scores and classes of one hospital's
patients, and knows the binning, which is public.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hepafed.common.statistics import BINS, Histogram, bin_logits, cells_of, logits_of_bins
from numpy.typing import NDArray

PATIENTS = 60
CLOSE = 0.001
"""A score is read off when the guess is this near, in probability."""

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hospital:
    """Scores of one hospital: logits, and whether malignant."""

    logits: Floats
    malignant: NDArray[np.bool_]

    def counts(self) -> Counts:
        """Count scores by class and bin: int64[2, 65536], benign and malignant."""
        places = self.malignant * BINS + bin_logits(self.logits)
        return np.bincount(places, minlength=2 * BINS).reshape(2, BINS)


@dataclass(frozen=True)
class Found:
    """How well the attacker does against the 60 patients."""

    close: int
    """Scores known to within `CLOSE`, classes right."""
    median: float
    """Median error of the guessed probabilities."""


def hospital(number: int) -> Hospital:
    """Draw one hospital of 60 patients; two in three are malignant, AUC about 0.9."""
    rng = np.random.default_rng([2025, number])
    malignant = np.arange(PATIENTS) % 3 != 0
    return Hospital(rng.normal(np.where(malignant, 1.3, -1.3), 1.5), malignant)


def _probability(logits: Floats) -> Floats:
    made: Floats = 1 / (1 + np.exp(-logits))
    return made


def _listed(counts: Counts) -> Floats:
    """List a class's scores as its histogram tells them, in order."""
    made: Floats = np.repeat(logits_of_bins(np.arange(BINS)), counts)
    return made


def _guess(pool: Floats, wanted: int) -> Floats:
    """Guess `wanted` scores in order from a longer list: its evenly spaced ranks."""
    ranks = (np.arange(wanted) + 0.5) / wanted * len(pool) - 0.5
    made: Floats = pool[np.rint(ranks).astype(np.int64)]
    return made


def _judge(target: Hospital, guesses: Sequence[Floats]) -> Found:
    errors = []
    for truth, guess in zip((False, True), guesses, strict=True):
        real = np.sort(_probability(target.logits[target.malignant == truth]))
        errors.append(np.abs(real - np.sort(_probability(guess))))
    both = np.concatenate(errors)
    return Found(int((both < CLOSE).sum()), float(np.median(both)))


def from_counts(target: Hospital, counts: Counts) -> Found:
    """Attack with fine counts that hold the target's: its own, or a sum over hospitals."""
    sizes = [int((target.malignant == t).sum()) for t in (False, True)]
    return _judge(target, [_guess(_listed(c), n) for c, n in zip(counts, sizes, strict=True)])


def from_cells(target: Hospital, minimum: int) -> tuple[Found, int]:
    """Attack with cells: every score is guessed at its cell's middle; also gives the cells."""
    benign, malignant = target.counts()
    cells = cells_of(Histogram(malignant, benign), minimum)
    if cells is None:
        raise ValueError(minimum)
    edges = np.array(cells.edges)
    # the outermost cells reach to the end of all bins: their inner edge is the better guess
    inner = np.clip(edges, bin_logits(np.array([-8.0]))[0], bin_logits(np.array([8.0]))[0])
    middle = logits_of_bins((inner[:-1] + inner[1:]) // 2)
    found = _judge(target, [np.repeat(middle, cells.negatives), np.repeat(middle, cells.positives)])
    return found, len(edges) - 1


def class_known(target: Hospital, counts: Counts) -> int:
    """Count the patients whose class follows from their score: only one class is in their bin."""
    bins = bin_logits(target.logits)
    return int((counts.min(0)[bins] == 0).sum())


def class_known_from_cells(target: Hospital, minimum: int) -> int:
    """Count the same with cells: only one class is in their cell."""
    benign, malignant = target.counts()
    cells = cells_of(Histogram(malignant, benign), minimum)
    if cells is None:
        raise ValueError(minimum)
    at = np.searchsorted(np.array(cells.edges), bin_logits(target.logits), side="right") - 1
    return int((np.minimum(cells.positives, cells.negatives)[at] == 0).sum())


def table() -> str:
    """Make the table of the document."""
    target = hospital(0)
    own = target.counts()
    rows: list[tuple[str, str, Found, int]] = [
        (
            "`plain`: the hospital's fine histogram",
            "its scores",
            from_counts(target, own),
            class_known(target, own),
        )
    ]
    for minimum in (5, 10):
        found, count = from_cells(target, minimum)
        known = class_known_from_cells(target, minimum)
        rows.append((f"`cells` of at least {minimum} patients", f"{count} cells", found, known))
    for sites in (2, 3, 5, 10):
        total = np.sum([hospital(i).counts() for i in range(sites)], axis=0)
        what = f"{sites * PATIENTS} scores, not whose"
        rows.append(
            (
                f"`masked`: the sum of {sites} hospitals",
                what,
                from_counts(target, total),
                class_known(target, total),
            )
        )
    others = hospital(1).counts()
    left = (own + others) - others
    rows.append(
        (
            "the sum of 2 hospitals, at the other one",
            "its scores",
            from_counts(target, left),
            class_known(target, left),
        )
    )
    both = hospital(1).counts() + hospital(2).counts()
    left = (own + both) - both
    rows.append(
        (
            "two sums, with and without it (refused)",
            "its scores",
            from_counts(target, left),
            class_known(target, left),
        )
    )
    lines = [
        "| what the attacker holds | which is | scores read off, of 60 | median error | "
        "class known from the score |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {a} | {b} | {f.close} | {f.median:.3f} | {known} |" for a, b, f, known in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
