"""A site remembers what it answered of a cohort, and counts the models."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.questions.asked import name_of, names_of
from hepafed.client.release.questions.history import MOST_WAITING, QuestionHistory
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import ConfigError, RefusedError

from .asking import FILE, NOW, SCORES, answered, hold
from .scores import aimed, asked, drawn


def test_a_near_copy_is_refused_and_an_honest_model_is_not(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"))
    with pytest.raises(RefusedError, match="a few patients"):
        hold(home, aimed(SCORES, 1), asked("b"))
    hold(home, drawn(1), asked("c"))
    assert answered(home) == 2


def test_the_refusal_has_the_same_words_with_and_without_the_person(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"))
    other = SCORES.copy()
    other[3] += 9
    said = set()
    for letter, scores in (("b", SCORES), ("c", other), ("d", np.zeros(40))):
        with pytest.raises(RefusedError) as caught:
            hold(home, aimed(scores, 1), asked(letter))
        said.add((caught.value.message, caught.value.hint))
    assert len(said) == 1


def test_a_chain_of_copies_is_compared_with_every_earlier_answer(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"))
    for k in range(4):
        hold(home, drawn(k), asked(f"{k}"))
    with pytest.raises(RefusedError):
        hold(home, aimed(SCORES, 1), asked("b"))


def test_the_same_question_is_answered_as_often_as_asked_and_counts_once(home: Path) -> None:
    for _ in range(3):
        hold(home, aimed(SCORES), asked("a"), most=1)
    assert answered(home) == 1


def test_the_same_weights_under_another_plan_are_another_question(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"))
    other = asked("a", plan=Plan(name="other", protocol="t2"))
    with pytest.raises(RefusedError):
        hold(home, aimed(SCORES), other)


def test_another_cohort_is_another_history(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a", "external"))
    hold(home, aimed(SCORES, 1), asked("b", "test"))


def test_of_several_scores_all_are_remembered_or_none(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"))
    tables = {asked("b"): drawn(1), asked("c"): aimed(SCORES, 1)}
    with pytest.raises(RefusedError):
        QuestionHistory(home, Ledger(home)).hold(tables, minimum=5, most=12, now=NOW)
    assert answered(home) == 1
    hold(home, drawn(1), asked("d"))  # was not answered, so is no copy


def test_models_asked_for_together_are_compared_with_each_other(home: Path) -> None:
    tables = {asked("b"): aimed(SCORES), asked("c"): aimed(SCORES, 1)}
    with pytest.raises(RefusedError):
        QuestionHistory(home, Ledger(home)).hold(tables, minimum=5, most=12, now=NOW)


def test_patients_that_came_later_do_not_make_a_copy_another_model(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"))
    more = np.concatenate([SCORES, np.random.default_rng(9).normal(size=20)])
    with pytest.raises(RefusedError):
        hold(home, aimed(more, 1), asked("b"))
    hold(home, aimed(more), asked("a"))
    assert answered(home) == 2  # of the same model, over both cohorts


@pytest.mark.parametrize("most", [1, 4])
def test_models_a_year_are_counted_for_each_cohort(home: Path, most: int) -> None:
    for k in range(most):
        hold(home, drawn(k), asked(f"{k}"), most=most)
    with pytest.raises(RefusedError, match=r"models_a_year"):
        hold(home, drawn(50), asked("a"), most=most)
    hold(home, drawn(0), asked("0"), most=most)
    hold(home, drawn(51), asked("a", "test"), most=most)
    hold(home, drawn(50), asked("a"), most=most + 1)


@pytest.mark.parametrize(("days", "free"), [(365, False), (366, True)])
def test_a_year_has_365_days(home: Path, days: int, free: bool) -> None:
    hold(home, drawn(0), asked("0"), most=1)
    later = NOW + timedelta(days=days)
    if free:
        hold(home, drawn(1), asked("1"), most=1, now=later)
    else:
        with pytest.raises(RefusedError):
            hold(home, drawn(1), asked("1"), most=1, now=later)


def test_a_near_copy_is_refused_however_long_ago(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"))
    with pytest.raises(RefusedError, match="a few patients"):
        hold(home, aimed(SCORES, 1), asked("b"), now=NOW + timedelta(days=4000))


def test_what_was_refused_counts_as_a_model(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"), most=2)
    for _ in range(2):
        with pytest.raises(RefusedError, match="a few patients"):
            hold(home, aimed(SCORES, 1), asked("b"), most=2)
    with pytest.raises(RefusedError, match="models_a_year"):
        hold(home, drawn(1), asked("c"), most=2)


def test_after_some_refusals_a_person_must_look(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"))
    for k in range(MOST_WAITING):
        with pytest.raises(RefusedError, match="a few patients"):
            hold(home, aimed(SCORES, k), asked(f"{k}"))
    with pytest.raises(RefusedError, match="wait for a person"):
        hold(home, drawn(1), asked("b"))
    hold(home, aimed(SCORES), asked("a"))
    hold(home, drawn(1), asked("b", "test"))
    QuestionHistory(home, Ledger(home)).review()
    hold(home, drawn(1), asked("b"))
    with pytest.raises(RefusedError, match="a few patients"):
        hold(home, aimed(SCORES, 1), asked("0"))


def test_answers_that_set_a_few_apart_wait_for_a_person_like_refusals(home: Path) -> None:
    for k in range(MOST_WAITING):
        table = drawn(k)
        table.log_probs[5] = (-1e4, 0.0, -1e4)
        hold(home, table, asked(f"{k}"))
    assert all(a.apart for a in QuestionHistory(home, Ledger(home)).past().answered)
    with pytest.raises(RefusedError, match="wait for a person"):
        hold(home, drawn(70), asked("b"))
    QuestionHistory(home, Ledger(home)).review()
    hold(home, drawn(70), asked("b"))


def test_where_all_scores_leave_only_the_models_are_counted(home: Path) -> None:
    hold(home, aimed(SCORES), asked("a"), minimum=0, most=2)
    hold(home, aimed(SCORES, 1), asked("b"), minimum=0, most=2)
    with pytest.raises(RefusedError, match="models_a_year"):
        hold(home, aimed(SCORES, 2), asked("c"), minimum=0, most=2)
    with pytest.raises(RefusedError, match="a few patients"):
        hold(home, aimed(SCORES, 2), asked("c"))


def described(home: Path, *names: str, minimum: int = 3) -> set[str]:
    return set(QuestionHistory(home, Ledger(home)).describing(names, minimum))


def lesions(*patients: int, content: str = "first") -> list[str]:
    return [name_of(f"p{p}", f"l{p}", content) for p in patients]


def test_a_cohort_described_twice_shows_nobody_who_came_between(home: Path) -> None:
    every = lesions(*range(10))
    assert described(home, *every) == {*every}
    assert described(home, *every, *lesions(10, 11)) == {*every}
    assert described(home, *every, *lesions(10, 11, 12)) == {*every, *lesions(10, 11, 12)}


def test_a_cohort_described_twice_shows_nobody_who_was_labelled_anew(home: Path) -> None:
    described(home, *lesions(*range(10)))
    now = [*lesions(*range(9)), *lesions(9, content="second")]
    kept = described(home, *now)
    assert len(kept) == 7  # neither the new lesion, nor the two who hide the old one
    assert kept < {*lesions(*range(9))}


def test_a_description_and_the_answers_of_models_show_nobody_together(home: Path) -> None:
    first, more = drawn(1, patients=20), drawn(1, patients=22)
    hold(home, first, asked("a", "test"))
    assert described(home, *names_of(more), minimum=5) == {*names_of(first)}
    QuestionHistory(home, Ledger(home)).hold_tuning(drawn(3, patients=12, first=100))
    tuned = names_of(drawn(3, patients=11, first=100))
    assert described(home, *names_of(first), *tuned, minimum=5) > {*names_of(first)}
    assert (
        len(described(home, *names_of(first), *tuned, minimum=5)) == 27
    )  # four hide the one who went
    later = drawn(2, patients=19)
    book = QuestionHistory(home, Ledger(home))
    assert len(book.narrowed(later, "test", 5).truth) == 15
    assert len(book.narrowed(later, "external", 5).truth) == 15


def test_what_was_described_is_in_the_ledger_and_is_not_lost(home: Path) -> None:
    described(home, *lesions(*range(10)))
    (home / FILE).unlink()
    with pytest.raises(ConfigError, match="not the file that this site wrote last"):
        described(home, *lesions(*range(10)))


def test_a_lesion_that_was_labelled_anew_is_left_out_of_answers_of_other_models(
    home: Path,
) -> None:
    table = replace(drawn(1, patients=20), content=np.full(20, "first"))
    hold(home, table, asked("a"))
    content = table.content.copy()
    content[7] = "other"
    other = replace(drawn(2, patients=20), content=content)
    kept = QuestionHistory(home, Ledger(home)).narrowed(other, "external", 5)
    assert len(kept.truth) == 15
    assert "p00007" not in kept.patient
    assert set(kept.content) == {"first"}


def test_changed_images_are_compared_with_earlier_answers_like_the_same_ones(home: Path) -> None:
    content = np.full(40, "first")
    hold(home, replace(aimed(SCORES), content=content), asked("a"))
    with pytest.raises(RefusedError, match="a few patients"):
        hold(home, replace(aimed(SCORES, 1), content=np.full(40, "other")), asked("b"))
