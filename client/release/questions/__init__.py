"""What a site answered about each cohort, so that no two answers can be subtracted."""

from hepafed.client.release.questions.asked import Answered, PastQuestions, Question, RefusedModel
from hepafed.client.release.questions.history import (
    Questions,
    asked_within_a_year,
    waiting_refusals,
)
from hepafed.client.release.questions.nearness import limit_of, singles_out, too_near

__all__ = [
    "Answered",
    "PastQuestions",
    "Question",
    "Questions",
    "RefusedModel",
    "asked_within_a_year",
    "limit_of",
    "singles_out",
    "too_near",
    "waiting_refusals",
]
