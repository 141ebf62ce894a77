"""What an inner join lost is counted by site, and too much of it leaves a comparison undecided."""

from dataclasses import replace

import pytest
from hepafed.common.contract import Figure, PairSummary, TaskSummary
from hepafed.common.contract.messages import SiteComparison, SiteSummary
from hepafed.common.statistics import Estimate
from hepafed.server.formats import ComparisonRow, ReaderNonInferiority, ReaderRow
from hepafed.server.pooling import Compared
from hepafed.server.pooling.comparisons import comparison_rows
from hepafed.server.pooling.estimates import interval_estimate, rate_estimate
from hepafed.server.pooling.joining import readers_judged, too_few

QUESTION = ("patient", "malignant_vs_benign")


def summary(positives: int, negatives: int) -> SiteSummary:
    task = TaskSummary(
        unit=QUESTION[0],
        task=QUESTION[1],
        positives=positives,
        negatives=negatives,
        auc=Figure(value=0.8, low=0.7, high=0.9, se=0.05),
        true_positives=None,
        true_negatives=None,
        cells=None,
    )
    return SiteSummary(
        run="r",
        model="m",
        weights="w",
        patients=positives + negatives,
        lesions=positives + negatives,
        by_class={},
        minimum_count=1,
        tasks=(task,),
        confusion=None,
    )


def compared(positives: int, negatives: int, se: float = 0.02) -> SiteComparison:
    gain = Figure(value=-0.02, low=-0.02 - 1.96 * se, high=-0.02 + 1.96 * se, se=se)
    pair = PairSummary(
        first=0,
        second=1,
        unit=QUESTION[0],
        task=QUESTION[1],
        positives=positives,
        negatives=negatives,
        auc_first=Figure(value=0.85, low=0.8, high=0.9, se=0.03),
        auc_second=Figure(value=0.83, low=0.77, high=0.89, se=0.03),
        difference=gain,
        calls=None,
        covering=Figure(value=-0.02, low=-0.07, high=0.03),
    )
    n = positives + negatives
    return SiteComparison(
        run="r",
        weights=("w", "v"),
        patients=n,
        lesions=n,
        minimum_count=1,
        pairs=(pair,),
        form="figures",
    )


def rows(
    had: dict[str, tuple[int, int]], whole: dict[str, tuple[int, int]], **absent: str
) -> list[ComparisonRow]:
    made = Compared(
        names=("m", "n"), sites={s: compared(*c) for s, c in had.items()}, absent=absent
    )
    summaries = {s: summary(*c) for s, c in whole.items()}
    return comparison_rows(made, {("n", *QUESTION): 0.05}, summaries)


def test_each_site_that_lost_cases_is_named_with_how_many_are_left() -> None:
    pooled, c, a = rows(
        {"c": (20, 30), "a": (10, 11)}, {"c": (20, 31), "a": (10, 11), "b": (7, 8)}, b="offline"
    )
    assert (pooled.n, pooled.of) == (71, 87)
    assert [(x.site, x.n, x.of, x.reason) for x in pooled.lost or ()] == [
        ("c", 50, 51, ""),
        ("b", 0, 15, "offline"),
    ]
    assert [(x.site, x.n, x.of) for x in c.lost or ()] == [("c", 50, 51)]
    assert (a.n, a.of, a.lost) == (21, 21, ())


def test_a_site_without_a_shared_case_is_named_though_nobody_gave_a_reason() -> None:
    pooled, _ = rows({"a": (10, 11)}, {"a": (10, 11), "z": (3, 4)})
    assert [(x.site, x.n, x.of, x.reason) for x in pooled.lost or ()] == [
        ("z", 0, 7, "no case that every model scored"),
    ]


def test_a_site_whose_difference_has_no_variance_is_no_part_of_the_pooled_one() -> None:
    sites = {"a": compared(40, 40), "c": compared(30, 30), "b": compared(9, 9, se=0.0)}
    made = Compared(names=("m", "n"), sites=sites)
    whole = {"a": summary(40, 40), "c": summary(30, 30), "b": summary(9, 9)}
    pooled = comparison_rows(made, {("n", *QUESTION): 0.05}, whole)[0]
    assert [(x.site, x.n, x.reason) for x in pooled.lost or ()] == [
        ("b", 0, "its difference has no variance"),
    ]
    assert pooled.non_inferiority is not None
    assert pooled.non_inferiority.why.startswith("only 89 %")  # 70 of 79 of each class


@pytest.mark.parametrize(("positives", "judged"), [(95, True), (94, False)])
def test_below_95_percent_of_either_class_there_is_no_verdict(positives: int, judged: bool) -> None:
    _, row = rows({"a": (positives, 1000)}, {"a": (100, 1000)})
    held = row.non_inferiority
    assert held is not None
    assert (held.why == "") == judged
    assert held.holds == judged  # the upper end, 0.03, is below the margin of 0.05
    if not judged:
        assert held.why == (
            "only 94 % of the report's cases of one class are compared; a verdict needs 95 %"
        )


def test_where_the_reports_cases_are_not_known_nothing_is_said_to_be_lost() -> None:
    made = Compared(names=("m", "n"), sites={"a": compared(10, 11)})
    pooled = comparison_rows(made, {("n", *QUESTION): 0.05})[0]
    assert (pooled.of, pooled.lost) == (None, ())
    assert pooled.non_inferiority is not None
    assert pooled.non_inferiority.why == ""


def reader(positives: int, negatives: int) -> ReaderRow:
    rate = rate_estimate(1, 2)
    difference = interval_estimate(Estimate(0.1, low=0.05, high=0.15))
    return ReaderRow(
        reader="reader_a",
        n=positives + negatives,
        positives=positives,
        sensitivity=rate,
        specificity=rate,
        model_sensitivity=rate,
        model_specificity=rate,
        model_right_reader_wrong=0,
        model_wrong_reader_right=0,
        sensitivity_difference=difference,
        specificity_difference=difference,
        kappa_with_model=difference,
        non_inferiority=ReaderNonInferiority(margin=0.1, sensitivity=True, specificity=True),
    )


@pytest.mark.parametrize(
    ("had", "judged"), [((38, 57), True), ((37, 60), False), ((40, 56), False), ((40, 60), True)]
)
def test_a_reader_who_judged_too_few_of_either_class_has_no_verdict(
    had: tuple[int, int], judged: bool
) -> None:
    (made,) = readers_judged([reader(*had)], (40, 60))
    assert (made.of, made.of_positives) == (100, 40)
    held = made.non_inferiority
    assert held is not None
    assert (held.sensitivity, held.specificity) == (judged, judged)
    assert (held.why == "") == judged


def test_a_reader_without_a_margin_has_no_verdict_to_take_away() -> None:
    (made,) = readers_judged([replace(reader(1, 1), non_inferiority=None)], (40, 60))
    assert made.non_inferiority is None


def test_a_share_of_exactly_95_percent_is_enough() -> None:
    assert too_few(0.95) == ""
    assert too_few(0.9499) != ""
