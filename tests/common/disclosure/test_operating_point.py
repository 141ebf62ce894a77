"""The operating point: a rule of the plan on pooled tuning cells, its interval, what it refuses."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hepafed.common.contract.figures import Cells, Figure, TaskSummary, TuningFigures
from hepafed.common.disclosure.operating_point import (
    FEWEST,
    check_tuning,
    choose_threshold,
)
from hepafed.common.errors import PayloadError, PlanError, RunError
from hepafed.common.statistics.bins import BINS, Histogram, bin_logits, cells_of
from numpy.typing import NDArray

CLOSE = 1e-3
"""An edge is half-way between the two float16 numbers beside it: right to 1 part in 2,048."""


def tuned(*cells: Cells | None) -> list[TuningFigures]:
    return [
        TuningFigures(
            lesions=10**6,
            macro_auc=0.5,
            tasks=(
                TaskSummary(
                    unit="patient",
                    task="malignant_vs_benign",
                    positives=sum(c.positives) if c else 2,
                    negatives=sum(c.negatives) if c else 2,
                    auc=Figure(value=0.5),
                    true_positives=None,
                    true_negatives=None,
                    cells=c,
                ),
            ),
        )
        for c in cells
    ]


def edge(logit: float) -> int:
    """Give the bin that begins at a logit which float16 holds exactly."""
    bits = int(np.float16(logit).view(np.uint16))
    return bits ^ 0xFFFF if bits & 0x8000 else bits | 0x8000


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def cut(*logits: float, malignant: tuple[int, ...], benign: tuple[int, ...]) -> Cells:
    """Make cells that are parted at logits."""
    return Cells(
        edges=(0, *map(edge, logits), BINS), positives=tuple(malignant), negatives=tuple(benign)
    )


def released(logits: NDArray[np.float64], truth: NDArray[np.bool_], minimum: int) -> TuningFigures:
    """Make what a site releases of its tuning scores."""
    bins = bin_logits(logits)
    p, n = (np.bincount(bins[t], minlength=BINS) for t in (truth, ~truth))
    (made,) = tuned(cells_of(Histogram(p, n), minimum))
    return made


def test_the_operating_point_has_the_largest_sum_of_sensitivity_and_specificity() -> None:
    """At 0.5: 7 of 10 caught and 9 of 10 spared; at −2 9 and 6; at 1.5 4 and 10."""
    cells = cut(-2.0, 0.5, 1.5, malignant=(1, 2, 3, 4), benign=(6, 3, 1, 0))
    chosen = choose_threshold(tuned(cells))
    assert chosen.threshold == pytest.approx(probability(0.5), rel=CLOSE)
    assert chosen.rule.startswith("largest sum of sensitivity and specificity")
    assert (chosen.positives, chosen.negatives, chosen.sites, chosen.cuts) == (10, 10, 1, 3)


def test_the_edges_of_one_gap_are_one_place() -> None:
    """Exact scores 1, 2, 2, 4 and 7: between five patients with four scores are three places."""
    scores = np.array([1.0, 2.0, 2.0, 4.0, 7.0])
    chosen = choose_threshold([released(scores, np.array([0, 0, 1, 0, 1], dtype=bool), 1)])
    assert chosen.cuts == 3


def test_patients_with_one_score_give_a_placeholder_although_the_bin_has_edges() -> None:
    scores = np.full(6, 1.5)
    chosen = choose_threshold([released(scores, np.arange(6) < 2, 1)])
    assert chosen.threshold == 0.5
    assert chosen.rule.endswith("no edge between the released cells parts the tuning scores")
    with pytest.raises(RunError, match="parts the tuning scores"):
        choose_threshold([released(scores, np.arange(6) < 2, 1)], "sensitivity >= 0.9")


def straddling() -> list[TuningFigures]:
    """Make the cells of two sites; the second's middle one, 0.4 to 0.8, straddles 0.5."""
    first = cut(0.0, malignant=(0, 6), benign=(6, 0))
    low, high = (float(np.float16(math.log(p / (1 - p)))) for p in (0.4, 0.8))
    return tuned(first, cut(low, high, malignant=(0, 8, 6), benign=(10, 10, 2)))


