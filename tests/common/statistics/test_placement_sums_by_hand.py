"""Placement curves and products of a small table are those of all pairs, made by hand."""

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.bins import BINS, Intervals
from hepafed.common.statistics.placement_sums import (
    FIGURES,
    PATIENT,
    PlacementCurve,
    add_products,
    check_curve,
    curve_of,
    curves_of,
    figure_scores,
    pair_histogram,
    products_of,
)
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of


def small() -> ScoreTable:
    """Nine lesions of six patients; all classes, and ties."""
    p = [
        (0.75, 0.125, 0.125),
        (0.5, 0.25, 0.25),
        (0.25, 0.5, 0.25),
        (0.125, 0.625, 0.25),
        (0.5, 0.125, 0.375),
        (0.25, 0.25, 0.5),
        (0.25, 0.5625, 0.1875),
        (0.625, 0.25, 0.125),
        (0.25, 0.25, 0.5),
    ]
    return ScoreTable(
        site=np.full(9, "s"),
        patient=np.array(["c", "a", "a", "b", "c", "d", "d", "f", "e"]),
        lesion=np.arange(9).astype(str),
        truth=np.array([0, 0, 1, 1, 2, 2, 0, 0, 0]),
        log_probs=np.log(np.array(p)),
        readers={},
    )


