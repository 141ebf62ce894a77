"""Score tables of a cohort under chosen or drawn models."""

import numpy as np
from hepafed.client.release.questions.asked import Answered, Question, answer_of
from hepafed.common.contract.plan import Plan
from hepafed.common.statistics.scores import ScoreTable
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PLAN = Plan(name="demo", protocol="t2")


def asked(letter: str = "a", split: str = "external", plan: Plan = PLAN) -> Question:
    return Question.of(split, letter * 64, plan)


def table_of(raw: Floats, first: int = 0, lesions: int = 1) -> ScoreTable:
    """The table of raw outputs [rows, 3]: `lesions` rows for each patient, from number `first`."""
    rows = len(raw)
    number = first + np.arange(rows) // lesions
    return ScoreTable(
        site=np.full(rows, "s"),
        patient=np.array([f"p{i:05}" for i in number]),
        lesion=np.array([f"l{first * lesions + i:05}" for i in range(rows)]),
        truth=np.arange(rows) % 3,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def drawn(seed: int, patients: int = 40, lesions: int = 1, first: int = 0) -> ScoreTable:
    raw = np.random.default_rng(seed).normal(size=(patients * lesions, 3))
    return table_of(raw, first, lesions)


def aimed(scores: Floats, salt: float = 0.0, channel: int = 1) -> ScoreTable:
    """The table of a network whose score stands in one output; the salt does nothing."""
    raw = np.zeros((len(scores), 3))
    raw[:, channel] = scores
    raw[:, 2 if channel == 1 else 1] = -60.0 - salt
    return table_of(raw)


def answer(table: ScoreTable, letter: str = "a", at: str = "2026-01-01T00:00:00") -> Answered:
    return answer_of(table, asked(letter), at)
