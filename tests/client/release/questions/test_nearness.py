"""Answers that differ in a few patients, or that give nearly all the same score, are found."""

from collections import Counter

import numpy as np
import pytest
from hepafed.client.release.questions.nearness import GAP, limit_of, look_at, too_near
from hepafed.common.statistics.scores import ScoreTable

from .scores import Floats, aimed, answer, asked, drawn, table_of

RNG = np.random.default_rng(5)
SCORES = RNG.normal(size=40)


def near(first: ScoreTable, second: ScoreTable, least: int = 5) -> bool:
    return too_near(answer(first), answer(second, "b"), least)


def moved(scores: Floats, *who: int, by: float = 30.0) -> Floats:
    made = scores.copy()
    made[list(who)] += by * np.where(scores[list(who)] > 0, -1, 1)
    return made


@pytest.mark.parametrize("who", [(), (3,), (3, 17, 21, 30)], ids=["none", "one", "four"])
def test_an_answer_that_moves_fewer_than_the_limit_is_near(who: tuple[int, ...]) -> None:
    assert near(aimed(SCORES), aimed(moved(SCORES, *who), salt=1))


@pytest.mark.parametrize(("count", "expected"), [(4, True), (5, False)])
@pytest.mark.parametrize("patients", [15, 40, 100])
def test_an_answer_that_moves_as_many_as_the_limit_is_not_near(
    patients: int, count: int, expected: bool
) -> None:
    scores = np.arange(float(patients))
    changed = scores.copy()
    changed[:count] += 100 * patients + 7.0 * np.arange(count)[::-1] ** 2  # from the bottom, turned
    assert near(aimed(scores), aimed(changed, salt=1)) is expected


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s + 7.0,
        lambda s: s * 0.01,
        np.exp,
        np.arctan,
        lambda s: -s,
        lambda s: s + 0.02 * np.random.default_rng(3).normal(size=len(s)),
    ],
    ids=["shift", "scale", "exp", "arctan", "reversed", "noise"],
)
def test_no_monotone_change_nor_small_noise_makes_another_answer(change: object) -> None:
    assert callable(change)
    assert near(aimed(SCORES), aimed(change(moved(SCORES, 3)), salt=1))


def test_another_class_does_not_make_another_answer() -> None:
    assert near(aimed(SCORES, channel=1), aimed(moved(SCORES, 3), salt=1, channel=2))


def test_scores_of_other_patients_in_between_do_not_hide_a_copy() -> None:
    larger = np.concatenate([SCORES, RNG.normal(size=25)])
    assert near(aimed(SCORES), aimed(moved(larger, 3), salt=1))


def test_cohorts_with_hardly_a_patient_in_common_are_not_near() -> None:
    assert not near(drawn(1), drawn(1, first=35))


def test_honest_models_are_not_near() -> None:
    for patients in (20, 60):
        found = [near(drawn(k, patients), drawn(1000 + k, patients)) for k in range(100)]
        assert sum(found) <= 1


def test_patients_scores_are_compared_besides_their_lesions() -> None:
    # the lesion that decides for a patient is the same, the other one is drawn anew
    rng = np.random.default_rng(8)
    raws = []
    for _ in range(2):
        raw = rng.normal(size=(80, 3))
        raw[::2] = np.column_stack([np.zeros(40), SCORES + 20, np.full(40, -60.0)])
        raw[1::2, 0] += 60
        raws.append(raw)
    assert near(table_of(raws[0], lesions=2), table_of(raws[1], lesions=2))


def looked(table: ScoreTable, least: int = 5) -> tuple[bool, bool]:
    return look_at(table, least)


@pytest.mark.parametrize("person", [0.0, 8.0, 1000.0], ids=["not here", "apart", "far apart"])
def test_scores_that_are_one_for_all_but_a_person_are_found_with_and_without_the_person(
    person: float,
) -> None:
    scores = np.zeros(40)
    scores[3] = person
    assert looked(aimed(scores))[0]


@pytest.mark.parametrize("between", [0.0, 5.0, 10.0])
def test_scores_at_two_points_are_found_with_and_without_a_person_between(between: float) -> None:
    scores = np.repeat([0.0, 10.0], 20) + 1e-3 * SCORES
    scores[3] = between
    assert looked(aimed(scores))[0]


def test_who_stands_apart_is_told_to_the_site_and_does_not_make_a_refusal() -> None:
    assert looked(aimed(SCORES)) == (False, False)
    assert looked(aimed(moved(SCORES, 3, by=1e3))) == (False, True)
    assert looked(aimed(moved(SCORES, 3, 4, by=1e3))) == (False, True)


@pytest.mark.parametrize(("times", "apart"), [(GAP - 0.1, False), (GAP + 0.1, True)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_gap_is_wide_by_the_range_of_all_others(times: float, apart: bool, sign: int) -> None:
    scores = np.linspace(0, 1, 40)
    scores[7] = 1 + times
    raw = np.tile([30.0, 0.0, 0.0], (40, 1))  # all classes' logits follow the first output
    raw[:, 0] += sign * scores
    assert looked(table_of(raw))[1] is apart


@pytest.mark.parametrize(("count", "apart"), [(4, True), (5, False)])
def test_as_many_as_the_limit_do_not_stand_apart(count: int, apart: bool) -> None:
    scores = np.linspace(0, 1, 40)
    scores[:count] += 100
    assert looked(aimed(scores))[1] is apart


def test_both_ends_are_set_aside_together() -> None:
    scores = np.linspace(0, 1, 40)
    scores[[0, 1]] = (1e3, -1e3)
    assert looked(aimed(scores)) == (False, True)


def test_models_as_they_are_trained_pass() -> None:
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 3, 20)
        raw = rng.normal(size=(20, 3)) + rng.choice([0, 1, 3]) * np.eye(3)[truth]
        found.append(looked(table_of(raw * rng.choice([1e-4, 1, 10]))))
    assert sum(same for same, _ in found) == 0
    assert sum(apart for _, apart in found) <= 4


def test_fewer_than_six_patients_are_not_judged() -> None:
    assert looked(aimed(np.zeros(5))) == (False, False)
    assert looked(aimed(np.zeros(6)), 2)[0]
    assert not near(aimed(SCORES[:5]), aimed(SCORES[:5], 1), 1)
    assert near(aimed(SCORES[:6]), aimed(SCORES[:6], 1), 1)


def test_the_limit_is_drawn_from_the_minimum_up() -> None:
    secret = bytes(32)
    questions = [asked(split=f"s{i}") for i in range(2000)]
    counts = Counter(limit_of(secret, q, 5, 200) for q in questions)
    assert set(counts) == set(range(5, 15))
    assert all(120 <= c <= 280 for c in counts.values())
    assert limit_of(secret, questions[0], 5, 200) == limit_of(secret, questions[0], 5, 200)
    other = [limit_of(bytes([1] * 32), q, 5, 200) for q in questions]
    assert other != [limit_of(secret, q, 5, 200) for q in questions]


@pytest.mark.parametrize(
    ("patients", "limits"),
    [(7, {1}), (8, {2}), (19, {4}), (20, {5}), (23, {5}), (24, {5, 6}), (1, {1})],
)
def test_the_limit_of_a_small_cohort(patients: int, limits: set[int]) -> None:
    found = {limit_of(b"k", asked(split=f"s{i}"), 5, patients) for i in range(50)}
    assert found == limits
