"""What a site's pair sums tell of two models: DeLong's difference, its interval, its bound."""

import numpy as np
import pytest
from hepafed.common.contract import PairSummary
from hepafed.common.disclosure.paired import (
    own_pairs,
    pair_summaries,
    paired_of,
)
from hepafed.common.statistics import delong_auc
from hepafed.common.statistics.additive import TASK_ORDER
from hepafed.common.statistics.scores import ScoreTable

from .pairs import PAIRED, TABLES, table


def delong(task: int) -> tuple[float, float, float, float]:
    """Give both AUCs, and the standard error of their difference (DeLong 1988), from all pairs."""
    p = [np.exp(t.log_probs) for t in TABLES]
    truth = TABLES[0].truth > 0 if task == 0 else TABLES[0].truth == task - 1
    scores = [1 - q[:, 0] if task == 0 else q[:, task - 1] for q in p]
    wins = [(np.sign(s[truth][:, None] - s[~truth][None, :]) + 1) / 2 for s in scores]
    s10, s01 = np.cov([w.mean(1) for w in wins]), np.cov([w.mean(0) for w in wins])
    s = s10 / truth.sum() + s01 / (~truth).sum()
    variance = s[0, 0] + s[1, 1] - 2 * s[0, 1]
    return float(wins[0].mean()), float(wins[1].mean()), float(variance**0.5), float(truth.sum())


@pytest.mark.parametrize("task", range(4))
def test_a_comparison_is_delongs_of_the_cases(task: int) -> None:
    found = own_pairs(TABLES, PAIRED, 1, calls=True)[task]
    first, second, se, positives = delong(task)
    assert (found.first, found.second) == (0, 1)
    assert (found.unit, found.task) == TASK_ORDER[task]
    assert (found.positives, found.negatives) == (positives, 40 - positives)
    assert found.auc_first.value == pytest.approx(first, abs=1e-3)
    assert found.auc_second.value == pytest.approx(second, abs=1e-3)
    assert found.difference.value == pytest.approx(second - first, abs=1e-3)
    assert found.difference.se == pytest.approx(se, rel=2e-3)
    half = 1.959964 * se
    assert found.difference.low == pytest.approx(max(-1, second - first - half), abs=2e-3)
    assert found.difference.high == pytest.approx(min(1, second - first + half), abs=2e-3)
    assert found.calls == tuple(PAIRED.calls[0, task].ravel().tolist())


def test_a_difference_covers_by_both_aucs_intervals_and_their_correlation() -> None:
    """Zou and Yue (2013), from the covariance that numpy gives of the pairs' placements."""
    pair, first, second = own_pairs(TABLES, PAIRED, 1, calls=True)[0], *delong(0)[:2]
    ends = pair.covering_first, pair.covering_second, pair.covering
    (l1, u1), (l2, u2), (low, high) = ((f.low, f.high) for f in ends if f is not None)
    truth = TABLES[0].truth > 0
    scores = [-t.log_probs[:, 0] for t in TABLES]
    wins = [(np.sign(s[truth][:, None] - s[~truth][None, :]) + 1) / 2 for s in scores]
    s10, s01 = np.cov([w.mean(1) for w in wins]), np.cov([w.mean(0) for w in wins])
    s = s10 / truth.sum() + s01 / (~truth).sum()
    rho = s[0, 1] / np.sqrt(s[0, 0] * s[1, 1])
    gain = second - first
    a, b, c, d = second - l2, u1 - first, u2 - second, first - l1
    assert min(a, b, c, d) > 0
    assert low == pytest.approx(gain - np.sqrt(a * a + b * b - 2 * rho * a * b), abs=3e-3)
    assert high == pytest.approx(gain + np.sqrt(c * c + d * d - 2 * rho * c * d), abs=3e-3)


def test_an_auc_of_patients_has_the_interval_that_it_has_by_itself() -> None:
    """A report prints it beside the comparison: one figure, one interval."""
    pair = own_pairs(TABLES, PAIRED, 1, calls=True)[0]
    for scores, found in zip(TABLES, (pair.covering_first, pair.covering_second), strict=True):
        malignant = scores.truth > 0
        alone = delong_auc(-scores.log_probs[malignant, 0], -scores.log_probs[~malignant, 0])
        assert alone is not None
        assert alone.adjusted is not None
        assert found is not None
        assert (found.low, found.high) == pytest.approx(alone.adjusted, abs=2e-4)


