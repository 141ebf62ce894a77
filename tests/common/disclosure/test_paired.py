"""What a site says of two models over its own lesions, and what it keeps to itself."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.disclosure.discordance import possible_discordance, right_alone
from hepafed.common.disclosure.paired import (
    Paired,
    add_paired,
    check_paired,
    own_pairs,
    paired_length,
    paired_of,
    pairs_of,
)
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.additive import vector_length
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of

from .pairs import PAIRED, TABLES, table


def with_calls(*cells: int) -> Paired:
    """Give the comparison with these numbers as its only crossed calls."""
    calls = np.zeros_like(PAIRED.calls)
    for place, count in zip(
        ((0, 0, 0, 0, 0), (0, 1, 1, 0, 1), (0, 3, 0, 1, 1)), cells, strict=True
    ):
        calls[place] = count
    return replace(PAIRED, calls=calls)


def shown(paired: Paired, minimum: int = 5, *, calls: bool = True) -> bool:
    made = own_pairs(TABLES, paired, minimum, calls=calls)
    assert len(made) == 4
    told = {p.calls is not None for p in made}
    assert len(told) == 1
    return told.pop()


@pytest.mark.parametrize(
    ("cells", "allowed"),
    [
        ((5, 5, 9), True),
        ((5, 4, 9), False),
        ((4, 5, 5), False),
        ((9, 9, 1), False),
        ((0, 0, 5), True),
    ],
)
def test_crossed_calls_need_the_minimum_in_every_cell_that_holds_anybody(
    cells: tuple[int, int, int], allowed: bool
) -> None:
    assert shown(with_calls(*cells)) == allowed


def test_crossed_calls_are_shown_only_where_they_are_asked_for() -> None:
    assert not shown(with_calls(9, 9, 9), calls=False)
    assert shown(PAIRED, 1)
    assert not shown(PAIRED, 1, calls=False)


@pytest.mark.parametrize("minimum", [2, 10, 14, 40])
def test_figures_need_the_minimum_of_cases_of_each_class(minimum: int) -> None:
    made = own_pairs(TABLES, with_calls(50, 50, 50), minimum, calls=True)
    for pair in made:
        few = min(pair.positives, pair.negatives) < minimum
        for figure in (pair.auc_first, pair.auc_second, pair.difference):
            assert (figure.value is None) == few
        for figure in (pair.covering_first, pair.covering_second, pair.covering):
            assert (figure is None) == few
        assert not few or pair.bound == 0.0
        assert not few or "withheld" in pair.difference.reason
    assert any(p.difference.value is None for p in made) == (minimum > 10)


def test_calls_of_two_models_cross_by_truth() -> None:
    """By hand from the patients' probabilities of malignancy, each at its own threshold."""
    malignant = [1 - np.exp(t.log_probs[:, 0]) for t in TABLES]
    wanted = np.zeros((2, 2, 2), int)
    for truth, one, other in zip(TABLES[0].truth > 0, malignant[0], malignant[1], strict=True):
        wanted[int(truth), int(one >= 0.5), int(other >= 0.4)] += 1
    assert (PAIRED.calls[0, 0] == wanted).all()


def test_a_vector_of_pairs_holds_each_models_sums_then_the_calls_and_their_patients() -> None:
    three = paired_of([table(1), table(2), table(3)], (0.5, 0.4, 0.6))
    vector = three.to_vector()
    one = vector_length()
    assert len(vector) == paired_length(3) == 3 * one + 3 * 4 * 8 + 3 * 4 * 2
    assert vector.dtype == np.uint64
    for i in range(3):
        assert (vector[i * one : (i + 1) * one] == three.sums[i].to_vector()).all()
    after = vector[3 * one :].view(np.int64)
    assert (after[: 3 * 4 * 8] == three.calls.ravel()).all()
    assert (after[3 * 4 * 8 :] == three.discordant.ravel()).all()
    back = Paired.from_vector(vector, 3)
    assert (back.calls == three.calls).all()
    assert (back.discordant == three.discordant).all()
    assert (back.to_vector() == vector).all()
    assert pairs_of(3) == [(0, 1), (0, 2), (1, 2)]
    assert paired_length(2) == 2 * one + 4 * 8 + 4 * 2


def test_a_vector_of_another_length_or_type_is_refused() -> None:
    vector = PAIRED.to_vector()
    for bad, models in ((vector[:-1], 2), (vector, 3), (vector.view(np.int64), 2)):
        with pytest.raises(PayloadError, match="paired sums does not have the agreed layout"):
            Paired.from_vector(bad, models)


def test_pairs_of_sites_add_up() -> None:
    other = paired_of([table(5, 23), table(6, 23)], (0.5, 0.4))
    made = add_paired([PAIRED, other, other])
    assert (made.calls == PAIRED.calls + 2 * other.calls).all()
    for i in range(2):
        assert (made.sums[i].confusion == PAIRED.sums[i].confusion + 2 * other.sums[i].confusion
                ).all()  # fmt: skip
    check_paired(made, "all")
    assert add_paired([other]).sums[0].size.tolist() == [23, 23]


def moved(task: int, start: tuple[int, int, int], end: tuple[int, int, int]) -> Paired:
    """Give the comparison with one case of a task's crossed calls in another cell."""
    calls = PAIRED.calls.copy()
    assert calls[(0, task, *start)] > 0
    calls[(0, task, *start)] -= 1
    calls[(0, task, *end)] += 1
    return replace(PAIRED, calls=calls)


