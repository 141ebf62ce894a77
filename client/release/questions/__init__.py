"""What a site answered about each cohort, so that no two answers can be subtracted."""

from hepafed.client.release.questions.asked import (
    Answered,
    PastQuestions,
    Question,
    RefusedModel,
    lesion_of,
    name_of,
    names_of,
    patient_of,
)
from hepafed.client.release.questions.askers import Asker, askers_of
from hepafed.client.release.questions.history import (
    QuestionHistory,
    asked_within_a_year,
    waiting_models,
)
from hepafed.client.release.questions.nearness import limit_of, look_at, too_near
from hepafed.client.release.questions.overview import AskedCohort, AskedModel, asked_models

__all__ = [
    "Answered",
    "AskedCohort",
    "AskedModel",
    "Asker",
    "PastQuestions",
    "Question",
    "QuestionHistory",
    "RefusedModel",
    "asked_models",
    "asked_within_a_year",
    "askers_of",
    "lesion_of",
    "limit_of",
    "look_at",
    "name_of",
    "names_of",
    "patient_of",
    "too_near",
    "waiting_models",
]