def test_a_straddling_cell_counts_on_both_sides_by_its_share_of_the_probability() -> None:
    """By hand, of 20 malignant and 28 benign patients, caught and spared.

    At 0.4: 20 and 10 + 4.8, a sum of 1.529; at 0.5: 6 + 6 + 6 (a quarter of 8 is below) and
    6 + 10 + 2.5, 1.561; at 0.8: 2.4 + 6 and 26, 1.349. With every benign patient of a straddling
    cell spared and every malignant one missed, 0.4 would win: 1.571 against 1.529.
    """
    chosen = choose_threshold(straddling())
    assert chosen.threshold == pytest.approx(0.5, abs=1e-4)
    assert (chosen.positives, chosen.negatives, chosen.sites, chosen.cuts) == (20, 28, 2, 3)


def test_an_aim_between_two_edges_is_reached_at_the_share_of_the_probability() -> None:
    """From 0.4 to 0.5 the spared grow from 14.8 to 18.5 of 28."""
    wanted = 0.4 + 0.1 * (0.6 * 28 - 14.8) / 3.7
    chosen = choose_threshold(straddling(), "specificity >= 0.6")
    assert chosen.threshold == pytest.approx(wanted, abs=3e-4)


def test_cells_of_single_scores_choose_as_the_scores_themselves_do() -> None:
    """Against every threshold by brute force, unequal sites with ties, in any order."""
    rng = np.random.default_rng(5)
    sites = []
    for count, shift in ((7, -0.4), (40, 0.3), (19, 0.0)):
        truth = rng.random(count) < 0.4
        sites.append((np.round(rng.normal(size=count) + 1.2 * truth + shift, 1), truth))
    logits = np.concatenate([x for x, _ in sites]).astype(np.float16).astype(float)
    truth = np.concatenate([t for _, t in sites])
    values = np.unique(logits)
    tried = [(a + b) / 2 for a, b in pairwise(values)]
    sums = [(logits[truth] >= t).mean() + (logits[~truth] < t).mean() for t in tried]
    wanted = [t for t, s in zip(tried, sums, strict=True) if s > max(sums) - 1e-9]
    figures = [released(x, t, 1) for x, t in sites]
    chosen = choose_threshold(figures)
    found = math.log(chosen.threshold / (1 - chosen.threshold))
    assert (logits[truth] >= found).mean() + (logits[~truth] < found).mean() == max(sums)
    below = values[values < wanted[0]].max()
    assert below < found < values[values > wanted[0]].min()
    assert choose_threshold(figures[::-1]).threshold == chosen.threshold


def test_where_a_range_of_thresholds_has_one_sum_its_middle_is_taken() -> None:
    """Nobody lies between −1 and 3: every threshold there parts the classes fully."""
    cells = cut(-1.0, 3.0, malignant=(0, 0, 9), benign=(8, 0, 0))
    middle = (probability(-1.0) + probability(3.0)) / 2
    assert choose_threshold(tuned(cells)).threshold == pytest.approx(middle, rel=CLOSE)


def test_of_separate_ranges_with_one_sum_the_lowest_is_taken() -> None:
    """At −0.25 10 of 10 and 5 of 10, at 3 5 and 10; between them 7 and 7."""
    cells = cut(-0.25, 1.0, 3.0, malignant=(0, 3, 2, 5), benign=(5, 2, 3, 0))
    chosen = choose_threshold(tuned(cells)).threshold
    assert chosen == pytest.approx(probability(-0.25), rel=CLOSE)


def test_a_tie_of_thresholds_is_not_left_to_rounding() -> None:
    """At −0.25 4/6 + 1/2, at 3 1/6 + 2/2: one number, of which float64 makes two."""
    cells = cut(-0.25, 1.0, 3.0, malignant=(2, 2, 1, 1), benign=(1, 0, 1, 0))
    assert choose_threshold(tuned(cells)).threshold == pytest.approx(
        (probability(-0.25)), rel=CLOSE
    )


def test_the_cells_of_all_sites_choose_together() -> None:
    """Alone the first would choose 2; with the second, of ten times the cases, 0.75."""
    small = cut(2.0, malignant=(0, 3), benign=(3, 0))
    large = cut(0.75, malignant=(2, 28), benign=(29, 1))
    chosen = choose_threshold(tuned(small, large, None))
    assert chosen.threshold == pytest.approx(probability(0.75), rel=CLOSE)
    assert (chosen.positives, chosen.negatives, chosen.sites) == (33, 33, 2)


