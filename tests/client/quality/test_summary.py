"""A site's summary of its cohort gives no small count away, not even by subtraction."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hepafed.client.cohort.store import Cohort
from hepafed.client.quality.summary import nested, summarise_cohort
from hepafed.client.release.policy import permit
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import CohortRequest, CohortSummary, pack, unpack
from hepafed.common.disclosure.suppression import withheld
from hepafed.common.errors import RefusedError
from hypothesis import given
from hypothesis import strategies as st

Make = Callable[..., Cohort]
ASK = CohortRequest(run="cohort-1")


def summarised(store: Cohort, minimum: int) -> CohortSummary:
    return summarise_cohort(store, store.rows(), "r", minimum)


def site(share: bool, role: str = "train") -> SiteConfig:
    return SiteConfig(site="a", role=role, address="localhost:1", share_cohort_summary=share)


def test_a_site_shares_nothing_unless_its_policy_says_so() -> None:
    assert SiteConfig(site="a", role="train", address="x:1").share_cohort_summary is False
    with pytest.raises(RefusedError, match="policy"):
        permit(site(False), ASK)


@pytest.mark.parametrize("role", ["train", "validate"])
def test_a_site_of_either_role_may_share(role: str) -> None:
    assert permit(site(True, role), ASK) is ASK


def test_the_summary_counts_patients(cohort: Make) -> None:
    summary = summarised(cohort(30), 5)
    assert (summary.patients, summary.lesions) == (30, 30)
    assert summary.by_class == {"benign": 10, "primary_malignant": 10, "metastatic": 10}
    assert summary.by_protocol == {"t2": 30, "t2-dwi": 30, "multi-sequence": 0, "enhanced": 0}
    assert summary.by_field_strength == {"3 T": 30}
    assert [s.sequence for s in summary.spacing] == ["t2", "dwi"]
    assert summary.spacing[0].between_slices == (5.0, 5.0, 5.0)


def test_several_lesions_of_one_patient_count_once(cohort: Make) -> None:
    one = dict.fromkeys(range(8), "p")
    summary = summarised(cohort(20, patients=one, labels={3: 2}), 2)
    assert summary.patients == 13
    assert summary.lesions == 20


def test_an_excluded_lesion_is_in_no_number_of_the_summary(cohort: Make) -> None:
    odd: dict[int, dict[str, Any]] = {
        k: {"field_strength": 1.5, "between_slices": 9.0} for k in range(0, 30, 3)
    }
    store = cohort(30, changes=odd)
    before = summarised(store, 5)
    assert before.by_field_strength == {"1.5 T": 10, "3 T": 20}
    store.exclude(dict.fromkeys([f"{k:04x}" for k in odd], "poor image"))
    summary = summarised(store, 5)
    assert (summary.patients, summary.lesions) == (20, 20)
    assert summary.by_class == {"benign": 0, "primary_malignant": 10, "metastatic": 10}
    assert summary.by_protocol["t2-dwi"] == 20
    assert summary.by_field_strength == {"3 T": 20}
    assert {s.between_slices for s in summary.spacing} == {(5.0, 5.0, 5.0)}
    store.exclude(dict.fromkeys([f"{k:04x}" for k in range(26)], ""))
    with pytest.raises(RefusedError, match="fewer patients"):
        summarised(store, 5)


def test_lesions_that_may_not_be_told_of_are_in_no_number_of_the_summary(cohort: Make) -> None:
    store = cohort(30)
    rows = [r for r in store.rows() if r.label]
    summary = summarise_cohort(store, rows, "r", 5)
    assert (summary.patients, summary.lesions) == (20, 20)
    assert summary.by_class == {"benign": 0, "primary_malignant": 10, "metastatic": 10}
    assert summary.by_field_strength == {"3 T": 20}


def test_a_cohort_smaller_than_the_minimum_is_not_described(cohort: Make) -> None:
    with pytest.raises(RefusedError, match="fewer patients"):
        summarised(cohort(4), 5)


def test_a_rare_scanner_is_withheld_with_another(cohort: Make) -> None:
    odd: dict[int, dict[str, Any]] = {0: {"field_strength": 1.5}}
    summary = summarised(cohort(12, changes=odd), 5)
    assert summary.by_field_strength == {"1.5 T": None, "3 T": None}


def test_the_summary_reads_back_and_holds_no_pseudonym(cohort: Make, tmp_path: Path) -> None:
    store = cohort(12)
    text = pack(summarised(store, 5))
    assert isinstance(unpack(text), CohortSummary)
    for row in store.rows():
        for word in (row.patient, row.lesion, row.crop, f'"{row.examination}"'):
            assert word not in text


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 40), max_size=6),
    st.integers(1, 12),
)
def test_no_small_count_follows_from_the_total_and_the_others(
    counts: dict[str, int], minimum: int
) -> None:
    total = sum(counts.values())
    shown = withheld(counts, minimum)
    for name, n in counts.items():
        assert shown[name] in (None, n)
        assert shown[name] is not None or n > 0
        assert not 0 < (shown[name] or 0) < minimum
    hidden = [n for k, n in counts.items() if shown[k] is None]
    if hidden and total >= minimum and len([n for n in counts.values() if n]) > 1:
        assert len(hidden) >= 2
        assert total - sum(n for n in shown.values() if n) >= minimum


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), st.integers(1, 12))
def test_no_two_released_counts_of_overlapping_groups_differ_by_little(
    counts: list[int], minimum: int
) -> None:
    total = max(*counts, minimum)
    shown = nested({str(k): n for k, n in enumerate(counts)}, total, minimum)
    released = [0, total, *(n for n in shown.values() if n is not None)]
    assert all(a == b or abs(a - b) >= minimum for a in released[1:] for b in released)
