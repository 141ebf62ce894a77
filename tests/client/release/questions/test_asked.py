"""What is remembered of a score table: lesions by hash, and the order of their scores."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.client.release.questions.asked import (
    Question,
    answer_of,
    in_common,
    lesion_of,
    logits_of,
    patient_numbers,
)
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import ConfigError
from hepafed.common.statistics.scores import rows_of

from .scores import PLAN, answer, asked, drawn, table_of


def test_ranks_are_those_of_each_class_against_the_rest_and_ties_share_one() -> None:
    raw = np.array([[0.0, 1.0, 3.0], [0.0, 3.0, 1.0], [0.0, 3.0, 1.0], [5.0, 0.0, 0.0]])
    made = answer(table_of(raw))
    by_lesion = dict(zip(made.lesions, np.array(made.ranks).T.tolist(), strict=True))
    alone = [answer(table_of(raw[i : i + 1], i)).lesions[0] for i in range(4)]
    assert [by_lesion[x] for x in alone] == [[0, 1, 2], [0, 2, 1], [0, 2, 1], [1, 0, 0]]


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = drawn(3, 20, lesions=2)
    turned = rows_of(table, np.random.default_rng(1).permutation(40))
    assert answer(turned) == answer(table)


def test_lesions_of_a_patient_have_one_number() -> None:
    made = answer(drawn(1, 10, lesions=3))
    assert np.bincount(patient_numbers(made.lesions)).tolist() == [3] * 10


def test_two_answers_are_compared_over_the_lesions_of_both() -> None:
    first, second = answer(drawn(1, 10)), answer(drawn(1, 10, first=4))
    lesions, a, b = in_common(first, second)
    one, two = ([lesion_of(x) for x in answered.lesions] for answered in (first, second))
    assert sorted(lesions) == sorted({*one} & {*two})
    for k in range(3):
        held = dict(zip(one, first.ranks[k], strict=True))
        assert a[k].tolist() == [held[x] for x in lesions]
        other = dict(zip(two, second.ranks[k], strict=True))
        assert b[k].tolist() == [other[x] for x in lesions]


def test_logits_are_of_a_class_against_the_rest() -> None:
    raw = np.log(np.array([[0.5, 0.25, 0.25]]))
    assert logits_of(table_of(raw))[:, 0] == pytest.approx([0.0, np.log(1 / 3), np.log(1 / 3)])


def test_a_question_is_known_by_cohort_weights_and_plan() -> None:
    assert asked("a") == Question.of("external", "a" * 64, Plan(name="demo", protocol="t2"))
    others = {asked("b"), asked("a", "test"), asked("a", plan=replace(PLAN, seed=9))}
    assert asked("a") not in others
    assert len(others) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"lesions": ("a.b",) * 8},
        {"lesions": ("a.b", "a.c")},
        {"ranks": ((0,) * 8,) * 2},
        {"ranks": ((0,) * 8, (0,) * 8, (8,) * 8)},
        {"ranks": ((0,) * 8, (0,) * 8, (-1,) * 8)},
    ],
    ids=["twice", "too few", "two classes", "too high", "too low"],
)
def test_an_answer_that_cannot_be_one_is_refused(changes: dict[str, object]) -> None:
    good = answer_of(drawn(1, 8), asked(), "2026-01-01")
    with pytest.raises(ConfigError):
        replace(good, **changes)  # type: ignore[arg-type]
