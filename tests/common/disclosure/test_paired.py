"""What a site says of two models over its own lesions, and what it keeps to itself."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.disclosure.paired import Paired, own_pairs, paired_of
from hepafed.common.statistics.scores import ScoreTable


def table(seed: int, patients: int = 40) -> ScoreTable:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(0).integers(0, 3, patients)
    raw = rng.normal(size=(patients, 3)) + np.eye(3)[truth]
    return ScoreTable(
        site=np.full(patients, "a"),
        patient=np.array([f"p{i}" for i in range(patients)]),
        lesion=np.full(patients, "l"),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


TABLES = [table(1), table(2)]
PAIRED = paired_of(TABLES, (0.5, 0.4))


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


@pytest.mark.parametrize(("minimum", "few"), [(40, False), (41, True)])
def test_figures_need_the_minimum_of_patients(minimum: int, few: bool) -> None:
    made = own_pairs(TABLES, with_calls(50, 50, 50), minimum, calls=True)
    for pair in made:
        for figure in (pair.auc_first, pair.auc_second, pair.difference):
            assert (figure.value is None) == few
        assert not few or pair.bound == 0.0
    assert not few or "withheld" in made[0].difference.reason


def test_calls_of_two_models_cross_by_truth() -> None:
    """By hand from the patients' probabilities of malignancy, each at its own threshold."""
    malignant = [1 - np.exp(t.log_probs[:, 0]) for t in TABLES]
    wanted = np.zeros((2, 2, 2), int)
    for truth, one, other in zip(TABLES[0].truth > 0, malignant[0], malignant[1], strict=True):
        wanted[int(truth), int(one >= 0.5), int(other >= 0.4)] += 1
    assert (PAIRED.calls[0, 0] == wanted).all()