@pytest.mark.parametrize("task", [0, 3])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((1, 1, 1), (1, 0, 1)),  # another call of the first model alone
        ((1, 1, 1), (1, 1, 0)),  # of the second alone
        ((1, 1, 1), (0, 1, 1)),  # another truth
    ],
)
def test_crossed_calls_have_the_calls_of_each_model(
    task: int, start: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    check_paired(PAIRED, "a")
    with pytest.raises(PayloadError, match="paired sums of a"):
        check_paired(moved(task, start, end), "a")


def test_crossed_calls_are_never_negative() -> None:
    calls = PAIRED.calls.copy()
    by = int(calls[0, 1, 0, 0, 1]) + 1
    for first, second, sign in ((0, 1, -1), (0, 0, 1), (1, 1, 1), (1, 0, -1)):
        calls[0, 1, 0, first, second] += sign * by  # every total stays
    with pytest.raises(PayloadError, match="paired sums of a"):
        check_paired(replace(PAIRED, calls=calls), "a")


def test_models_of_other_cases_are_no_pair() -> None:
    changed = table(2).truth.copy()
    changed[np.flatnonzero(changed == 0)[0]] = 1
    other = additive_of(replace(table(2), truth=changed), 0.4)
    with pytest.raises(PayloadError, match="paired sums of a"):
        check_paired(replace(PAIRED, sums=(PAIRED.sums[0], other)), "a")


def test_sums_that_no_cases_have_are_refused_in_each_model() -> None:
    bad = replace(PAIRED.sums[0], size=PAIRED.sums[0].size + 1)
    for sums in ((bad, PAIRED.sums[1]), (PAIRED.sums[0], bad)):
        with pytest.raises(PayloadError, match="the sums of a are impossible"):
            check_paired(replace(PAIRED, sums=sums), "a")


def clustered(seed: int) -> ScoreTable:
    """Give scores of 12 patients of 1 to 6 lesions, the same for every seed."""
    sizes = (1, 6, 1, 2, 2, 3, 1, 4, 2, 1, 5, 2)
    patient = np.repeat([f"p{i}" for i in range(12)], sizes)
    truth = np.random.default_rng(0).integers(0, 3, len(patient))
    raw = np.random.default_rng(seed).normal(size=(len(patient), 3)) + np.eye(3)[truth]
    return ScoreTable(
        site=np.full(len(patient), "a"),
        patient=patient,
        lesion=np.array([f"l{i}" for i in range(len(patient))]),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def test_right_calls_of_one_model_alone_are_added_up_by_patient() -> None:
    tables = [clustered(1), clustered(2)]
    made = paired_of(tables, (0.5, 0.5))
    check_paired(made, "a")
    for task, k in enumerate((0, 1, 2), start=1):
        right = [(np.exp(t.log_probs[:, k]) >= 0.5) == (t.truth == k) for t in tables]
        d = dict.fromkeys(tables[0].patient.tolist(), 0)
        for p, a, b in zip(tables[0].patient.tolist(), *right, strict=True):
            d[p] += int(a) - int(b)
        assert made.discordant[0, task].tolist() == [
            sum(v * v for v in d.values()),
            sum(v != 0 for v in d.values()),
        ]
    first, second = right_alone(made.calls[0, 0])
    assert made.discordant[0, 0].tolist() == [first + second] * 2  # a patient is one case


@pytest.mark.parametrize(
    ("squares", "patients", "possible"),
    [
        (8, 8, True),  # 5 and 3 cases, each of its own patient
        (4, 1, True),  # all of one patient, whose d is 2
        (2, 2, True),
        (34, 2, True),  # 5 of one patient, 3 of another
        (3, 3, False),  # another parity than 5 − 3
        (1, 1, False),  # d of one patient is 2
        (8, 9, False),  # more patients than cases
        (2, 3, False),  # |d| below 1
        (66, 8, False),  # more than 8 cases squared
        (-2, -1, False),
    ],
)
def test_sums_over_patients_are_of_the_cases_that_differ(
    squares: int, patients: int, possible: bool
) -> None:
    assert possible_discordance(5, 3, squares, patients) == possible


@pytest.mark.parametrize("change", [(0, 0, 0), (0, 3, 1)])
def test_impossible_sums_over_patients_are_refused(change: tuple[int, ...]) -> None:
    made = paired_of([clustered(1), clustered(2)], (0.5, 0.5))
    made.discordant[change] += 1 if change[2] == 0 else 40
    with pytest.raises(PayloadError, match="the paired sums of a"):
        check_paired(made, "a")


def test_how_calls_fall_on_patients_needs_the_minimum_of_patients_with_several_lesions() -> None:
    tables = [clustered(1), clustered(2)]  # 8 patients of several lesions
    made = paired_of(tables, (0.5, 0.5))
    calls = np.where(made.calls > 0, 99, 0)
    for several, told in ((8, True), (9, False)):
        wide = replace(made, calls=calls, discordant=np.full_like(made.discordant, several))
        shown = own_pairs(tables, wide, several, calls=True)
        assert {p.calls is not None for p in shown} == {True}
        assert {p.discordant is not None for p in shown} == {told}
    few = replace(made, calls=calls, discordant=np.full_like(made.discordant, 7))
    assert {p.discordant for p in own_pairs(tables, few, 8, calls=True)} == {None}
    assert {p.discordant for p in own_pairs(tables, made, 1, calls=False)} == {None}
