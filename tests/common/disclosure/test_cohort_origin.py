"""Counts of what was left out leave only where policy shares them, and never a small one."""

import pytest
from hepafed.common.contract import CohortFacts, CohortOrigin
from hepafed.common.disclosure.cohort_origin import released_origin

Counts = dict[str, tuple[int, int]]


def counts(origin: CohortOrigin) -> dict[str, tuple[int | None, int | None]]:
    return {p.reason: (p.patients, p.lesions) for p in origin.left_out or ()}


def released(left_out: Counts, minimum: int) -> dict[str, tuple[int | None, int | None]]:
    facts = CohortFacts(sources=("dicom",), left_out=left_out)
    return counts(released_origin(facts, minimum, shared=True))


def test_a_site_that_shares_no_summary_names_its_sources_alone() -> None:
    facts = CohortFacts(sources=("key-images",), left_out={"excluded": (50, 60)})
    made = released_origin(facts, 5, shared=False)
    assert made == CohortOrigin(sources=("key-images",), left_out=None)


def test_a_reason_at_the_minimum_leaves_and_one_below_does_not() -> None:
    hidden = (None, None)
    assert released({"excluded": (5, 5)}, 5)["excluded"] == (5, 5)
    assert released({"excluded": (4, 9)}, 5)["excluded"] == hidden
    assert released({"excluded": (0, 4)}, 5)["excluded"] == hidden
    assert released({"excluded": (0, 5)}, 5)["excluded"] == (0, 5)


def test_beside_a_small_reason_another_one_is_hidden_too() -> None:
    found = released({"unreadable": (30, 40), "excluded": (2, 2), "no_sequence": (20, 25)}, 5)
    assert found["excluded"] == (None, None)
    assert sum(c == (None, None) for c in found.values()) >= 2


@pytest.mark.parametrize("minimum", [1, 5])
def test_reasons_that_nobody_has_are_said_to_be_empty(minimum: int) -> None:
    assert released({}, minimum) == dict.fromkeys(("unreadable", "excluded", "no_sequence"), (0, 0))