def test_a_site_with_one_cell_does_not_move_the_threshold() -> None:
    """Its 50 malignant patients lie anywhere: spread over all they would draw it down."""
    two = cut(-1.0, 0.5, malignant=(1, 3, 9), benign=(7, 4, 1))
    whole = cut(malignant=(50,), benign=(5,))
    assert choose_threshold(tuned(whole, two)) == choose_threshold(tuned(two))


def test_without_draws_there_is_the_same_threshold_and_no_interval() -> None:
    two = tuned(cut(-1.0, 0.5, malignant=(1, 3, 9), benign=(7, 4, 1)))
    plain = choose_threshold(two, draws=0)
    assert (plain.low, plain.high) == (None, None)
    assert plain.threshold == choose_threshold(two).threshold


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ((), "no site released"),
        ((cut(1.0, malignant=(0, 0), benign=(3, 4)),), "0 malignant and 7 benign"),
        ((cut(1.0, malignant=(5, 1), benign=(0, 0)),), "6 malignant and 0 benign"),
        ((cut(malignant=(5,), benign=(6,)),), "no site released"),
        ((cut(100.0, malignant=(0, 5), benign=(6, 0)),), "no edge"),
    ],
    ids=["no cells", "no malignant", "no benign", "one cell", "beyond"],
)
def test_where_nothing_can_be_chosen_the_operating_point_is_a_placeholder_or_an_aim_refused(
    cells: tuple[Cells, ...], why: str
) -> None:
    with pytest.raises(RunError, match=f"no threshold can be chosen .* {why}"):
        choose_threshold(tuned(*cells), "sensitivity >= 0.95")
    chosen = choose_threshold(tuned(*cells))
    assert (chosen.threshold, chosen.low, chosen.high, chosen.sites) == (0.5, None, None, 0)
    assert chosen.rule.startswith("0.5, a placeholder: ")
    assert why in chosen.rule


def test_scores_beyond_what_a_probability_can_hold_part_nothing() -> None:
    """Logits of 100 and 200 are both a probability of 1: no threshold lies between them."""
    cells = cut(100.0, 200.0, malignant=(0, 0, 5), benign=(0, 5, 0))
    assert choose_threshold(tuned(cells)).rule.startswith("0.5, a placeholder")


AIMED = cut(-2.0, -1.0, 1.0, 2.0, malignant=(0, 1, 4, 5, 10), benign=(10, 6, 2, 1, 1))
"""Sensitivity at the edges 20, 19, 15 and 10 of 20; specificity 10, 16, 18 and 19 of 20."""


def between(low: float, high: float, share: float) -> float:
    return probability(low) + share * (probability(high) - probability(low))


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        ("sensitivity >= 0.95", probability(-1.0)),
        ("sensitivity >= 0.951", between(-2.0, -1.0, 0.98)),
        ("sensitivity >= 0.85", between(-1.0, 1.0, 0.5)),
        ("sensitivity >= 0.75", probability(1.0)),
        ("sensitivity >= 0.5", probability(2.0)),
        ("specificity >= 0.9", probability(1.0)),
        ("specificity >= 0.85", between(-1.0, 1.0, 0.5)),
        ("specificity >= 0.95", probability(2.0)),
        ("specificity >= 0.5", probability(-2.0)),
    ],
)
def test_a_stated_aim_is_just_reached(rule: str, threshold: float) -> None:
    chosen = choose_threshold(tuned(AIMED), rule)
    assert chosen.threshold == pytest.approx(threshold, rel=CLOSE)
    assert rule in chosen.rule
    assert chosen.rule.startswith("highest" if rule.startswith("sens") else "lowest")


def test_an_aim_on_single_scores_keeps_just_the_patients_that_it_needs() -> None:
    """27 of 30 malignant patients are 0.9, 16 of 20 benign ones 0.8; scores lie 0.25 apart."""
    malignant, benign = np.arange(30) / 4, np.arange(20) / 4 - 2.125
    logits = np.concatenate([malignant, benign])
    figures = [released(logits, np.arange(50) < 30, 1)]
    for rule, kept in (("sensitivity >= 0.9", (27, None)), ("specificity >= 0.8", (None, 16))):
        found = choose_threshold(figures, rule).threshold
        at = math.log(found / (1 - found))
        assert kept[0] in (None, (malignant >= at).sum())
        assert kept[1] in (None, (benign < at).sum())


