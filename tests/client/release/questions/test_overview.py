"""A person sees every model that was asked about, and what is left of the year."""

from datetime import UTC, datetime

from hepafed.client.release.questions.asked import PastQuestions, RefusedModel
from hepafed.client.release.questions.overview import AskedCohort, AskedModel, asked_models

from .scores import answer, asked, drawn

PAST = PastQuestions(
    answered=(
        answer(drawn(1), "b", "2026-03-01T00:00:00+00:00"),
        answer(drawn(2), "a", "2024-01-01T00:00:00+00:00"),
        answer(drawn(2, first=9), "a", "2026-01-02T00:00:00+00:00"),
    ),
    refused=(
        RefusedModel(question=asked("c"), at="2026-02-01T00:00:00+00:00"),
        RefusedModel(question=asked("d", "test"), at="2026-02-02T00:00:00+00:00", reviewed=True),
    ),
)


def test_models_stand_by_cohort_oldest_first_each_once() -> None:
    external, test = asked_models(PAST, datetime(2026, 6, 1, tzinfo=UTC))
    assert external == AskedCohort(
        split="external",
        models=(
            AskedModel(weights="a" * 64, at="2024-01-01T00:00:00+00:00", outcome="answered"),
            AskedModel(weights="c" * 64, at="2026-02-01T00:00:00+00:00", outcome="refused"),
            AskedModel(weights="b" * 64, at="2026-03-01T00:00:00+00:00", outcome="answered"),
        ),
        this_year=3,
        waiting=1,
    )
    assert [m.outcome for m in test.models] == ["refused, reviewed"]
    assert (test.this_year, test.waiting) == (1, 0)


def test_models_of_more_than_a_year_ago_do_not_count() -> None:
    external, _ = asked_models(PAST, datetime(2027, 2, 1, 0, 0, 1, tzinfo=UTC))
    assert external.this_year == 1
    assert len(external.models) == 3
