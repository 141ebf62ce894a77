"""Sentences on the decision curve are of the counts: ranges, the operating point, harm."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.formats import NetBenefit, Report
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.tables.utility import (
    best_ranges,
    decision_points,
    in_words,
    point_benefit,
    ranges,
    utility_sentences,
)


def table(malignant: Sequence[float], benign: Sequence[float]) -> ScoreTable:
    """Make a patient of one lesion for each probability of malignancy."""
    chance = np.array([*malignant, *benign])
    truth = np.array([1] * len(malignant) + [0] * len(benign))
    order = np.random.default_rng(1).permutation(len(truth))
    thirds = np.stack([1 - chance, chance * 0.75, chance * 0.25], axis=1)
    return ScoreTable(
        site=np.where(order % 3 == 0, "a", "b"),
        patient=np.array([f"p{i}" for i in order]),
        lesion=np.full(len(truth), "l"),
        truth=truth[order],
        log_probs=np.log(thirds[order]),
        readers={},
    )


def report(threshold: float, malignant: Sequence[float], benign: Sequence[float]) -> Report:
    return report_from_scores(table(malignant, benign), threshold)


MALIGNANT, BENIGN = [0.9] * 6 + [0.22] * 4, [0.72] * 5 + [0.02] * 5
"""Caught and called of 10 and 10: all to 0.20 but 5 benign ones, 6 and 5 to 0.70, then 6 and 0."""


def test_the_net_benefit_at_the_operating_point_is_that_of_its_own_threshold() -> None:
    """At 0.71 6 of 20 are caught and 5 called: 6/20 − 5/20 · 0.71/0.29; everybody 10 and 10."""
    found = point_benefit(report(0.71, MALIGNANT, BENIGN))
    assert found is not None
    assert found.model == pytest.approx(0.3 - 0.25 * 0.71 / 0.29)
    assert found.everybody == pytest.approx(0.5 - 0.5 * 0.71 / 0.29)
    assert found.harm


def test_the_ranges_are_those_where_the_model_beats_everybody_and_nobody() -> None:
    """By hand: 10 and 5 called to 0.20 (best), 6 and 5 to 0.70, 6 and 0 from 0.75 on (best).

    With 6 and 5 the model has 0.30 − 0.25·odds: above 0 to odds of 1.2 (a threshold of 0.545),
    above everybody's 0.50 − 0.50·odds from odds of 0.8 (0.444) on: best at 0.45 and 0.50.
    """
    said = utility_sentences(report(0.71, MALIGNANT, BENIGN))
    assert "at the thresholds 0.05 to 0.20, and 0.45 to 0.50, and 0.75 to 0.90 (19" in said[0]


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        (0.71, "does harm there: it is worse than treating nobody"),
        (0.30, "does less good there than treating everybody"),
        (0.10, "does more good there than both"),
        (0.85, "does more good there than both"),
        (0.01, "does no more good there than the better of the two"),
        (0.99, "does no more good there than the better of the two"),
    ],
)
def test_what_the_model_does_at_the_operating_point_is_said(threshold: float, words: str) -> None:
    made = report(threshold, MALIGNANT, BENIGN)
    said = utility_sentences(made)
    assert words in said[2]
    assert f"a threshold of {threshold:.4f}" in said[1]
    assert ("harm" in " ".join(said)) == ("harm" in words)


def test_a_model_that_is_never_best_is_said_to_be_best_nowhere() -> None:
    said = utility_sentences(report(0.5, BENIGN, MALIGNANT))
    assert "has at no threshold a higher net benefit" in said[0]


def changed(made: Report, change: Callable[..., object]) -> Report:
    return replace(made, results=tuple(change(r) for r in made.results))


def test_without_calls_or_a_curve_nothing_is_said_of_them() -> None:
    made = report(0.71, MALIGNANT, BENIGN)
    without = changed(made, lambda r: replace(r, sensitivity=None))
    assert point_benefit(without) is None
    assert len(utility_sentences(without)) == 1
    flat = changed(without, lambda r: replace(r, net_benefit=()))
    assert decision_points(flat) == ()
    assert utility_sentences(flat) == []
    partly = changed(made, lambda r: replace(r, n=r.n + 1))
    assert point_benefit(partly) is None


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_without_odds_has_no_net_benefit(threshold: float) -> None:
    assert point_benefit(report(threshold, MALIGNANT, BENIGN)) is None


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ((), ""),
        ((0,), "0.10"),
        ((0, 1, 2, 3), "0.10 to 0.40"),
        ((0, 2, 3), "0.10, and 0.30 to 0.40"),
        ((1, 3), "0.20, and 0.40"),
    ],
)
def test_ranges_are_runs_of_thresholds(kept: tuple[int, ...], words: str) -> None:
    points = [NetBenefit(threshold=t / 10, model=0.1, all=0.0) for t in range(1, 5)]
    assert in_words(ranges(points, [i in kept for i in range(4)])) == words


def points(*values: tuple[float, float, float]) -> list[NetBenefit]:
    return [NetBenefit(threshold=t, model=m, all=a) for t, m, a in values]


@pytest.mark.parametrize(
    ("curve", "ranges"),
    [
        (points(), []),
        (points((0.1, 0.5, 0.5)), []),
        (points((0.1, 0.5, 0.4), (0.2, 0.4, 0.3), (0.3, 0.0, -0.2)), [(0.1, 0.2)]),
        (points((0.3, 0.1, 0.0), (0.1, 0.5, 0.4), (0.2, 0.4, 0.5)), [(0.1, 0.1), (0.3, 0.3)]),
        (points((0.1, 0.1 + 0.2, 0.3), (0.2, 1e-17, -0.1)), []),
        (points((0.8, -0.1, -3.0), (0.9, 0.01, -5.0)), [(0.9, 0.9)]),
    ],
)
def test_the_model_is_best_only_above_both_others(
    curve: list[NetBenefit], ranges: list[tuple[float, float]]
) -> None:
    assert best_ranges(curve) == ranges


def test_one_threshold_is_one() -> None:
    """Of 10 and 10, 10 malignant at 0.92 and 1 benign at 0.96: by the curve's own best range."""
    made = report(0.71, MALIGNANT, BENIGN)
    row = next(r for r in made.results if r.net_benefit)
    for kept, noun in (
        ({0.9}, "the threshold 0.90 ("),
        ({0.3, 0.9}, "the thresholds 0.30, and 0.90 ("),
    ):
        points = tuple(
            replace(p, model=1.0 if round(p.threshold, 2) in kept else -1.0)
            for p in row.net_benefit or ()
        )
        rows = tuple(replace(r, net_benefit=points) if r.net_benefit else r for r in made.results)
        assert noun in utility_sentences(replace(made, results=rows))[0]