def test_models_that_do_not_differ_have_no_interval_that_decides() -> None:
    same = [TABLES[0], TABLES[0]]
    for pair in own_pairs(same, paired_of(same, (0.5, 0.5)), 1, calls=True):
        assert pair.covering is not None
        assert (pair.covering.low, pair.covering.high) == (None, None)
        assert "no variance" in pair.covering.reason


def test_three_models_are_compared_by_pairs_in_order() -> None:
    tables = [table(1), table(2), table(3)]
    found = own_pairs(tables, paired_of(tables, (0.5, 0.4, 0.5)), 1, calls=False)
    assert [(p.first, p.second, p.task) for p in found] == [
        (a, b, t) for a, b in ((0, 1), (0, 2), (1, 2)) for _, t in TASK_ORDER
    ]
    for pair, (x, y) in zip(found[::4], ((0, 1), (0, 2), (1, 2)), strict=True):
        alone = own_pairs([tables[x], tables[y]], paired_of([tables[x], tables[y]], (0.5, 0.4)), 1,
                          calls=False)[0]  # fmt: skip
        assert pair.difference.value == pytest.approx(alone.difference.value)
        assert pair.difference.se == pytest.approx(alone.difference.se)


def test_a_model_differs_from_itself_by_exactly_nothing() -> None:
    same = [TABLES[0], TABLES[0]]
    for pair in own_pairs(same, paired_of(same, (0.5, 0.5)), 1, calls=True):
        found = pair.difference
        assert (found.value, found.se, found.low, found.high) == (0.0, 0.0, 0.0, 0.0)


def test_without_the_placement_sums_a_difference_has_its_value_alone() -> None:
    whole = own_pairs(TABLES, PAIRED, 1, calls=True)
    for pair, other in zip(pair_summaries(PAIRED, None), whole, strict=True):
        assert pair.difference.value == other.difference.value
        assert (pair.difference.se, pair.difference.low) == (None, None)
        assert "sums over patients" in pair.difference.reason


def two(truth: list[int], *scores: list[float]) -> tuple[PairSummary, ...]:
    """Compare models of one lesion a patient by these probabilities of malignancy."""
    n = len(truth)
    made = [
        ScoreTable(
            site=np.full(n, "a"),
            patient=np.arange(n).astype(str),
            lesion=np.full(n, "l"),
            truth=np.array(truth),
            log_probs=np.log(np.stack([1 - np.array(p), np.array(p) / 2, np.array(p) / 2], 1)),
            readers={},
        )
        for p in scores
    ]
    return own_pairs(made, paired_of(made, (0.5, 0.5)), 1, calls=True)


def test_a_difference_of_one_class_or_of_one_case_has_a_reason() -> None:
    found = two([0, 0, 0], [0.2, 0.4, 0.6], [0.6, 0.4, 0.2])[0]
    assert (found.difference.value, found.difference.reason) == (None, "one class only")
    assert found.auc_first.reason == "all of one class"
    found = two([1, 0, 0], [0.5, 0.4, 0.6], [0.75, 0.4, 0.2])[0]
    assert (found.difference.value, found.difference.se) == (0.5, None)
    assert "fewer than two" in found.difference.reason


def test_a_sure_gain_has_no_interval() -> None:
    """All pairs lost by the first model and won by the second: no variance of either."""
    found = two([0, 0, 1, 1], [0.6, 0.7, 0.2, 0.3], [0.2, 0.3, 0.6, 0.7])[0].difference
    assert (found.value, found.se, found.low) == (1.0, None, None)
    assert "no variance" in found.reason


def test_the_bound_of_a_difference_is_that_of_both_aucs() -> None:
    """One of four pairs ties in the first model, two in the second: half of each share."""
    found = two([0, 0, 1, 1], [0.2, 0.5, 0.5, 0.7], [0.4, 0.4, 0.4, 0.7])[0]
    assert found.bound == pytest.approx(1 / 8 + 2 / 8)
    assert (found.auc_first.value, found.auc_second.value) == (0.875, 0.75)