@pytest.mark.parametrize(
    ("cells", "rule", "most"),
    [
        (cut(0.0, 1.0, malignant=(2, 8, 10), benign=(9, 6, 5)), "sensitivity >= 0.95", "0.900"),
        (cut(0.0, 1.0, malignant=(2, 8, 10), benign=(9, 6, 5)), "specificity >= 0.8", "0.750"),
        (cut(0.0, 1.0, malignant=(0, 9, 0), benign=(0, 8, 1)), "sensitivity >= 0.9", "0.000"),
        (cut(0.0, 1.0, malignant=(1, 8, 0), benign=(0, 9, 0)), "specificity >= 0.9", "0.000"),
    ],
    ids=["sensitivity", "specificity", "only by calling all", "only by calling none"],
)
def test_an_aim_that_is_not_reached_is_refused_with_what_is(
    cells: Cells, rule: str, most: str
) -> None:
    with pytest.raises(RunError, match=rf"reach no {rule} .* is {most}") as refused:
        choose_threshold(tuned(cells), rule)
    assert "the rule youden" in refused.value.hint


@pytest.mark.parametrize(("counts", "rule"), [
    ((0, 9), "sensitivity >= 0.9"), ((9, 0), "specificity >= 0.9"),
])  # fmt: skip
def test_no_aim_is_reached_where_all_patients_lie_in_one_cell(
    counts: tuple[int, int], rule: str
) -> None:
    with pytest.raises(RunError, match="no edge between the released cells parts"):
        choose_threshold(tuned(cut(0.0, malignant=counts, benign=counts)), rule)


@pytest.mark.parametrize(
    "rule",
    ["", "Youden", "sensitivity", "sensitivity >= 1", "sensitivity >= 0.4999",
     "specificity >= 0.9991", "specificity > 0.9", "ppv >= 0.9", "sensitivity >= 0.9 "
     "and specificity >= 0.9", "sensitivity >= nan"],
)  # fmt: skip
def test_a_rule_that_is_none_is_refused_by_name(rule: str) -> None:
    with pytest.raises(PlanError, match=r"operating_point\.rule"):
        choose_threshold(tuned(AIMED), rule)


