"""The interval of the threshold: patients drawn anew, or order statistics."""

import math

import numpy as np
import pytest
from hepafed.common.contract.figures import Cells
from hepafed.common.disclosure.operating_point import (
    FEWEST,
    choose_threshold,
)

from .cells import CLOSE, cut, probability, released, tuned


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
