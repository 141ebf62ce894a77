"""The vector of a pooled cohort is the sum of its sites' vectors, and it says what it holds."""

import dataclasses

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.additive import (
    TASK_ORDER,
    Additive,
    add,
    check_additive,
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


def test_sums_that_no_cases_have_are_refused() -> None:
    good = additive_of(table(1, 40), 0.5, READERS)
    check_additive(good, "a")
    broken = [
        dataclasses.replace(good, size=good.size + 1),
        dataclasses.replace(good, called=good.called[:, ::-1]),
        dataclasses.replace(good, squares=good.squares - good.squares.max() - 1),
        dataclasses.replace(good, reliability=np.roll(good.reliability, 1, axis=1)),
    ]
    for bad in broken:
        with pytest.raises(PayloadError, match="sums of a"):
            check_additive(bad, "a")


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
        "reader_calls": 721207,
        "reader_pairs": 721231,
    }
