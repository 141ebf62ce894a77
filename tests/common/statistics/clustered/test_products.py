"""Products of patients' counts: what cases can give, and what no cases can."""

from collections.abc import Callable

import numpy as np
import pytest
from hepafed.common.statistics.clustered.products import (
    MOST_LESIONS,
    patient_products,
    possible_products,
)

PATIENT = np.array([0, 0, 0, 1, 2, 2, 4, 4, 4, 4, 5])
"""Patients of several lesions and of one; number 3 has none."""
TRUTH = np.array([0, 0, 1, 2, 1, 0, 2, 2, 2, 0, 1])
CALL = np.array([0, 1, 1, 2, 1, 0, 2, 0, 2, 0, 2])
Parts = dict[str, np.ndarray]


def parts() -> Parts:
    kinds = [2 * (k == TRUTH) + (k == CALL) for k in range(3)]
    called = [np.zeros((2, 2), np.int64)]  # of the patients' task, which has no products
    called += [np.bincount(k, minlength=4).reshape(2, 2) for k in kinds]
    cell = 3 * TRUTH + CALL
    return {
        "confusion": np.bincount(cell, minlength=9).reshape(3, 3),
        "called": np.stack(called),
        "confusion_products": patient_products(PATIENT, 6, cell, 9),
        "called_products": np.stack([patient_products(PATIENT, 6, k, 4) for k in kinds]),
    }


def possible(found: Parts, patients: int = 6) -> bool:
    counts = found["confusion"], found["called"]
    return possible_products(
        found["confusion_products"], found["called_products"], counts, patients
    )


def test_products_are_of_each_patients_counts_by_hand() -> None:
    kind = np.array([0, 1, 1, 0, 1, 1, 0])
    made = patient_products(np.array([2, 2, 2, 0, 0, 3, 3]), 5, kind, 2)
    # patients 0, 2, 3 have (1, 1), (1, 2), (1, 1)
    assert made.tolist() == [[3, 4], [4, 6]]
    assert made.dtype == np.int64


def test_products_of_cases_are_possible() -> None:
    assert possible(parts())


def changed(name: str, *places: tuple[int, ...], by: int) -> Callable[[Parts], None]:
    def change(found: Parts) -> None:
        for place in places:
            found[name][place] += by

    return change


IMPOSSIBLE = {
    "a product below zero": changed("confusion_products", (0, 8), (8, 0), by=-5),
    "not symmetric": changed("confusion_products", (0, 1), by=1),
    "a square of the other parity": changed("confusion_products", (0, 0), by=1),
    "squares below the counts": changed("confusion_products", (8, 8), by=-8),
    "squares beyond one patient with all": changed("called_products", (2, 3, 3), by=100),
    "pairs that another table lacks": changed("confusion_products", (4, 4), by=2),
    "pairs of a task that the classes lack": changed("called_products", (0, 0, 0), by=2),
    "pairs of the other truth": changed("called_products", (1, 2, 0), (1, 0, 2), by=1),
}


@pytest.mark.parametrize("change", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_products_that_no_cases_have_are_impossible(change: Callable[[Parts], None]) -> None:
    found = parts()
    change(found)
    assert not possible(found)


def test_counts_cannot_spread_less_than_evenly_over_the_patients() -> None:
    assert possible(parts(), 5)  # those that have a lesion
    assert not possible(parts(), 2)


def test_more_lesions_than_sums_have_room_for_are_impossible() -> None:
    def of(lesions: int) -> Parts:
        """All lesions benign and called so, of one patient."""
        made = {name: np.zeros_like(a) for name, a in parts().items()}
        made["confusion"][0, 0] = lesions
        made["confusion_products"][0, 0] = lesions**2
        for task, cell in enumerate((3, 0, 0)):
            made["called"][task + 1].reshape(-1)[cell] = lesions
            made["called_products"][task, cell, cell] = lesions**2
        return made

    assert possible(of(MOST_LESIONS), 1)
    assert not possible(of(MOST_LESIONS + 1), 1)
