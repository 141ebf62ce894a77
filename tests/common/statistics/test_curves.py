"""Figures read off a curve are scikit-learn's and pROC's; cells leave them open within bounds."""

import numpy as np
import pytest
from hepafed.common.statistics.bins import (
    Histogram,
    Intervals,
    cells_of,
    intervals_of,
    intervals_of_histogram,
)
from hepafed.common.statistics.curves import (
    Curve,
    average_precision,
    curve_from_mass,
    curves,
    middle_curve,
    partial_auc,
    pr_points,
    roc_points,
    sensitivity_at,
    sensitivity_interval,
    specificity_at,
    specificity_interval,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

counts = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30).filter(
    lambda c: sum(a for a, _ in c) > 0 and sum(b for _, b in c) > 0
)


def spread(rows: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Truth and score of every case."""
    truth, score = [], []
    for s, (p, n) in enumerate(rows):
        truth += [1] * p + [0] * n
        score += [s] * (p + n)
    return truth, score


@settings(max_examples=50, deadline=None)
@given(counts, st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_read_off_figures_are_scikit_learns(rows: list[tuple[int, int]], at: float) -> None:
    truth, score = spread(rows)
    p, n = np.array(rows, float).T
    curve = curve_from_mass(p, n)
    assert average_precision(curve) == pytest.approx(average_precision_score(truth, score))
    assert partial_auc(curve, at) == pytest.approx(roc_auc_score(truth, score, max_fpr=1 - at))
    x, y, _ = roc_curve(truth, score, drop_intermediate=False)
    # where the curve is vertical at that point the upper end counts: look just to its right
    assert sensitivity_at(curve, at) == pytest.approx(np.interp(1 - at + 1e-9, x, y), abs=1e-6)
    assert specificity_at(curve, at) == pytest.approx(
        np.interp(1 - at + 1e-9, 1 - y[::-1], 1 - x[::-1]), abs=1e-6
    )


@settings(max_examples=40, deadline=None)
@given(counts)
def test_drawn_points_run_from_corner_to_corner_and_lie_on_the_curve(
    rows: list[tuple[int, int]],
) -> None:
    truth, score = spread(rows)
    curve = curve_from_mass(*np.array(rows, float).T)
    drawn = np.array(roc_points(curve))
    assert (drawn[0] == 0).all()
    assert (drawn[-1] == 1).all()
    assert np.trapezoid(drawn[:, 1], drawn[:, 0]) == pytest.approx(roc_auc_score(truth, score))
    assert pr_points(curve)[-1] == [1.0, pytest.approx(np.mean(truth))]


@settings(max_examples=30, deadline=None)
@given(counts, st.integers(2, 12))
def test_merged_cells_hold_the_figure_between_least_and_most(
    rows: list[tuple[int, int]], minimum: int
) -> None:
    wide = np.zeros((2, 1 << 16), np.int64)
    for i, (p, n) in enumerate(rows):
        wide[:, 20_000 + 700 * i] = p, n
    fine = Histogram(wide[0], wide[1])
    cells = cells_of(fine, minimum)
    exact = curves(intervals_of_histogram(fine))
    if cells is None or exact is None:
        return
    found = curves(intervals_of(cells))
    assert found is not None
    for read in (sensitivity_at, specificity_at, partial_auc):
        value = read(exact[0], 0.9)
        assert read(found[1], 0.9) - 1e-9 <= value <= read(found[2], 0.9) + 1e-9


def test_a_curve_counts_the_cases_at_or_above_each_occupied_score() -> None:
    curve = curve_from_mass(np.array([2.0, 0, 0, 1, 3]), np.array([4.0, 1, 0, 0, 1]))
    assert curve.positives.tolist() == [0, 3, 4, 4, 6]
    assert curve.negatives.tolist() == [0, 1, 1, 2, 6]
    assert curve.sensitivity.tolist() == [0, 3 / 6, 4 / 6, 4 / 6, 1]
    assert curve.false_positives.tolist() == [0, 1 / 6, 1 / 6, 2 / 6, 1]


def intervals(*rows: tuple[int, int, int, int]) -> Intervals:
    return Intervals(*np.array(rows).T)


def test_cells_leave_a_curve_open_between_the_ends_of_their_intervals() -> None:
    """Positives of one cell at its lower end and negatives at its upper end, then the reverse."""
    found = curves(intervals((2, 4, 3, 2), (4, 7, 5, 1), (7, 8, 1, 0)))
    assert found is not None
    middle, worst, best = found
    assert (middle.positives.tolist(), middle.negatives.tolist()) == ([0, 1, 6, 9], [0, 0, 1, 3])
    # from above: 1 at 7; 1 negative at 6; 5 positives at 4; 2 negatives at 3; 3 positives at 2
    assert worst.positives.tolist() == [0, 1, 1, 6, 6, 9]
    assert worst.negatives.tolist() == [0, 0, 1, 1, 3, 3]
    assert best.positives.tolist() == [0, 1, 6, 6, 9, 9]
    assert best.negatives.tolist() == [0, 0, 0, 1, 1, 3]


def test_single_scores_leave_nothing_open() -> None:
    found = curves(intervals((0, 1, 3, 2), (9, 10, 5, 1)))
    assert found is not None
    assert found[0] is found[1] is found[2]


def test_overlapping_intervals_are_spread_over_their_bins() -> None:
    made = middle_curve(intervals((0, 4, 4, 8), (2, 3, 2, 0)))
    assert made is not None
    assert made.positives.tolist() == pytest.approx([0, 1, 4, 5, 6])
    assert made.negatives.tolist() == pytest.approx([0, 2, 4, 6, 8])


def test_intervals_out_of_order_make_the_same_curve() -> None:
    rows = ((2, 4, 3, 2), (4, 7, 5, 1), (7, 8, 1, 0))
    one, other = middle_curve(intervals(*rows)), middle_curve(intervals(*rows[::-1]))
    assert one is not None
    assert other is not None
    for specificity in (0.5, 0.9):
        assert sensitivity_at(one, specificity) == pytest.approx(sensitivity_at(other, specificity))


@pytest.mark.parametrize("rows", [((0, 1, 3, 0), (4, 5, 1, 0)), ((0, 1, 0, 3), (2, 3, 0, 1))])
def test_one_class_has_no_curve(rows: tuple[tuple[int, int, int, int], ...]) -> None:
    assert middle_curve(intervals(*rows)) is None
    assert curves(intervals(*rows)) is None


def test_a_drawn_roc_curve_leaves_out_what_lies_on_a_line() -> None:
    """Points (0, 0), (0, ¼), (0, ½), (¼, ¾), (½, 1), (1, 1): the second and fourth tell nothing."""
    mass = np.array([0.0, 1, 1, 1, 1]), np.array([2.0, 1, 1, 0, 0])
    assert roc_points(curve_from_mass(*mass)) == [[0, 0], [0, 0.5], [0.5, 1], [1, 1]]


def test_a_drawn_curve_has_200_points_at_most_from_end_to_end() -> None:
    rng = np.random.default_rng(1)
    curve = curve_from_mass(*rng.integers(1, 9, (2, 999)).astype(float))
    for drawn in (np.array(roc_points(curve)), np.array(pr_points(curve))):
        assert 195 <= len(drawn) <= 200
        assert (np.diff(drawn[:, 0]) > 0).all()
        assert drawn[-1, 0] == 1
    assert roc_points(curve)[0] == [0, 0]
    assert pr_points(curve)[0][0] == curve.sensitivity[1]


def test_a_precision_recall_curve_starts_at_the_highest_score() -> None:
    curve = curve_from_mass(np.array([1.0, 2, 1]), np.array([3.0, 0, 1]))
    assert pr_points(curve) == [[0.25, 0.5], [0.75, 0.75], [1.0, 0.5]]
    assert average_precision(curve) == pytest.approx(0.25 * 0.5 + 0.5 * 0.75 + 0.25 * 0.5)


def test_a_figure_is_read_at_the_upper_end_where_the_curve_is_vertical() -> None:
    """(0, 0), (0, 0.4), (0.2, 0.4), (0.2, 0.8), (1, 1) by false positives and sensitivity."""
    curve = curve_from_mass(np.array([1.0, 2, 0, 2]), np.array([4.0, 0, 1, 0]))
    assert sensitivity_at(curve, 1.0) == pytest.approx(0.4)
    assert sensitivity_at(curve, 0.8) == pytest.approx(0.8)
    assert sensitivity_at(curve, 0.9) == pytest.approx(0.4)
    assert sensitivity_at(curve, 0.4) == pytest.approx(0.9)
    assert sensitivity_at(curve, 0.0) == 1.0
    assert specificity_at(curve, 0.4) == 1.0
    assert specificity_at(curve, 0.8) == pytest.approx(0.8)
    assert specificity_at(curve, 0.9) == pytest.approx(0.4)
    assert specificity_at(curve, 1.0) == pytest.approx(0.0)


def test_a_partial_area_is_made_half_where_the_curve_is_chance() -> None:
    chance = curve_from_mass(np.ones(10), np.ones(10))
    best = curve_from_mass(np.array([0.0, 3]), np.array([5.0, 0]))
    assert partial_auc(chance, 0.9) == pytest.approx(0.5)
    assert partial_auc(best, 0.95) == pytest.approx(1.0)
    # over 0…0.5 of false positives; at most 0.5, of which 0.125 by chance
    curve = curve_from_mass(np.array([1.0, 2, 0, 2]), np.array([4.0, 0, 1, 0]))
    area = 0.2 * 0.4 + 0.3 * (0.8 + 0.875) / 2
    assert partial_auc(curve, 0.5) == pytest.approx((1 + (area - 0.125) / 0.375) / 2)


def test_a_last_cell_of_several_bins_leaves_its_end_open_too() -> None:
    found = curves(intervals((2, 4, 3, 2), (4, 7, 5, 1)))
    assert found is not None
    _, worst, best = found
    assert worst.positives.tolist() == [0, 0, 5, 5, 8]
    assert worst.negatives.tolist() == [0, 1, 1, 3, 3]
    assert best.positives.tolist() == [0, 5, 5, 8, 8]
    assert best.negatives.tolist() == [0, 0, 1, 1, 3]


def binormal(seed: int, positives: int, negatives: int, gap: float) -> Curve:
    """The ROC curve of normal scores, `gap` standard deviations apart."""
    rng = np.random.default_rng(seed)
    scores = np.r_[rng.normal(size=negatives), rng.normal(size=positives) + gap]
    truth = np.r_[np.zeros(negatives), np.ones(positives)][np.argsort(scores)]
    return curve_from_mass(truth, 1 - truth)


def test_the_interval_at_a_fixed_specificity_covers_the_truth() -> None:
    """By simulation: 200 draws cannot tell 95 % from less than 90 % or more than 98.5 %."""
    gap, held = 1.466, 0.9  # AUC 0.85
    truth = float(stats.norm.sf(stats.norm.ppf(held) - gap))
    hits = 0
    for seed in range(200):
        ends = sensitivity_interval(binormal(seed, 40, 60, gap), held)
        assert ends is not None
        hits += ends[0] <= truth <= ends[1]
    assert 180 <= hits <= 197


def test_where_every_case_is_told_apart_the_interval_is_wilsons_and_has_a_width() -> None:
    scores = np.r_[np.zeros(40), np.ones(20)]
    ends = sensitivity_interval(curve_from_mass(scores, 1 - scores), 0.9)
    assert ends is not None
    wilson = proportion_confint(20, 20, method="wilson")
    assert ends == pytest.approx(wilson, abs=1e-9)


def test_the_specificity_at_a_sensitivity_is_the_same_with_the_classes_exchanged() -> None:
    made = binormal(3, 50, 70, 1.2)
    turned = curve_from_mass(
        np.diff(made.negatives), np.diff(made.positives)
    )  # the lowest scores are now those of the class that is looked for
    found, expected = specificity_interval(made, 0.9), sensitivity_interval(turned, 0.9)
    assert found is not None
    assert expected is not None
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("negatives", "there"), [(30, True), (29, False)])
def test_fewer_than_three_cases_beyond_the_fixed_rate_give_no_interval(
    negatives: int, there: bool
) -> None:
    found = sensitivity_interval(binormal(1, 40, negatives, 1.0), 0.9)
    assert (found is not None) == there
