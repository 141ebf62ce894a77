"""What a person at the site sees of the questions: models, outcomes, and how many are left."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from hepafed.client.release.questions.asked import PastQuestions, Question
from hepafed.client.release.questions.askers import Asker
from hepafed.client.release.questions.history import asked_within_a_year, waiting_models
from hepafed.common.records import write_record

ANSWERED = {False: "answered", True: "answered; a few patients stand apart"}


@dataclass(frozen=True, kw_only=True)
class AskedModel:
    """A model that the site was asked about."""

    weights: str
    """Digest of its weights."""
    at: str
    """When first, UTC."""
    outcome: str
    """`answered`, `answered; a few patients stand apart` or `refused`; `, reviewed` at the end."""
    askers: tuple[Asker, ...] = ()
    """Who asked, and for which study; empty where no kept question says it."""


@dataclass(frozen=True, kw_only=True)
class AskedCohort:
    """A cohort and the models that were asked of it, oldest first."""

    split: str
    models: tuple[AskedModel, ...]
    this_year: int
    """How many count for `models_a_year`."""
    waiting: int
    """How many were refused or set a few patients apart, and wait for a person."""

    def values(self) -> dict[str, Any]:
        """Return the cohort as plain values."""
        return write_record(self)


def asked_models(
    past: PastQuestions,
    now: datetime,
    askers: Mapping[Question, tuple[Asker, ...]] = MappingProxyType({}),
) -> tuple[AskedCohort, ...]:
    """Return each cohort that was asked of, by name; `askers` as `askers_of` gives them."""
    found: dict[str, dict[tuple[str, str, str], AskedModel]] = {}
    rows = [(a.question, a.at, _outcome(ANSWERED[a.apart], a.reviewed)) for a in past.answered]
    rows += [(r.question, r.at, _outcome("refused", r.reviewed)) for r in past.refused]
    for question, at, outcome in sorted(rows, key=lambda r: r[1]):
        models = found.setdefault(question.split, {})
        made = AskedModel(
            weights=question.weights, at=at, outcome=outcome, askers=askers.get(question, ())
        )
        models.setdefault((question.weights, question.plan, outcome), made)
    return tuple(
        AskedCohort(
            split=split,
            models=tuple(models.values()),
            this_year=len(asked_within_a_year(past, split, now)),
            waiting=waiting_models(past, split),
        )
        for split, models in sorted(found.items())
    )


def _outcome(word: str, reviewed: bool) -> str:
    return f"{word}, reviewed" if reviewed else word
