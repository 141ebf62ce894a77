"""Bins stand for logits; cells merge them; cells that no histogram has are refused."""

import numpy as np
import pytest
from hepafed.common.contract.figures import Cells
from hepafed.common.errors import DataError
from hepafed.common.statistics.bins import (
    BINS,
    Histogram,
    Intervals,
    bin_logits,
    cells_of,
    intervals_of,
    intervals_of_histogram,
    joined,
    logistic,
    logit_of_bin,
    logits_of_bins,
    mass_of_bins,
    pair_intervals,
)


def histogram(held: dict[int, tuple[int, int]], first: dict[int, int] | None = None) -> Histogram:
    """Give a histogram of bins: positives and negatives; of those, some of the first class."""
    made = np.zeros((3, BINS), np.int64)
    for b, (p, n) in held.items():
        made[:2, b] = p, n
    for b, n in (first or {}).items():
        made[2, b] = n
    return Histogram(made[0], made[1], None if first is None else made[2])


@pytest.mark.parametrize(
    ("logit", "at"),
    [
        (0.0, 0x8000),
        (-0.0, 0x8000),
        (1.0, 0x8000 + 0x3C00),  # float16 of 1 is 0x3C00
        (-1.0, 0x8000 - 0x3C00 - 1),
        (65504.0, 0x8000 + 0x7BFF),
        (1e9, 0x8000 + 0x7BFF),
        (-65504.0, 0x8000 - 0x7BFF - 1),
        (-np.inf, 0x8000 - 0x7BFF - 1),
    ],
)
def test_a_bin_is_the_place_of_a_float16(logit: float, at: int) -> None:
    assert bin_logits(np.array([logit])).tolist() == [at]
    assert logit_of_bin(at) == np.clip(logit, -65504.0, 65504.0)


def test_bins_beyond_all_logits_stand_for_the_largest() -> None:
    found = logits_of_bins(np.array([0, 1, 0x3FF, 0xFC00, 0xFC01, BINS - 1]))
    assert found.tolist() == [-65504.0] * 3 + [65504.0] * 3


def test_a_probability_of_any_logit_is_finite() -> None:
    assert logistic(0.0) == 0.5
    assert logistic(2.0) == pytest.approx(0.8807970779778823)
    assert logistic(-2.0) == pytest.approx(0.11920292202211755)
    assert (logistic(-65504.0), logistic(65504.0)) == (0.0, 1.0)


def test_only_occupied_bins_become_intervals() -> None:
    made = intervals_of_histogram(histogram({7: (1, 0), 9: (0, 4), 40: (2, 2)}))
    assert made.low.tolist() == [7, 9, 40]
    assert made.high.tolist() == [8, 10, 41]
    assert made.positives.tolist() == [1, 0, 2]
    assert made.negatives.tolist() == [0, 4, 2]
    assert made.totals == (3, 6)


def test_intervals_of_no_site_are_none() -> None:
    made = joined([])
    assert [len(a) for a in (made.low, made.high, made.positives, made.negatives)] == [0] * 4
    assert made.totals == (0, 0)


def test_cells_end_at_the_roundest_number_between_two_scores() -> None:
    cells = cells_of(histogram({20_000: (3, 1), 20_700: (1, 2), 33_001: (0, 3), 33_004: (5, 0)}), 3)
    assert cells is not None
    # 20,480 is 5 · 4,096; 32,768 is 2^15; 33,004 is 4 · 8,251, and 33,002 and 33,003 are less round
    assert cells.edges == (0, 20_480, 32_768, 33_004, BINS)
    assert cells.positives == (3, 1, 0, 5)
    assert cells.negatives == (1, 2, 3, 0)
    assert cells.first_rest == ()


def test_an_edge_between_neighbouring_bins_parts_them() -> None:
    cells = cells_of(histogram({20_000: (2, 0), 20_001: (0, 2)}), 2)
    assert cells is not None
    assert cells.edges == (0, 20_001, BINS)


def test_a_cell_is_closed_at_exactly_the_minimum_where_as_many_are_left() -> None:
    def sizes(*counts: int) -> list[int]:
        cells = cells_of(histogram({1000 * i: (c, 0) for i, c in enumerate(counts, 1)}), 5)
        assert cells is not None
        return list(cells.positives)

    assert sizes(5, 5) == [5, 5]
    assert sizes(4, 1, 5) == [5, 5]
    assert sizes(5, 4) == [9]
    assert sizes(4, 5) == [9]
    assert sizes(5, 5, 4) == [5, 9]
    assert sizes(7, 6, 5) == [7, 6, 5]
    assert sizes(2, 2, 2, 2, 2, 2) == [6, 6]


def test_exactly_the_minimum_is_one_cell_and_fewer_are_none() -> None:
    held = histogram({9: (2, 1), 30_000: (0, 2)})
    whole = cells_of(held, 5)
    assert whole is not None
    assert (whole.edges, whole.positives, whole.negatives) == ((0, BINS), (2,), (3,))
    assert cells_of(held, 6) is None
    assert cells_of(histogram({}), 0) is None


