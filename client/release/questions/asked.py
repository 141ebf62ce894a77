"""What is remembered of a question: which scores of a cohort were answered, and when.

Of scores the order is kept, of lesions shortened hashes of their pseudonyms. The records stay at
the site.
"""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from hepafed.common.contract import CLASS_KEYS, Plan
from hepafed.common.errors import ConfigError
from hepafed.common.records import write_record
from hepafed.common.statistics import ScoreTable, task_scores
from numpy.typing import NDArray

Ranks = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Of which scores an answer is asked: the same weights and plan give the same scores."""

    split: str
    weights: str
    """Digest of the model's weights."""
    plan: str
    """Digest of the plan that they are scored by."""

    @classmethod
    def of(cls, split: str, weights: str, plan: Plan) -> "Question":
        """Return the question of some weights under a plan."""
        text = json.dumps(write_record(plan), sort_keys=True)
        return cls(split=split, weights=weights, plan=hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The scores of one model that were released."""

    question: Question
    at: str
    """When, UTC."""
    lesions: tuple[str, ...]
    """The lesions as `names_of` names them, in order."""
    ranks: tuple[tuple[int, ...], ...]
    """The rank of each lesion's score, class against the rest, 0 the lowest: [3][lesions]."""
    apart: bool = False
    """Whether a few patients' scores stand apart from all others'."""
    reviewed: bool = False
    """Whether a person at the site has looked at that."""

    def __post_init__(self) -> None:
        """Check that the ranks are those of the lesions."""
        count = len(self.lesions)
        sized = len(self.ranks) == len(CLASS_KEYS) and all(len(r) == count for r in self.ranks)
        if not sized or not all(0 <= v < count for r in self.ranks for v in r):
            raise ConfigError("the ranks of an answer are not those of its lesions")
        if len(set(self.lesions)) < len(self.lesions):
            raise ConfigError("an answer names a lesion twice")


@dataclass(frozen=True, kw_only=True)
class RefusedModel:
    """A model that was refused because its answer would have told of a few patients."""

    question: Question
    at: str
    """When it was refused first, UTC."""
    reviewed: bool = False
    """Whether a person at the site has looked at it."""


@dataclass(frozen=True, kw_only=True)
class PastQuestions:
    """The file questions.json: every model that a site was asked about."""

    secret: str = ""
    """The key of the limits that the coordinator does not know, hex."""
    before: str = ""
    """SHA-256 of the file before its last change; "" for its first."""
    answered: tuple[Answered, ...] = ()
    refused: tuple[RefusedModel, ...] = ()
    tuned: tuple[tuple[str, ...], ...] = ()
    """Each set of lesions of the tuning split that was answered for, in order."""
    described: tuple[tuple[str, ...], ...] = ()
    """Each set of lesions of the whole cohort that was described in counts, in order."""


def answer_of(table: ScoreTable, question: Question, at: str) -> Answered:
    """Return what is remembered of a score table."""
    lesions = np.array(names_of(table), dtype=str)
    order = np.argsort(lesions, kind="stable")
    ranks = [np.unique(row, return_inverse=True)[1][order] for row in logits_of(table)]
    return Answered(
        question=question,
        at=at,
        lesions=tuple(lesions[order].tolist()),
        ranks=tuple(tuple(r.tolist()) for r in ranks),
    )


def names_of(table: ScoreTable) -> list[str]:
    """Return the name of each row's lesion: see `name_of`."""
    content = table.content.tolist() or [""] * len(table.patient)
    rows = zip(table.patient.tolist(), table.lesion.tolist(), content, strict=True)
    return [name_of(*row) for row in rows]


def name_of(patient: str, lesion: str, content: str) -> str:
    """Return `patient.lesion.content`, shortened hashes: what an answer holds of a lesion.

    A lesion that was labelled anew, or has other images, has another name: two answers, before and
    after, differ by its patient.
    """
    return f"{_short(patient)}.{_short(patient, lesion)}.{_short(patient, lesion, content)}"


def patient_of(name: str) -> str:
    """Return the patient's part of a lesion's name."""
    return name.partition(".")[0]


def lesion_of(name: str) -> str:
    """Return a lesion's name without its content."""
    return ".".join(name.split(".")[:2])


def logits_of(table: ScoreTable) -> Floats:
    """Return each lesion's logits, class against the rest: float64[3, lesions]."""
    found = [task_scores(table, "lesion", f"{k}_vs_rest").logits for k in CLASS_KEYS]
    return np.array(found, np.float64)


def patient_numbers(lesions: tuple[str, ...]) -> Ranks:
    """Return each lesion the number of its patient."""
    names = np.array([patient_of(x) for x in lesions], dtype=str)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def in_common(first: Answered, second: Answered) -> tuple[tuple[str, ...], Ranks, Ranks]:
    """Return the lesions that two answers share, and their ranks in each, int64[3, shared].

    Also those whose content changed: nearly the same images have nearly the same scores.
    """
    place = {lesion_of(x): i for i, x in enumerate(second.lesions)}
    names = [lesion_of(x) for x in first.lesions]
    rows = [(x, i, place[x]) for i, x in enumerate(names) if x in place]
    a, b = (np.array([r[j] for r in rows], np.int64) for j in (1, 2))
    ranks = [np.array(x.ranks, np.int64).reshape(len(CLASS_KEYS), -1) for x in (first, second)]
    return tuple(r[0] for r in rows), ranks[0][:, a], ranks[1][:, b]


def _short(*names: str) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:10]
