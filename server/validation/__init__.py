"""Federated validation: questions to the sites, their answers, sums."""

from hepafed.server.validation.cohort_survey import read_survey, survey
from hepafed.server.validation.preregistration import DEFAULT_WAIT, Asked, asked_from, fitting
from hepafed.server.validation.validate import validate

__all__ = [
    "DEFAULT_WAIT",
    "Asked",
    "asked_from",
    "fitting",
    "read_survey",
    "survey",
    "validate",
]
