"""Questions put to a home's memory, as the release puts them."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.questions.asked import Question
from hepafed.client.release.questions.history import QuestionHistory
from hepafed.common.statistics.scores import ScoreTable

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)

SCORES = np.random.default_rng(5).normal(size=40)

FILE = "questions.json"


def hold(
    home: Path,
    table: ScoreTable,
    question: Question,
    *,
    minimum: int = 5,
    most: int = 12,
    now: datetime = NOW,
) -> None:
    book = QuestionHistory(home, Ledger(home))
    book.hold({question: table}, minimum=minimum, most=most, now=now)


def answered(home: Path) -> int:
    return len(QuestionHistory(home, Ledger(home)).past().answered)
