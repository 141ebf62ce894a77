"""A cohort's answers divide it into parts of enough patients, whatever models they are of."""

from collections import defaultdict

import numpy as np
import pytest
from hepafed.client.release.questions.lesion_sets import answerable

SECRET = bytes(range(32))
Lesions = tuple[str, ...]


def of(*patients: int, lesions: int = 1) -> Lesions:
    return tuple(f"p{p}.l{i}" for p in patients for i in range(lesions))


def patients(lesions: frozenset[str]) -> set[int]:
    return {int(x.partition(".")[0][1:]) for x in lesions}


def test_a_first_answer_is_over_all() -> None:
    assert answerable(of(1, 2), [], 5, SECRET) == set(of(1, 2))


def test_the_same_lesions_are_answered_again() -> None:
    every = of(*range(9), lesions=2)
    assert answerable(every, [every, every], 5, SECRET) == set(every)


@pytest.mark.parametrize(("more", "kept"), [(4, 20), (5, 25)])
def test_patients_who_came_are_left_out_until_they_are_enough(more: int, kept: int) -> None:
    found = answerable(of(*range(20 + more)), [of(*range(20))], 5, SECRET)
    assert patients(found) == set(range(kept))


@pytest.mark.parametrize(("gone", "left"), [(1, 15), (4, 15), (5, 15), (6, 14), (0, 20)])
def test_of_those_who_went_others_go_too_until_they_are_enough(gone: int, left: int) -> None:
    now = of(*range(gone, 20))
    found = answerable(now, [of(*range(20))], 5, SECRET)
    assert len(patients(found)) == left
    assert found <= set(now)
    assert answerable(now, [of(*range(20)), tuple(found)], 5, SECRET) == found


def test_who_goes_is_drawn_by_the_site_s_key() -> None:
    every, now = of(*range(30)), of(*range(1, 30))
    drawn = {answerable(now, [every], 5, bytes([k] * 32)) for k in range(20)}
    assert len(drawn) > 10


def test_a_lesion_of_a_patient_who_keeps_another_takes_the_patient_along() -> None:
    every = of(*range(20), lesions=2)
    found = answerable(every[1:], [every], 5, SECRET)
    assert len(patients(found)) == 15
    assert 0 not in patients(found)


def test_too_few_who_stay_are_not_answered() -> None:
    assert answerable(of(*range(9)), [of(*range(20))], 10, SECRET) == frozenset()
    assert answerable(of(*range(3)), [of(*range(4))], 5, SECRET) == frozenset()


def test_a_small_cohort_is_answered_whole() -> None:
    assert answerable(of(1, 2, 3), [of(1, 2, 3)], 5, SECRET) == set(of(1, 2, 3))


@pytest.mark.parametrize("minimum", [2, 5])
@pytest.mark.parametrize("seed", range(40))
def test_no_history_of_answers_singles_out_fewer_than_the_minimum(minimum: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    history: list[Lesions] = []
    for _ in range(8):
        asked = [x for x in of(*range(60), lesions=2) if rng.random() < rng.choice([0.5, 0.95, 1])]
        found = answerable(asked, history, minimum, SECRET)
        assert found <= set(asked)
        if found:
            history.append(tuple(sorted(found)))
        parts: dict[tuple[bool, ...], set[str]] = defaultdict(set)
        for lesion in set().union(*history):
            parts[tuple(lesion in s for s in history)].add(lesion.partition(".")[0])
        assert min(map(len, parts.values())) >= minimum
    assert len(history) >= 3
