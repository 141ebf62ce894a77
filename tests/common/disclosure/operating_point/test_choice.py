"""The operating point: a rule of the plan on pooled tuning cells."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hepafed.common.contract.figures import Cells, TuningFigures
from hepafed.common.disclosure.operating_point import (
    choose_threshold,
)
from hepafed.common.errors import RunError

from .cells import CLOSE, cut, probability, released, tuned


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