def cases_of(figure: tuple[str, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give score, truth and patient of the cases of a figure of `small`, by hand."""
    table = small()
    p = np.exp(table.log_probs)
    _, patient = np.unique(table.patient, return_inverse=True)
    if figure == PATIENT:
        score = np.array([(1 - p[patient == i, 0]).max() for i in range(6)])
        truth = np.array([(table.truth[patient == i] > 0).any() for i in range(6)])
        return score, truth, np.arange(6), np.ones(6, bool)
    classes = ["benign", "primary_malignant", "metastatic"]
    a, b = figure[1].split("_vs_")
    own = classes.index(a)
    kept = np.ones(9, bool)
    if b != "rest":
        kept = (table.truth == own) | (table.truth == classes.index(b))
    return p[kept, own], table.truth[kept] == own, patient[kept], kept


def test_a_figures_scores_are_those_of_its_classes() -> None:
    for figure in FIGURES:
        score, truth, _, _ = cases_of(figure)
        found = figure_scores(small(), figure)
        for logits, wanted in zip(found, (score[truth], score[~truth]), strict=True):
            assert logits == pytest.approx(np.log(wanted / (1 - wanted)), abs=1e-8)


def test_products_are_those_of_placements_summed_by_patient() -> None:
    """All ten figures from all pairs: exact, since bins of a sixteenth part every score."""
    sums = additive_of(small(), 0.5)
    made = products_of([small()], [curves_of(sums, 1)])
    p, n, squares = np.zeros((10, 6)), np.zeros((10, 6)), []
    for f, figure in enumerate(FIGURES):
        score, truth, patient, _ = cases_of(figure)
        score = np.round(score, 9)
        wins = (np.sign(score[truth][:, None] - score[~truth][None, :]) + 1) / 2
        u, v = wins.mean(1) - wins.mean(), wins.mean(0) - wins.mean()
        np.add.at(p[f], patient[truth], u)
        np.add.at(n[f], patient[~truth], v)
        squares.append(((u**2).sum(), (v**2).sum()))
    crossed, within, fourth = made.real()
    assert crossed == pytest.approx(np.stack([p @ p.T, n @ n.T, p @ n.T], 2), abs=1e-9)
    assert within == pytest.approx(np.array(squares), abs=1e-9)
    powers = [(p**4), (p**3 * n), (p**2 * n**2), (p * n**3), (n**4)]
    assert fourth == pytest.approx(np.stack([x.sum(1) for x in powers], 1), abs=1e-9)


def test_a_figure_without_a_curve_adds_nothing_and_shifts_no_other() -> None:
    curves = curves_of(additive_of(small(), 0.5), 1)
    holed = (*curves[:2], None, *curves[3:])
    whole, made = products_of([small()], [curves]).real(), products_of([small()], [holed]).real()
    at = [i for i in range(10) if i != 2]
    assert not made[0][2].any()
    assert not made[0][:, 2].any()
    assert not made[1][2].any()
    assert not made[2][2].any()
    assert whole[0][2].any()
    for one, other in ((whole[0][at][:, at], made[0][at][:, at]), (whole[1][at], made[1][at])):
        assert (one == other).all()


def test_two_models_products_stand_one_after_the_other() -> None:
    curves = curves_of(additive_of(small(), 0.5), 1)
    one, two = products_of([small()], [curves]), products_of([small()] * 2, [curves] * 2)
    for a in (0, 10):
        assert (two.within[a : a + 10] == one.within).all()
        assert (two.fourth[a : a + 10] == one.fourth).all()
        for b in (0, 10):
            assert (two.crossed[a : a + 10, b : b + 10] == one.crossed).all()


def test_products_of_sites_add_up_as_their_vectors_do() -> None:
    curves = curves_of(additive_of(small(), 0.5), 1)
    one = products_of([small()], [curves])
    three = add_products([one, one, one])
    for name in ("crossed", "within", "fourth"):
        assert (getattr(three, name) == 3 * getattr(one, name)).all()
    vector = one.to_vector()
    assert (vector == products_of([small()], [curves]).to_vector()).all()
    with pytest.raises(PayloadError, match="different figures"):
        add_products([])


def intervals(*cells: tuple[int, int, int, int]) -> Intervals:
    return Intervals(*np.array(cells).T)


def test_a_curve_is_cut_where_the_next_cell_has_the_minimum() -> None:
    cells = intervals((3, 4, 2, 0), (9, 10, 0, 1), (20, 21, 1, 2), (50, 51, 3, 1), (70, 71, 0, 2))
    curve = curve_of(cells, 3)
    assert curve is not None
    assert curve.edges == (0, 20, 50, BINS)
    # of 6 positives and 6 negatives; a case beats those below and half of those in its cell
    assert curve.of_positives == pytest.approx((0.5 / 6, 2 / 6, 4.5 / 6))
    assert curve.of_negatives == pytest.approx((5 / 6, 3.5 / 6, 1.5 / 6))
    wins = 2 * 0 + 1 * (1 + 1) + 3 * (3 + 0.5)
    assert curve.auc == pytest.approx(wins / 36)


@pytest.mark.parametrize(
    ("minimum", "edges"),
    [
        (0, (0, 9, 20, BINS)),
        (1, (0, 9, 20, BINS)),
        (2, (0, 9, 20, BINS)),
        (3, (0, 20, BINS)),
        (4, (0, 20, BINS)),
        (5, (0, BINS)),
        (99, (0, BINS)),
    ],
)
def test_every_cell_of_a_curve_has_the_minimum(minimum: int, edges: tuple[int, ...]) -> None:
    curve = curve_of(intervals((3, 4, 2, 0), (9, 10, 0, 2), (20, 21, 3, 1)), minimum)
    assert curve is not None
    assert curve.edges == edges
    assert len(curve.of_positives) == len(curve.of_negatives) == len(edges) - 1


def test_a_curve_of_one_class_is_none() -> None:
    assert curve_of(intervals((3, 4, 2, 0), (9, 10, 1, 0)), 1) is None


def test_a_pair_of_classes_is_scored_by_the_first() -> None:
    sums = additive_of(small(), 0.5)
    found = pair_histogram(sums, ("lesion", "metastatic_vs_benign"))
    assert (found.positives == sums.lesion_scores[2, 2]).all()
    assert (found.negatives == sums.lesion_scores[2, 0]).all()
    found = pair_histogram(sums, ("lesion", "metastatic_vs_rest"))
    assert (found.positives == sums.lesion_scores[2, 2]).all()
    assert (found.negatives == sums.lesion_scores[2, 0] + sums.lesion_scores[2, 1]).all()


def test_a_curve_at_every_limit_is_taken() -> None:
    check_curve(PlacementCurve(edges=(0, BINS), of_positives=(0.0,), of_negatives=(1.0,), auc=1.0))
    check_curve(PlacementCurve(edges=(0, 1, BINS), of_positives=(0, 1), of_negatives=(1, 0), auc=0))


@pytest.mark.parametrize(
    "bad",
    [
        {"auc": 1.01},
        {"auc": -0.01},
        {"auc": float("nan")},
        {"of_positives": (-0.01, 0.9)},
        {"of_negatives": (0.8,)},
        {"of_positives": (0.8, 0.9, 1.0)},
        {"edges": (0, 9, 65535)},
        {"edges": (0, 9, 65537)},
        {"edges": (0, 70000, 65536)},
        {"edges": (-1, 9, 65536)},
        {"edges": (), "of_positives": (), "of_negatives": ()},
        {"edges": (0,), "of_positives": (), "of_negatives": ()},
    ],
    ids=str,
)
def test_a_curve_just_beyond_a_limit_is_refused(bad: dict[str, object]) -> None:
    good = {"edges": (0, 9, 65536), "of_positives": (0.2, 0.9), "of_negatives": (0.8, 0.1)}
    with pytest.raises(PayloadError, match="placement curve is not valid"):
        check_curve(PlacementCurve(**{**good, "auc": 0.8, **bad}))


def test_with_a_minimum_of_one_a_curve_shows_every_bin_that_holds_a_part_of_a_case() -> None:
    curve = curve_of(intervals((3, 5, 1, 0), (9, 10, 0, 1)), 1)
    assert curve is not None
    assert curve.edges == (0, 4, 9, BINS)