@pytest.mark.parametrize("minimum", [0, 1])
def test_with_a_minimum_of_one_every_score_has_its_own_cell(minimum: int) -> None:
    cells = cells_of(histogram({0: (1, 0), 9: (2, 3), 10: (0, 1)}, {9: 2, 10: 1}), minimum)
    assert cells is not None
    assert cells.edges == (0, 1, 9, 10, 11, BINS)
    assert cells.positives == (1, 0, 2, 0, 0)
    assert cells.negatives == (0, 0, 3, 1, 0)
    assert cells.first_rest == (0, 0, 2, 1, 0)


def test_a_class_is_held_against_one_of_the_others() -> None:
    cells = cells_of(histogram({8: (1, 4), 40: (0, 3), 90: (5, 0), 99: (0, 2)}, {8: 1, 40: 3}), 1)
    assert cells is not None
    first, second = (pair_intervals(cells, first=which) for which in (True, False))
    assert first is not None
    assert second is not None
    assert first.low.tolist() == [8, 40, 90]
    assert first.high.tolist() == [9, 41, 91]
    assert (first.positives.tolist(), first.negatives.tolist()) == ([1, 0, 5], [1, 3, 0])
    assert second.low.tolist() == [8, 90, 99]
    assert (second.positives.tolist(), second.negatives.tolist()) == ([1, 5, 0], [3, 0, 2])
    whole = intervals_of(cells)
    assert (whole.low.tolist(), whole.negatives.tolist()) == ([8, 40, 90, 99], [4, 3, 0, 2])


def test_cells_that_do_not_part_the_others_are_held_against_none() -> None:
    cells = cells_of(histogram({8: (1, 4)}), 1)
    assert cells is not None
    assert pair_intervals(cells, first=True) is None


GOOD = Cells(
    edges=(0, 5, BINS), positives=(0, 1 << 40), negatives=(2, 3), first_rest=(2, 0)
)  # at every limit


@pytest.mark.parametrize(
    ("edges", "positives", "negatives", "first"),
    [
        ((0, 5, BINS), (1, -1), (2, 3), ()),
        ((0, 5, BINS), (1, 1), (-2, 3), ()),
        ((0, 5, BINS), (1, 1), (2, 3), (-1, 0)),
        ((0, 5, BINS), (1, (1 << 40) + 1), (2, 3), ()),
        ((0, 5, BINS), (1, 1), (2, (1 << 40) + 1), ()),
        ((0, 5, BINS), (1, 1), (2, 1 << 64), ()),
        ((0, 5, BINS), (1, 1), (2, 3), (0, 4)),
        ((0, 5, BINS), (1, 1), (2, 3), (0,)),
        ((0, 5, BINS), (1, 1), (2,), ()),
        ((0, 5, BINS), (1,), (2, 3), ()),
        ((0, 5, BINS), (1, 1, 1), (2, 3, 4), ()),
        ((-1, 5, BINS), (1, 1), (2, 3), ()),
        ((0, 5, BINS + 1), (1, 1), (2, 3), ()),
        ((0, 5, 5), (1, 1), (2, 3), ()),
        ((5, 0, BINS), (1, 1), (2, 3), ()),
        ((), (), (), ()),
    ],
    ids=str,
)
def test_cells_that_no_histogram_has_are_refused(
    edges: tuple[int, ...],
    positives: tuple[int, ...],
    negatives: tuple[int, ...],
    first: tuple[int, ...],
) -> None:
    intervals_of(GOOD)
    pair_intervals(GOOD, first=True)
    bad = Cells(edges=edges, positives=positives, negatives=negatives, first_rest=first)
    for read in (intervals_of, lambda c: pair_intervals(c, first=True)):
        with pytest.raises(DataError, match="cells of a histogram are not in order"):
            read(bad)


def test_the_mass_of_an_interval_is_spread_evenly_over_its_bins() -> None:
    low, high = np.array([0, 2, BINS - 2]), np.array([4, 3, BINS])
    mass = mass_of_bins(low, high, np.array([8, 3, 5]))
    wanted = np.zeros(BINS)
    wanted[:4], wanted[2], wanted[-2:] = 2.0, 5.0, 2.5
    assert mass == pytest.approx(wanted, abs=1e-9)
    assert len(mass) == BINS
    assert (mass[4:-2] == 0).all()  # no dust of running sums


def test_the_mass_of_single_bins_is_exact() -> None:
    at = np.array([BINS - 1, 7, 7])
    mass = mass_of_bins(at, at + 1, np.array([1, 3, 1 << 39]))
    assert (mass[7], mass[-1], mass.sum()) == (3 + 2.0**39, 1.0, 4 + 2.0**39)
    assert len(mass) == BINS
    assert mass.dtype == np.float64


def test_intervals_of_sites_are_put_one_after_the_other() -> None:
    parts = [Intervals(*np.arange(8 * i, 8 * i + 8).reshape(4, 2)) for i in range(2)]
    made = joined(parts)
    assert made.low.tolist() == [0, 1, 8, 9]
    assert made.high.tolist() == [2, 3, 10, 11]
    assert made.positives.tolist() == [4, 5, 12, 13]
    assert made.negatives.tolist() == [6, 7, 14, 15]
