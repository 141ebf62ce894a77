"""Figures read off a curve are scikit-learn's and pROC's; cells leave them open within bounds."""

import numpy as np
import pytest
from hepafed.common.statistics.bins import (
    Histogram,
    cells_of,
    intervals_of,
    intervals_of_histogram,
)
from hepafed.common.statistics.curves import (
    average_precision,
    curve_from_mass,
    curves,
    partial_auc,
    pr_points,
    roc_points,
    sensitivity_at,
    specificity_at,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

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
