"""A verdict is called exploratory by the one rule that the page, Methods and the terminal have."""

from dataclasses import replace

import pytest
from hepafed.server.report.facts import exploratory
from hepafed.server.report.tables.endpoints import endpoints

from tests.server.report.kinds import report_of


@pytest.mark.parametrize("kind", ["two looks", "registered first"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_verdict_is_exploratory_where_the_report_says_so(kind: str, *, kept: bool) -> None:
    """`kept`: the reason stands in the report; else it follows from the looks."""
    report = report_of(kind)
    assert report.evaluation is not None
    why = "registered after look 1 (2026-02-22)" if kept and kind == "two looks" else ""
    report = replace(
        report,
        evaluation=replace(report.evaluation, exploratory=why),
        look=None if kept else report.look,
    )
    (row,) = endpoints(report).rows
    assert ("exploratory" in str(row[-1])) == bool(exploratory(report)) == (kind == "two looks")
