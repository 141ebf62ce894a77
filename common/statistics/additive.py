"""What adds up over sites: one layout of integers for histograms, counts and sums.

Every site that puts in its `Additive` under masks, or in plain, uses the same layout, so that
the sum of the vectors modulo 2^64 is the vector of the pooled cohort (docs/decisions/0012).
The layout is fixed but for the readers, whose names the request states:

| section | shape | holds |
|---|---|---|
| `patient_scores` | [2, 65536] | patients by truth (benign, malignant) and bin of 1 − p_benign |
| `lesion_scores` | [3, 3, 65536] | lesions by score's class k, true class c and bin of p_k |
| `size` | [2] | patients, lesions |
| `confusion` | [3, 3] | lesions by true class and class with the largest probability |
| `called` | [4, 2, 2] | by task, truth, and call at the operating point (lesion tasks: 0.5) |
| `clusters` | [4, 2] | by task: patients with at least one negative, one positive |
| `decision` | [4, 2, 19] | by task and truth: cases with p ≥ 0.05, 0.10, … 0.95 |
| `reliability` | [4, 2, 10] | by task and truth: cases with p in tenths of [0, 1] |
| `score_sums` | [4, 10] | by task: Σ p in each tenth (fixed point) |
| `squares` | [4] | by task: Σ (p − truth)² (fixed point) |
| `confusion_products` | [9, 9] | Σ x xᵀ over patients, x their lesions by cell of `confusion` |
| `called_products` | [3, 4, 4] | the same by lesion task, x their lesions by cell of `called` |
| `reader_calls` | [R, 2, 2, 2] | by reader: patients by truth, model's call, reader's call |
| `reader_pairs` | [R(R−1)/2, 2, 2] | by pair of readers: patients by their two calls |

Tasks are in the order of `TASK_ORDER`. Fixed point: the integer nearest to 2^36 times the site's
sum; 1.5e-11 a site, room for 1.3e8 cases. Signed sums (`clusters.Products`) are two's
complement.
"""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from hepafed.common.contract import CLASS_KEYS, TASKS
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.bins import BINS
from hepafed.common.statistics.clustered import possible_products
from numpy.typing import NDArray

Counts = NDArray[np.int64]
TASK_ORDER: tuple[tuple[str, str], ...] = tuple((u, t) for u, names in TASKS.items() for t in names)
"""The unit and the name of each of the four tasks, in the order of the sections."""

FRACTION_BITS = 36
SCALE = float(1 << FRACTION_BITS)
TENTHS = 10
DECISION_THRESHOLDS = tuple(round(i / 20, 2) for i in range(1, 20))
MOST_READERS = 32
HISTOGRAMS = ("patient_scores", "lesion_scores")
"""The fine sections, which leave masked or plain only; the others are the small sections."""


