"""A stated aim is just reached, or refused with what can be reached."""

import math

import numpy as np
import pytest
from hepafed.common.contract.figures import Cells
from hepafed.common.disclosure.operating_point import (
    choose_threshold,
)
from hepafed.common.errors import PlanError, RunError

from .cells import CLOSE, cut, probability, released, tuned

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