def test_the_interval_is_that_of_thresholds_chosen_on_patients_drawn_anew() -> None:
    """Three scores of a site; a bootstrap by patient, with the same place of each, agrees."""
    logits = np.repeat([-1.0, 0.5, 2.0], [20, 16, 14])
    truth = np.concatenate([np.arange(20) < 3, np.arange(16) < 8, np.arange(14) < 12])
    chosen = choose_threshold([released(logits, truth, 1)], seed=3)
    rng, drawn = np.random.default_rng(99), []
    at = [0.0, *map(probability, (-1.0, 0.5, 2.0)), 1.0]
    for _ in range(20_000):
        malignant = rng.choice(logits[truth], truth.sum())
        benign = rng.choice(logits[~truth], (~truth).sum())
        sums = [(malignant >= t).mean() + (benign < t).mean() for t in (-1.0, 0.5, 2.0, 9.0)]
        place = int(np.argmax(np.array(sums) > max(sums) - 1e-9))
        drawn.append(rng.uniform(at[place], at[place + 1]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    assert chosen.low == pytest.approx(low, abs=0.03)
    assert chosen.high == pytest.approx(high, abs=0.03)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [("sensitivity >= 0.8", (29, 19)), ("specificity >= 0.7", (10, 19))],
)
def test_the_interval_of_an_aim_is_that_of_a_quantile_by_order(
    rule: str, kept: tuple[int, int]
) -> None:
    """By scipy 19 and 28 are the 2.5 and 97.5 % quantiles of 30 at 0.8; 10 and 18 of 20 at 0.7.

    So the sensitivity's interval reaches from 29 malignant patients caught to 19, and the
    specificity's from 10 benign ones spared to 19.
    """
    malignant, benign = np.arange(30) / 4, np.arange(20) / 4 - 2.125
    logits = np.concatenate([malignant, benign])
    chosen = choose_threshold([released(logits, np.arange(50) < 30, 1)], rule)
    assert chosen.low is not None
    assert chosen.high is not None
    ends = [math.log(p / (1 - p)) for p in (chosen.low, chosen.high)]
    sensitive = rule.startswith("sens")
    right = [(malignant >= t).sum() if sensitive else (benign < t).sum() for t in ends]
    assert tuple(right) == kept


@pytest.mark.parametrize(
    ("cells", "rule", "ends"),
    [
        (cut(-1.0, 1.0, malignant=(1, 2, 17), benign=(9, 9, 2)), "sensitivity >= 0.9", (0.0, 1.0)),
        (cut(-1.0, 1.0, malignant=(2, 9, 9), benign=(17, 2, 1)), "specificity >= 0.9", (0.0, 1.0)),
    ],
)
def test_an_interval_that_lies_beyond_the_last_edges_ends_at_0_or_1(
    cells: Cells, rule: str, ends: tuple[float, float]
) -> None:
    """The quantiles of 20 at 0.9 are 15 and 20: 21 is reached nowhere, 15 not between edges."""
    chosen = choose_threshold(tuned(cells), rule)
    assert (chosen.low, chosen.high) == ends


def test_the_interval_is_wider_than_the_edges_that_are_chosen() -> None:
    """Each draw chooses the one edge, 0; cells cannot say where beside it the threshold lies."""
    cells = cut(0.0, malignant=(0, 40), benign=(40, 0))
    chosen = choose_threshold(tuned(cells))
    assert chosen.threshold == pytest.approx(0.5, rel=CLOSE)
    assert chosen.low == pytest.approx(0.25 + 0.025 * 0.5, abs=0.01)
    assert chosen.high == pytest.approx(0.75 - 0.025 * 0.5, abs=0.01)


def test_the_interval_narrows_with_patients_and_repeats_with_its_seed() -> None:
    rng, widths = np.random.default_rng(4), []
    for count in (30, 300, 3000):
        truth = rng.random(count) < 0.5
        figures = [released(rng.normal(size=count) + 1.5 * truth, truth, 5)]
        chosen = choose_threshold(figures, seed=1)
        assert chosen == choose_threshold(figures, seed=1)
        assert chosen.low is not None
        assert chosen.high is not None
        assert chosen.low <= chosen.threshold <= chosen.high
        widths.append(chosen.high - chosen.low)
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize(("fewest", "there"), [(FEWEST, True), (FEWEST - 1, False)])
@pytest.mark.parametrize("malignant", [True, False])
def test_a_class_of_fewer_than_five_gives_no_interval(
    fewest: int, there: bool, malignant: bool
) -> None:
    few, many = (0, fewest), (9, 3)
    cells = cut(0.5, malignant=few if malignant else many[::-1], benign=many if malignant else few)
    chosen = choose_threshold(tuned(cells))
    assert (chosen.low is not None) == there
    assert (chosen.high is not None) == there


def test_figures_of_a_site_are_checked_before_a_threshold_is_chosen_on_them() -> None:
    (good,) = tuned(cut(0.5, malignant=(2, 5), benign=(4, 3)))
    (task,) = good.tasks
    check_tuning(good)
    check_tuning(replace(good, lesions=14))
    check_tuning(replace(good, tasks=(replace(task, cells=None),)))
    check_tuning(TuningFigures(lesions=0, macro_auc=None))
    assert task.cells is not None
    bad = {
        "more patients than lesions": replace(good, lesions=13),
        "more than one task": replace(good, tasks=(task, task)),
        "hold other patients": replace(good, tasks=(replace(task, positives=8),)),
        "other patients than": replace(good, tasks=(replace(task, negatives=6),)),
        "not in order": replace(
            good, tasks=(replace(task, cells=replace(task.cells, edges=(0, 9, 9))),)
        ),
        "cells of a histogram": replace(
            good, tasks=(replace(task, cells=replace(task.cells, positives=(8, -1))),)
        ),
    }
    for why, figures in bad.items():
        with pytest.raises(PayloadError, match=why):
            check_tuning(figures)
    with pytest.raises(PayloadError, match="patients"):
        check_tuning(replace(good, tasks=(replace(task, positives=-1, cells=None),)))