def sections(readers: int = 0) -> dict[str, tuple[int, ...]]:
    """Return the layout: name → shape, in the vector's order."""
    tasks, classes = len(TASK_ORDER), len(CLASS_KEYS)
    return {
        "patient_scores": (2, BINS),
        "lesion_scores": (classes, classes, BINS),
        "size": (2,),
        "confusion": (classes, classes),
        "called": (tasks, 2, 2),
        "clusters": (tasks, 2),
        "decision": (tasks, 2, len(DECISION_THRESHOLDS)),
        "reliability": (tasks, 2, TENTHS),
        "score_sums": (tasks, TENTHS),
        "squares": (tasks,),
        "confusion_products": (classes**2, classes**2),
        "called_products": (tasks - 1, 4, 4),
        "reader_calls": (readers, 2, 2, 2),
        "reader_pairs": (readers * (readers - 1) // 2, 2, 2),
    }


def vector_length(readers: int = 0) -> int:
    """Return how many integers of 64 bits a vector holds (720,896 in the histograms)."""
    return length_of(sections(readers))


def length_of(layout: Mapping[str, tuple[int, ...]]) -> int:
    """Return how many integers a vector of this layout (name → shape) holds."""
    return sum(math.prod(shape) for shape in layout.values())


def vector_of(arrays: object, layout: Mapping[str, tuple[int, ...]]) -> NDArray[np.uint64]:
    """Return the int64 arrays that `arrays` has under the layout's names as one vector."""
    parts = [getattr(arrays, name).ravel() for name in layout]
    return np.concatenate(parts).astype(np.int64).view(np.uint64)


def sections_of(
    vector: NDArray[np.uint64], layout: Mapping[str, tuple[int, ...]], what: str
) -> dict[str, Counts]:
    """Return the arrays of a vector by name.

    Raises
    ------
    PayloadError
        The vector, which is of `what`, has another length or type than the layout.
    """
    if vector.shape != (length_of(layout),) or vector.dtype != np.uint64:
        raise PayloadError(f"a vector of {what} does not have the agreed layout")
    found, start, whole = {}, 0, vector.view(np.int64)
    for name, shape in layout.items():
        end = start + math.prod(shape)
        found[name] = whole[start:end].reshape(shape)
        start = end
    return found


def to_fixed(values: NDArray[np.float64] | float) -> Counts:
    """Return real sums in fixed point, int64."""
    return np.rint(np.asarray(values, np.float64) * SCALE).astype(np.int64)


def from_fixed(values: Counts) -> NDArray[np.float64]:
    """Return the real sums of fixed-point integers."""
    return np.asarray(values, np.int64) / SCALE


@dataclass(frozen=True, eq=False)
class Additive:
    """The additive components of one site, or of the sum of several; int64 arrays.

    The module's table gives the shapes.
    """

    readers: tuple[str, ...]
    """Names of the readers, as the request states them; not part of the vector."""
    patient_scores: Counts
    lesion_scores: Counts
    size: Counts
    confusion: Counts
    called: Counts
    clusters: Counts
    decision: Counts
    reliability: Counts
    score_sums: Counts
    squares: Counts
    confusion_products: Counts
    called_products: Counts
    reader_calls: Counts
    reader_pairs: Counts

    def to_vector(self) -> NDArray[np.uint64]:
        """Return all sections as one uint64[vector_length(len(readers))]."""
        return vector_of(self, sections(len(self.readers)))

    @classmethod
    def from_vector(cls, vector: NDArray[np.uint64], readers: tuple[str, ...] = ()) -> "Additive":
        """Return the components in a vector, or in the sum of several modulo 2^64.

        Raises
        ------
        PayloadError
            The length is not that of the layout.
        """
        return cls(readers=readers, **sections_of(vector, sections(len(readers)), "sums"))

    def without_readings(self, left_out: Collection[tuple[str, ...]]) -> "Additive":
        """Return the components with zeros for these readers and pairs of readers."""
        calls, pairs = self.reader_calls.copy(), self.reader_pairs.copy()
        calls[[(r,) in left_out for r in self.readers]] = 0
        pairs[[pair in left_out for pair in reader_pairs(self.readers)]] = 0
        return replace(self, reader_calls=calls, reader_pairs=pairs)

    def of_readers(self, kept: Sequence[str]) -> "Additive":
        """Return the components with the tables of these readers alone, in the order of all."""
        one = [r in kept for r in self.readers]
        two = [a in kept and b in kept for a, b in reader_pairs(self.readers)]
        return replace(
            self,
            readers=tuple(r for r in self.readers if r in kept),
            reader_calls=self.reader_calls[one],
            reader_pairs=self.reader_pairs[two],
        )

    def small(self) -> dict[str, tuple[int, ...]]:
        """Return the small sections as plain integers, by name."""
        names = [f.name for f in fields(self) if f.name not in ("readers", *HISTOGRAMS)]
        return {n: tuple(getattr(self, n).ravel().tolist()) for n in names}


def empty(readers: tuple[str, ...] = ()) -> Additive:
    """Return the components of no case at all."""
    return Additive.from_vector(np.zeros(vector_length(len(readers)), np.uint64), readers)


def add(parts: list[Additive]) -> Additive:
    """Return the sum of the components of several sites.

    Raises
    ------
    PayloadError
        They are of different readers.
    """
    if not parts:
        return empty()
    readers = parts[0].readers
    if any(p.readers != readers for p in parts):
        raise PayloadError("sums of different readers do not add up")
    total = parts[0].to_vector()
    for part in parts[1:]:
        total += part.to_vector()
    return Additive.from_vector(total, readers)


def check_additive(sums: Additive, what: str) -> None:
    """Check that sums can be those of cases.

    Raises
    ------
    PayloadError
        A count is negative or sections disagree; `what` names whose they are.
    """
    s = sums
    patients, lesions = s.size
    by_task = np.concatenate([[patients], np.repeat(lesions, len(TASK_ORDER) - 1)])
    good = all(getattr(s, n).min(initial=0) >= 0 for n in sections(len(s.readers)))
    good = good and s.patient_scores.sum() == patients and s.confusion.sum() == lesions
    good = good and bool((s.lesion_scores.sum((1, 2)) == lesions).all())
    good = good and bool((s.lesion_scores.sum(2) == s.confusion.sum(1)).all())
    good = good and bool((s.called.sum((1, 2)) == by_task).all())
    good = good and bool((s.reliability.sum(2) == s.called.sum(2)).all())
    good = good and bool((s.decision <= s.called.sum(2)[:, :, None]).all())
    good = good and bool((s.clusters <= np.minimum(patients, s.called.sum(2))).all())
    good = good and bool((from_fixed(s.squares) <= by_task + 1e-6).all())
    good = good and bool((s.reader_calls.sum((1, 2, 3)) <= patients).all())
    good = good and possible_products(
        s.confusion_products, s.called_products, (s.confusion, s.called), int(patients)
    )
    if not good:
        raise PayloadError(f"the sums of {what} are impossible")


def reader_pairs(readers: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the pairs of readers in the order of `reader_pairs`."""
    return list(itertools.combinations(readers, 2))


def task_histogram(sums: Additive, unit: str, task: str) -> tuple[Counts, Counts]:
    """Return a task's positives and negatives, int64[65536] each."""
    if unit == "patient":
        return sums.patient_scores[1], sums.patient_scores[0]
    k = CLASS_KEYS.index(task.removesuffix("_vs_rest"))
    scores = sums.lesion_scores[k]
    return scores[k], scores.sum(0) - scores[k]
