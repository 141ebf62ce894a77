"""The forest plot shows the intervals that cover, and squares as large as the weights that pool."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hepafed.server.formats import read_report
from hepafed.server.report.drawing.forest import ForestRow, forest
from hepafed.server.report.drawing.plot import headline_rows
from hepafed.server.report.drawing.site_aucs import forest_plot

from tests.server.report.kinds import report_of


def sides(weights: list[float]) -> list[float]:
    """Give the side of each square that is drawn."""
    rows = [ForestRow(name=str(w), value=0.8, low=0.7, high=0.9, weight=w) for w in weights]
    drawn = str(forest("f", "t", "d", rows).wide)
    corners = re.findall(r'<polygon points="([0-9.]+),[0-9.]+ ([0-9.]+),', drawn)
    return [float(right) - float(left) for left, right in corners]


def test_the_area_of_a_square_is_in_proportion_to_its_weight() -> None:
    made = sides([1.0, 0.25, 0.09])
    assert [(s / made[0]) ** 2 for s in made] == pytest.approx([1.0, 0.25, 0.09], abs=0.02)


def test_the_rows_of_the_forest_have_the_intervals_that_cover(plain: dict[str, Any]) -> None:
    report = read_report(plain)
    table = forest_plot(report).table
    assert table is not None
    shown = {row[0]: row[1:] for row in table.rows}
    for r in report.results:
        if (r.unit, r.scope) != ("patient", "site") or r.auc.covering is None:
            continue
        (row,) = [v for name, v in shown.items() if str(name).startswith(f"{r.site} (")]
        assert row == (r.auc.value, r.auc.covering.low, r.auc.covering.high)
    spread = report.heterogeneity[0]
    assert spread.covering is not None
    assert shown["Random effects"][1:] == (spread.covering.low, spread.covering.high)


def test_the_caption_names_the_sites_that_dropped_out(plain: dict[str, Any]) -> None:
    report = read_report(plain)
    first, *others = report.heterogeneity
    assert (
        "Not in the random-effects mean"
        not in forest_plot(
            replace(report, heterogeneity=(replace(first, left_out=()), *others))
        ).caption
    )
    changed = plain["heterogeneity"][0] | {"left_out": [{"site": "z", "reason": "its AUC is 1"}]}
    report = read_report(plain | {"heterogeneity": [changed, *plain["heterogeneity"][1:]]})
    assert "Not in the random-effects mean: z (its AUC is 1)." in forest_plot(report).caption


def test_without_a_mean_of_the_sites_all_squares_are_of_one_size(plain: dict[str, Any]) -> None:
    report = read_report(plain)
    assert "the area of a square is the site's weight" in forest_plot(report).caption
    made = forest_plot(replace(report, heterogeneity=()))
    assert "Squares: AUC of each site with 95 % CI." in made.caption
    assert made.svg is not None
    drawn = re.findall(r'<polygon points="([0-9.]+),[0-9.]+ ([0-9.]+),', str(made.svg.wide))
    squares = sum(r.scope == "site" and r.auc.value is not None for r in headline_rows(report))
    assert [float(b) - float(a) for a, b in drawn][:squares] == pytest.approx([14.0] * squares)


def test_where_no_site_has_an_auc_no_square_is_described() -> None:
    caption = forest_plot(report_of("two looks")).caption
    assert caption.startswith("No site has an AUC of its own here. Diamonds: ")
    assert "quare" not in caption
    assert "dash" not in caption


def test_a_site_without_an_auc_is_said_to_have_a_dash(plain: dict[str, Any]) -> None:
    report = read_report(plain)
    assert "dash" not in forest_plot(report).caption
    (at,) = [i for i, r in enumerate(report.results) if (r.unit, r.site) == ("patient", "site-2")]
    row = report.results[at]
    none = replace(
        row,
        auc=replace(
            row.auc, value=None, low=None, high=None, covering=None, reason="one class only"
        ),
    )
    some = replace(report, results=(*report.results[:at], none, *report.results[at + 1 :]))
    assert "Squares: AUC of each site with 95 % CI" in forest_plot(some).caption
    assert "A dash: the site has no AUC here." in forest_plot(some).caption
    assert "Look at the squares" in forest_plot(some).caption


def test_ticks_do_not_touch_and_a_site_without_weight_can_be_seen() -> None:
    row = ForestRow(name="tiny", value=0.05, low=0.01, high=0.2, weight=1e-6, words="x")
    drawn = forest("f", "t", "d", [row]).narrow
    ticks = [float(x) for x in re.findall(r'x="([\d.]+)" y="[\d.]+" class="mid"', drawn)]
    assert len(ticks) == 6
    assert min(a - b for a, b in zip(sorted(ticks)[1:], sorted(ticks), strict=False)) > 40
    (square,) = re.findall(r'<polygon points="([^"]+)"', drawn)
    across = [float(p.split(",")[0]) for p in square.split()]
    assert max(across) - min(across) >= 3.9
