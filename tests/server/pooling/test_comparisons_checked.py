"""A site's comparison is of the pairs that were asked for and of its own cases."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract import Figure, PairSummary
from hepafed.common.contract.messages import SiteComparison, SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.pooling import check_comparison

OTHER_CASES = "a comparison of other cases than it has"
OTHER = "another comparison than was asked for"
NOT_ITS = "a difference that is not that of its AUCs"
CALLS = "crossed calls of other cases than it has"
TASKS = (
    ("patient", "malignant_vs_benign"),
    ("lesion", "benign_vs_rest"),
    ("lesion", "primary_malignant_vs_rest"),
    ("lesion", "metastatic_vs_rest"),
)


def summary() -> SiteSummary:
    """14 patients with 28 lesions."""
    raw = np.random.default_rng(3).normal(size=(28, 3))
    table = ScoreTable(
        site=np.full(28, "a"),
        patient=np.array([f"p{i // 2}" for i in range(28)]),
        lesion=np.array([f"l{i}" for i in range(28)]),
        truth=np.arange(28) % 3,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )
    return summarise(table, run="r", model="m", weights="", threshold=0.4, minimum_count=2)


def pair(first: int, second: int, unit: str, task: str) -> PairSummary:
    p, n = (5, 7) if unit == "patient" else (9, 11)
    return PairSummary(
        first=first, second=second, unit=unit, task=task, positives=p, negatives=n,
        auc_first=Figure(value=0.75, se=0.1), auc_second=Figure(value=0.5, se=0.1),
        difference=Figure(value=-0.25, se=0.1), bound=0.01,
        calls=(1, 1, 1, n - 3, 2, 1, 1, p - 4),
    )  # fmt: skip


def comparison(**change: Any) -> SiteComparison:  # noqa: ANN401
    """Three models on 12 of the patients and 20 of the lesions."""
    pairs = tuple(pair(a, b, u, t) for a, b in ((0, 1), (0, 2), (1, 2)) for u, t in TASKS)
    values = {
        "run": "r", "weights": ("w", "v", "u"), "patients": 12, "lesions": 20,
        "minimum_count": 2, "pairs": pairs, "form": "figures", **change,
    }  # fmt: skip
    return SiteComparison(**values)


def with_pair(at: int, **change: Any) -> SiteComparison:  # noqa: ANN401
    pairs = list(comparison().pairs)
    pairs[at] = replace(pairs[at], **change)
    return comparison(pairs=tuple(pairs))


def check(found: SiteComparison) -> None:
    check_comparison("a", found, 3, summary())


def refused(words: str, found: SiteComparison) -> None:
    with pytest.raises(DataError, match=f"^a released {words}$"):
        check(found)


def test_each_pair_of_models_is_in_order_with_each_task() -> None:
    good = comparison()
    check(good)
    refused(OTHER, comparison(pairs=good.pairs[:-1]))
    refused(OTHER, comparison(pairs=good.pairs[::-1]))
    refused(OTHER, with_pair(4, second=1))
    refused(OTHER, with_pair(8, first=0))
    refused(OTHER, with_pair(1, unit="patient"))
    refused(OTHER, with_pair(1, task="metastatic_vs_rest"))


@pytest.mark.parametrize(("name", "most"), [("patients", 14), ("lesions", 28)])
def test_the_cases_are_at_least_one_and_at_most_the_sites(name: str, most: int) -> None:
    unit = {"patients": "patient", "lesions": "lesion"}[name]

    def of(cases: int) -> SiteComparison:
        pairs = tuple(
            replace(p, positives=cases, negatives=0, calls=None) if p.unit == unit else p
            for p in comparison().pairs
        )
        return comparison(pairs=pairs, **{name: cases})

    check(of(1))
    check(of(most))
    for cases in (0, -1, most + 1):
        refused(OTHER_CASES, of(cases))


def test_the_minimum_count_is_that_of_the_validation() -> None:
    for count in (1, 3):
        refused(OTHER_CASES, comparison(minimum_count=count))


@pytest.mark.parametrize("at", [0, 11], ids=["patients", "lesions of the last pair"])
def test_a_pair_has_all_patients_or_all_lesions_of_the_comparison(at: int) -> None:
    whole = (12, 20)[at > 0]
    check(with_pair(at, positives=whole, negatives=0, calls=None))
    check(with_pair(at, positives=0, negatives=whole, calls=None))
    refused(OTHER_CASES, with_pair(at, positives=whole, negatives=1, calls=None))
    refused(OTHER_CASES, with_pair(at, positives=whole - 1, negatives=0, calls=None))
    refused(OTHER_CASES, with_pair(at, positives=-1, negatives=whole + 1, calls=None))
    refused(OTHER_CASES, with_pair(at, positives=whole + 1, negatives=-1, calls=None))


@pytest.mark.parametrize("name", ["auc_first", "auc_second"])
def test_both_aucs_are_from_0_to_1(name: str) -> None:
    for value in (-0.01, 1.01):
        with pytest.raises(DataError, match="an AUC outside 0…1"):
            check(with_pair(2, **{name: Figure(value=value)}))


def test_a_difference_is_from_minus_1_to_1_and_that_of_its_aucs() -> None:
    zero, one = Figure(value=0.0), Figure(value=1.0)
    check(with_pair(3, auc_first=one, auc_second=zero, difference=Figure(value=-1.0)))
    check(with_pair(3, auc_first=zero, auc_second=one, difference=Figure(value=1.0)))
    with pytest.raises(DataError, match="an AUC outside -1…1"):
        check(with_pair(3, difference=Figure(value=-0.25, low=-1.01)))
    for value in (0.25, -0.25 + 2e-9, -0.25 - 2e-9):
        refused(NOT_ITS, with_pair(3, difference=Figure(value=value)))
    check(with_pair(3, difference=Figure(value=-0.25 + 1e-10)))


def test_a_difference_needs_both_aucs_and_no_difference_needs_none() -> None:
    gone = Figure(reason="withheld")
    check(with_pair(3, auc_first=gone, auc_second=gone, difference=gone))
    for name, value in (("auc_first", 0.5), ("auc_second", -0.75)):
        refused(NOT_ITS, with_pair(3, **{name: gone, "difference": Figure(value=value)}))


def test_the_bound_is_from_0_to_1() -> None:
    gone = Figure(reason="withheld")
    for more in ({}, {"difference": gone}):
        for good in (0.0, 1.0):
            check(with_pair(5, bound=good, **more))
        for wrong in (-0.01, 1.01):
            refused(NOT_ITS, with_pair(5, bound=wrong, **more))


def test_crossed_calls_are_8_counts_of_the_cases_of_each_class() -> None:
    check(with_pair(0, calls=(0, 0, 0, 7, 0, 0, 5, 0)))
    check(with_pair(0, calls=None))
    for wrong in (
        (0, 0, 0, 7, 0, 0, 5),
        (0, 0, 0, 7, 0, 0, 5, 0, 0),
        (-1, 1, 0, 7, 0, 0, 5, 0),
        (0, 0, 0, 6, 0, 0, 5, 0),
        (0, 0, 0, 7, 0, 0, 4, 0),
        (0, 0, 0, 5, 0, 0, 7, 0),
        (0, 0, 0, 6, 1, 0, 5, 0),
    ):
        refused(CALLS, with_pair(0, calls=wrong))


def test_a_later_pair_is_checked_where_an_earlier_one_withholds_its_calls() -> None:
    good = with_pair(0, calls=None)
    pairs = list(good.pairs)
    pairs[7] = replace(pairs[7], calls=(1,) * 8)
    refused(CALLS, comparison(pairs=tuple(pairs)))


@pytest.mark.parametrize(
    ("name", "value"), [("covering", -0.25), ("covering_first", 0.75), ("covering_second", 0.5)]
)
def test_an_interval_that_covers_is_of_the_same_figure_and_inside_its_range(
    name: str, value: float
) -> None:
    check(with_pair(2, **{name: Figure(value=value, low=value - 0.1, high=value + 0.1)}))
    check(with_pair(2, **{name: None}))
    other = "a difference that is not that of its AUCs"
    refused(other, with_pair(2, **{name: Figure(value=value + 0.01)}))
    for ends in ((-1.1, 0.9), (0.1, 1.01), (math.nan, 0.9)):
        refused(
            r"an AUC outside -?\d…1",
            with_pair(2, **{name: Figure(value=value, low=ends[0], high=ends[1])}),
        )
    turned = Figure(value=value, low=0.9, high=0.1)
    refused("an interval that ends before it begins", with_pair(2, **{name: turned}))


def test_sums_of_calls_over_patients_are_of_the_calls() -> None:
    calls = (3, 1, 0, 3, 2, 1, 1, 1)  # 2 cases that only the first model calls right, 1 the second
    check(with_pair(0, calls=calls, discordant=(3, 3)))
    check(with_pair(0, calls=calls, discordant=None))
    for wrong in ((3,), (3, 3, 3), (2, 2), (3, 4), (11, 3), (-1, -1)):
        refused(
            "impossible sums of calls over patients", with_pair(0, calls=calls, discordant=wrong)
        )
    refused(
        "how calls fall on patients without the calls", with_pair(0, calls=None, discordant=(3, 3))
    )
