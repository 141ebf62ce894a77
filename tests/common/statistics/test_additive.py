"""The vector of a pooled cohort is the sum of its sites' vectors, and it says what it holds."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.additive import (
    TASK_ORDER,
    Additive,
    add,
    check_additive,
    empty,
    from_fixed,
    sections,
    task_histogram,
    vector_length,
)
from hepafed.common.statistics.scores import ScoreTable, task_scores
from hepafed.common.statistics.sums import additive_of
from hypothesis import given, settings
from hypothesis import strategies as st

READERS = ("reader_a", "reader_b", "reader_c")


def table(seed: int, lesions: int, site: str = "a", scale: float = 2.0) -> ScoreTable:
    rng = np.random.default_rng(seed)
    raw = np.round(rng.normal(size=(lesions, 3)), 1) * scale
    patient = np.array([f"p{i}" for i in rng.integers(0, lesions, lesions)])
    return ScoreTable(
        site=np.full(lesions, site),
        patient=patient,
        lesion=np.array([f"l{i}" for i in range(lesions)]),
        truth=rng.integers(0, 3, lesions),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={r: rng.integers(-1, 2, lesions).astype(np.int8) for r in READERS[:2]},
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 50)), min_size=1, max_size=4))
def test_the_sum_of_sites_is_the_pooled_cohort(sites: list[tuple[int, int]]) -> None:
    tables = [table(seed, n, f"s{i}") for i, (seed, n) in enumerate(sites)]
    vector = np.zeros(vector_length(3), np.uint64)
    for t in tables:
        vector += additive_of(t, 0.4, READERS).to_vector()
    summed = Additive.from_vector(vector, READERS)
    whole = ScoreTable(
        **{
            f: np.concatenate([getattr(t, f) for t in tables])
            for f in ("site", "patient", "lesion", "truth", "log_probs")
        },
        readers={r: np.concatenate([t.readers[r] for t in tables]) for r in READERS[:2]},
    )
    central = additive_of(whole, 0.4, READERS)
    for name in sections(3):
        if name in ("score_sums", "squares"):
            np.testing.assert_allclose(
                from_fixed(getattr(summed, name)), from_fixed(getattr(central, name)), atol=1e-9
            )
        else:
            np.testing.assert_array_equal(getattr(summed, name), getattr(central, name))
    check_additive(summed, "all")
    for unit, task in TASK_ORDER:
        positives, negatives = task_histogram(summed, unit, task)
        truth = task_scores(whole, unit, task).truth
        assert (positives.sum(), negatives.sum()) == (truth.sum(), (~truth).sum())


def one_patient() -> Additive:
    """Give the sums of one patient with one benign lesion, whom a reader called benign."""
    made = empty(("r",))
    made.patient_scores[0, 9] = 1
    made.lesion_scores[:, 0, 9] = 1
    made.size[:] = 1
    made.confusion[0, 0] = 1
    made.called[:, 0, 0] = 1
    made.called[1] = [[0, 0], [0, 1]]  # benign is the positive class of the first lesion task
    made.clusters[:] = [[1, 0], [0, 1], [1, 0], [1, 0]]
    made.decision[:] = made.called.sum(2)[:, :, None]
    made.reliability[:, :, 3] = made.called.sum(2)
    made.score_sums[:, 3] = 5
    made.squares[:] = 1 << 36
    made.confusion_products[0, 0] = 1
    for task, cell in enumerate((3, 0, 0)):
        made.called_products[task, cell, cell] = 1
    made.reader_calls[0, 0, 0, 0] = 1
    return made


def one_more(name: str, *place: int | slice) -> Callable[[Additive], None]:
    """Give a change that adds one case at one place of a section."""

    def change(sums: Additive) -> None:
        getattr(sums, name)[place] += 1

    return change


def moved(name: str, start: tuple[int, ...], end: tuple[int, ...]) -> Callable[[Additive], None]:
    """Give a change that moves one case of a section, so that its total stays."""

    def change(sums: Additive) -> None:
        getattr(sums, name)[start] -= 1
        getattr(sums, name)[end] += 1

    return change


def several(*changes: Callable[[Additive], None]) -> Callable[[Additive], None]:
    def change(sums: Additive) -> None:
        for one in changes:
            one(sums)

    return change


IMPOSSIBLE = {
    "patients beyond the histogram": one_more("patient_scores", 0, 9),
    "fewer patients in the histogram": several(
        one_more("size", 0), one_more("called", 0, 0, 0), one_more("reliability", 0, 0, 3)
    ),
    "lesions beyond the confusion table": one_more("confusion", 0, 1),
    "lesions beyond one class's scores": one_more("lesion_scores", 2, 0, 9),
    "scores of another true class": moved("lesion_scores", (1, 0, 9), (1, 2, 9)),
    "a patient more among the calls": several(
        one_more("called", 0, 0, 0), one_more("reliability", 0, 0, 3)
    ),
    "a lesion more among the calls": several(
        one_more("called", 3, 0, 0), one_more("reliability", 3, 0, 3)
    ),
    "a tenth's patient of the other truth": moved("reliability", (0, 0, 3), (0, 1, 3)),
    "a tenth's lesion of the other truth": moved("reliability", (2, 0, 3), (2, 1, 3)),
    "a step of more than all": one_more("decision", 3, 0, 18),
    "patients with a positive where there is none": one_more("clusters", 3, 1),
    "more patients with a negative than cases": one_more("clusters", 0, 0),
    "more squares than patients": one_more("squares", 0),
    "more squares than lesions": one_more("squares", 3),
    "two lesions of a patient that has one": one_more("confusion_products", 0, 0),
    "two calls in a patient that has one": one_more("called_products", 1, 0, 0),
    "more patients of a reader than patients": one_more("reader_calls", 0, 1, 1, 1),
}


def test_the_sums_of_one_patient_are_possible() -> None:
    check_additive(one_patient(), "a")


@pytest.mark.parametrize("change", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_one_total_that_no_cases_have_is_refused(change: Callable[[Additive], None]) -> None:
    sums = one_patient()
    change(sums)
    if sums.squares.max() > 1 << 36:  # beyond what rounding may add
        sums.squares[sums.squares > 1 << 36] += 1 << 20
    with pytest.raises(PayloadError, match="sums of a"):
        check_additive(sums, "a")


@pytest.mark.parametrize("name", sections(1))
def test_a_negative_count_is_refused(name: str) -> None:
    sums = dataclasses.replace(one_patient(), readers=("r", "s"))
    two = np.zeros((2, 2, 2, 2), np.int64), np.zeros((1, 2, 2), np.int64)
    sums = dataclasses.replace(sums, reader_calls=two[0], reader_pairs=two[1])
    check_additive(sums, "a")
    flat = getattr(sums, name).reshape(-1)
    if name not in ("size", "clusters", "score_sums", "squares"):
        flat[-2] += flat[-1] + 1  # the totals stay, so that nothing but the sign is wrong
    flat[-1] = -1
    with pytest.raises(PayloadError, match="sums of a"):
        check_additive(sums, "a")


def test_a_vector_of_another_length_or_other_readers_is_refused() -> None:
    vector = additive_of(table(2, 9), 0.5).to_vector()
    with pytest.raises(PayloadError):
        Additive.from_vector(vector[:-1])
    with pytest.raises(PayloadError):
        Additive.from_vector(vector, READERS)
    with pytest.raises(PayloadError):
        add([additive_of(table(2, 9), 0.5), additive_of(table(2, 9), 0.5, READERS)])


def test_every_release_lays_out_a_vector_alike() -> None:
    made = Additive.from_vector(np.arange(vector_length(3), dtype=np.uint64), ("a", "b", "c"))
    starts = {f.name: int(getattr(made, f.name).flat[0]) for f in dataclasses.fields(made)[1:]}
    assert starts == {
        "patient_scores": 0,
        "lesion_scores": 131072,
        "size": 720896,
        "confusion": 720898,
        "called": 720907,
        "clusters": 720923,
        "decision": 720931,
        "reliability": 721083,
        "score_sums": 721163,
        "squares": 721203,
        "confusion_products": 721207,
        "called_products": 721288,
        "reader_calls": 721336,
        "reader_pairs": 721360,
    }
