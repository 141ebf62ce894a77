"""Who is counted where in the few counts with noise; how much one patient changes them."""

import math

import numpy as np
import pytest
from hepafed.common.disclosure.noise.coarse import (
    CELLS,
    HALF,
    LENGTH,
    SQUARED,
    coarse_counts,
    edges_of,
    halves,
    parts_of,
)
from hepafed.common.statistics.scores import ScoreTable


def table_of(lesions: list[tuple[str, int, float]]) -> ScoreTable:
    """Give lesions as (patient, true class, logit of 1 − p_benign)."""
    logits = np.array([x for _, _, x in lesions])
    benign = -np.logaddexp(0, logits)
    half = -np.logaddexp(0, -logits) - math.log(2)
    n = len(lesions)
    return ScoreTable(
        site=np.full(n, "a"),
        patient=np.array([p for p, _, _ in lesions], str),
        lesion=np.array([f"l{i}" for i in range(n)], str),
        truth=np.array([t for _, t, _ in lesions], np.int64),
        log_probs=np.column_stack([benign, half, half]),
        readers={},
    )


PATIENTS = [
    ("p1", 0, -0.7), ("p1", 0, -3.0),  # benign, −0.7: not called
    ("p2", 1, -20.0),  # malignant, lowest cell
    ("p3", 0, 0.2), ("p3", 2, -1.0),  # malignant by its second lesion, 0.2: called
    ("p4", 2, 30.0),  # malignant, highest cell
    ("p5", 0, 1.0),  # benign at an edge: the cell above
]  # fmt: skip


def test_a_patient_is_counted_once_in_each_part_by_the_largest_score() -> None:
    called, cells = parts_of(coarse_counts(table_of(PATIENTS), 0.5))
    assert called.tolist() == [[1, 1], [1, 2]]
    # edges −9 −6 −4 −2.75 −1.75 −1 −0.5 0 | 0.5 1 1.75 2.75 4 6 9
    assert np.argwhere(cells[0]).ravel().tolist() == [6, 10]
    assert np.argwhere(cells[1]).ravel().tolist() == [0, 8, 15]
    assert cells.sum(1).tolist() == [2, 3]


def test_the_cells_lie_about_the_operating_point_of_the_card_and_nowhere_else() -> None:
    assert edges_of(0.5) == (
        -9.0, -6.0, -4.0, -2.75, -1.75, -1.0, -0.5, 0.0, 0.5, 1.0, 1.75, 2.75, 4.0, 6.0, 9.0,
    )  # fmt: skip
    middle = math.log(0.8 / 0.2)
    assert edges_of(0.8) == pytest.approx([middle + e for e in edges_of(0.5)])
    assert edges_of(0.0)[7] == -16.0
    assert edges_of(1.0)[7] == 16.0
    assert len(edges_of(0.3)) == CELLS - 1
    assert [list(range(CELLS))[h] for h in halves()] == [
        list(range(HALF)),
        list(range(HALF, CELLS)),
    ]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.97, 1.0])
def test_calls_and_cells_agree_at_every_operating_point(threshold: float) -> None:
    called, cells = parts_of(coarse_counts(table_of(PATIENTS), threshold))
    assert [cells[:, h].sum(1).tolist() for h in halves()] == called.T.tolist()


def test_a_score_at_the_operating_point_is_called() -> None:
    called, cells = parts_of(coarse_counts(table_of([("p", 1, 0.0), ("q", 1, -1e-6)]), 0.5))
    assert called.tolist() == [[0, 0], [1, 1]]
    assert cells[1, HALF - 1 : HALF + 1].tolist() == [1, 1]


@pytest.mark.parametrize("more", [1, 40])
def test_one_patient_with_any_number_of_lesions_changes_the_vector_by_the_root_of_two(
    more: int,
) -> None:
    rng = np.random.default_rng(more)
    one = [
        ("new", int(t), float(x))
        for t, x in zip(rng.integers(0, 3, more), rng.normal(size=more), strict=True)
    ]
    change = coarse_counts(table_of(PATIENTS + one), 0.5) - coarse_counts(table_of(PATIENTS), 0.5)
    assert (change**2).sum() == SQUARED == 2
    assert change.shape == (LENGTH,)


def test_a_cohort_without_patients_has_counts_of_zero() -> None:
    assert not coarse_counts(table_of([]), 0.5).any()
