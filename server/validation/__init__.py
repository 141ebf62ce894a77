"""Federated validation: questions to the sites, their answers, sums."""

from hepafed.server.validation.cohort_survey import read_survey, survey
from hepafed.server.validation.preregistration import DEFAULT_WAIT, Asked, fitting
from hepafed.server.validation.validate import validate

__all__ = [
    "DEFAULT_WAIT",
    "Asked",
    "fitting",
    "read_survey",
    "survey",
    "validate",
]
