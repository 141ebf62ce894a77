"""Where the model helps is read off the decision curve, harm at the threshold off the counts."""

import pytest
from hepafed.server.formats import NetBenefit
from hepafed.server.report.plain_words.risks import best_ranges, harm_at_threshold

from tests.server.report.kinds import KINDS


def points(*values: tuple[float, float, float]) -> list[NetBenefit]:
    return [NetBenefit(threshold=t, model=m, all=a) for t, m, a in values]


@pytest.mark.parametrize(
    ("curve", "ranges"),
    [
        (points(), []),
        (points((0.1, 0.5, 0.5)), []),
        (points((0.1, 0.5, 0.4), (0.2, 0.4, 0.3), (0.3, 0.0, -0.2)), [(0.1, 0.2)]),
        (points((0.3, 0.1, 0.0), (0.1, 0.5, 0.4), (0.2, 0.4, 0.5)), [(0.1, 0.1), (0.3, 0.3)]),
        (points((0.8, -0.1, -3.0), (0.9, 0.01, -5.0)), [(0.9, 0.9)]),
    ],
)
def test_the_model_is_best_only_above_both_others(
    curve: list[NetBenefit], ranges: list[tuple[float, float]]
) -> None:
    assert best_ranges(curve) == ranges


def test_a_threshold_at_which_the_model_is_the_best_is_not_called_harmful() -> None:
    assert harm_at_threshold(KINDS["huge"]()) == ""
