"""A difference is that of the validated model minus the comparator."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.formats import Report
from hepafed.server.pooling import Questions
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.summary import summary_lines
from hepafed.server.report.tables.comparisons import comparisons, validated_minus


@pytest.fixture(scope="module")
def compared(table: Callable[..., ScoreTable]) -> Report:
    """A good model, validated, against one whose scores are noise."""
    good = table()
    noise = np.random.default_rng(1).normal(size=good.log_probs.shape)
    poor = replace(good, log_probs=noise - np.logaddexp.reduce(noise, axis=1, keepdims=True))
    margins = {("poor", "patient", "malignant_vs_benign"): 0.05}
    questions = Questions(margin=0.05, model_margins=margins)
    return report_from_scores(good, 0.5, name="good", against={"poor": poor}, questions=questions)


def test_the_better_validated_model_has_a_positive_difference(compared: Report) -> None:
    row = next(c for c in compared.comparisons if (c.scope, c.unit) == ("pooled", "patient"))
    assert (row.first, row.second) == ("good", "poor")
    shown = validated_minus(row)
    gain = (row.auc_first.value or 0) - (row.auc_second.value or 0)
    assert gain > 0.2
    assert shown.value == pytest.approx(gain)
    assert shown.low is not None
    assert shown.high is not None
    assert shown.low < gain < shown.high
    assert row.covering is not None
    assert (shown.low, shown.high) == (-(row.covering.high or 0), -(row.covering.low or 0))


def test_the_page_and_the_terminal_write_it_the_same_way(compared: Report) -> None:
    table = comparisons(compared)
    assert "First − second" in table.head
    value, _ = table.rows[0][table.head.index("First − second")]  # type: ignore[misc]
    assert not str(value).startswith("−")
    (line,) = [s for s in summary_lines(compared) if s.startswith("AUC good − poor")]
    assert f"  {value} (" in line


def test_a_difference_that_is_not_there_stays_so(compared: Report) -> None:
    row = compared.comparisons[0]
    none = replace(row.difference, value=None, low=None, high=None, reason="one class")
    assert validated_minus(replace(row, difference=none)) == none


def test_the_note_on_intervals_of_differences_stands_where_there_is_one(compared: Report) -> None:
    said = "The interval of a difference"
    assert said in comparisons(compared).note
    none = tuple(replace(c, covering=None) for c in compared.comparisons)
    assert said not in comparisons(replace(compared, comparisons=none)).note


def test_one_auc_of_the_same_cases_has_one_interval_in_the_report(compared: Report) -> None:
    own = {(r.scope, r.site, r.unit, r.task): r for r in compared.results}
    rows = [c for c in compared.comparisons if c.auc_first.covering is not None]
    assert {c.unit for c in rows if c.scope == "pooled"} == {"patient", "lesion"}
    for c in rows:
        row = own[c.scope, c.site, c.unit, c.task]
        assert row.n == c.n
        assert c.auc_first.covering == row.auc.covering
        assert c.auc_second.covering != row.auc.covering


def _with_gain(report: Report, low: float, high: float, p: float, warning: str = "") -> Report:
    """Give the first row another interval of the difference, and p."""
    row = report.comparisons[0]
    assert row.covering is not None
    ends = replace(row.covering, low=low, high=high, warning=warning)
    changed = replace(row, covering=ends, p=p)
    return replace(report, comparisons=(changed, *report.comparisons[1:]))


@pytest.mark.parametrize(
    ("low", "high", "p", "apart"),
    [
        (-0.3, 0.01, 0.049, True),
        (-0.3, -0.01, 0.05, True),
        (-0.3, 0.01, 0.05, False),
        (-0.3, -0.01, 0.049, False),
        (0.01, 0.3, 0.2, True),
    ],
)
def test_a_p_value_and_an_interval_that_disagree_are_named(
    compared: Report, low: float, high: float, p: float, *, apart: bool
) -> None:
    only = replace(compared, comparisons=compared.comparisons[:1])
    note = comparisons(_with_gain(only, low, high, p)).note
    assert ("only one of them finds a difference: good vs poor, Patient" in note) == apart


def test_the_remark_of_a_difference_stands_in_its_cell(compared: Report) -> None:
    said = comparisons(_with_gain(compared, -0.3, 0.0, 0.01, "few of these"))
    bare = comparisons(_with_gain(compared, -0.3, 0.0, 0.01))
    at = said.head.index("First − second")
    assert said.rows[0][at][1].endswith("; few of these")  # type: ignore[index]
    assert "few" not in bare.rows[0][at][1]  # type: ignore[index]
