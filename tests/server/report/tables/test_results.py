"""The tables of results: every figure with its n, no interval without width, cells on one line."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from hepafed.common.records import write_record
from hepafed.server.formats import Report, read_report
from hepafed.server.report.page import render
from hepafed.server.report.tables import results

from tests.server.report.kinds import page_of, report_of


def with_ratio(low: float | None, high: float | None) -> Report:
    values: dict[str, Any] = write_record(report_of("two looks"))
    for row in values["results"]:
        if row["scope"] == "pooled" and row.get("likelihood_positive"):
            row["likelihood_positive"] |= {"value": 3.25, "low": low, "high": high}
    return read_report(values)


@pytest.mark.parametrize(
    ("low", "high", "cell"),
    [
        (2.0, 4.5, ("3.250", "2.000–4.500")),
        (3.25, 3.25, ("3.250", "no interval can be given")),
        (None, None, ("3.250", "")),
    ],
)
def test_a_likelihood_ratio_has_its_interval_unless_that_has_no_width(
    low: float | None, high: float | None, cell: tuple[str, str]
) -> None:
    table = results.more_rates(with_ratio(low, high))
    pooled = next(row for row in table.rows if row[0] == "Pooled")
    assert pooled[table.head.index("LR+")] == cell


def test_figures_read_off_the_curves_have_the_n_of_their_class() -> None:
    report = report_of("two looks")
    row = next(r for r in report.results if (r.scope, r.unit) == ("pooled", "patient"))
    assert row.positives is not None
    table = results.fixed_points(report)
    assert table.rows
    for name, n, *_ in table.rows:
        if str(name).startswith("Sensitivity"):
            assert n == f"{row.positives} malignant"
        elif str(name).startswith("Specificity"):
            assert n == f"{row.n - row.positives} benign"
        else:
            assert n == str(row.n)


def test_the_footer_names_the_version_where_it_is_known_and_the_schema() -> None:
    report = report_of("two looks")
    known = replace(report.provenance, software={"hepafed": "9.8.7"})
    footer = render(replace(report, provenance=known)).split("<footer>")[1]
    assert "Made by HepaFed 9.8.7. Every figure is in report.json" in footer
    assert f"(schema {report.schema})" in footer
    unknown = replace(report.provenance, software=None)
    assert "Made by HepaFed. Every" in render(replace(report, provenance=unknown))


def test_short_figures_stay_on_one_line_and_long_ones_may_break() -> None:
    page = page_of("two looks")
    assert ":is(td, th, small).n { white-space: nowrap }" in page
    assert '<td class="n">240' in page
    assert '<td class="n">No ' not in page
    small = [(c, unescape(w)) for c, w in re.findall(r"<small(.*?)>([\d−].*?)</small>", page)]
    assert {bool(kept) for kept, _ in small} == {True, False}
    assert [w for kept, w in small if (kept == ' class="n"') != (len(w) <= 12)] == []


def test_an_auc_that_was_not_released_has_no_pooling_error() -> None:
    rows = results.discrimination(report_of("two looks")).rows
    gone = [r for r in rows if r[1] == "site-1"]
    assert gone
    assert all(r[-1] == "–" for r in gone)
    assert all(r[-1] != "–" for r in rows if r[1] == "Pooled")
