"""The decision curve is cut where it leaves the frame, and marks the operating point."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hepafed.server.formats import NetBenefit, Report
from hepafed.server.report.drawing.chart import GREY
from hepafed.server.report.drawing.decision import LOWEST, cut, decision_plot
from hepafed.server.report.drawing.frame import WIDE
from hepafed.server.report.drawing.plot import Plot
from hepafed.server.report.from_scores import report_from_scores

from tests.server.federation import table_of
from tests.server.report.kinds import report_of

MARGIN_LEFT, MARGIN_TOP, SIDE = WIDE.left, WIDE.top, WIDE.side


def wide(plot: Plot) -> str:
    """Give the drawing of a plot for a screen."""
    assert plot.svg is not None
    return str(plot.svg.wide)


@pytest.mark.parametrize(
    ("points", "pieces"),
    [
        ([(0.1, 0.3), (0.3, -0.3)], [[(0.1, 0.3), (0.25, -0.15)]]),
        ([(0.1, -0.3), (0.3, 0.3)], [[(0.15, -0.15), (0.3, 0.3)]]),
        (
            [(0.1, 0.0), (0.2, -0.3), (0.4, 0.0)],
            [[(0.1, 0.0), (0.15, -0.15)], [(0.3, -0.15), (0.4, 0.0)]],
        ),
        ([(0.1, -0.15), (0.2, -0.15)], [[(0.1, -0.15), (0.2, -0.15)]]),
        ([(0.1, -0.2), (0.2, -0.3)], []),
        ([(0.1, 0.2)], [[(0.1, 0.2)]]),
        ([], []),
    ],
    ids=["leaves", "enters", "leaves and returns", "along the end", "outside", "one", "none"],
)  # fmt: skip
def test_a_line_is_cut_at_the_frame(
    points: list[tuple[float, float]], pieces: list[list[tuple[float, float]]]
) -> None:
    found = cut(points, -0.15)
    assert [len(p) for p in found] == [len(p) for p in pieces]
    for piece, wanted in zip(found, pieces, strict=True):
        for at, to in zip(piece, wanted, strict=True):
            assert at == pytest.approx(to)


MADE = report_from_scores(table_of("a", 3, 40), 0.5)


def with_curve(model: list[float], threshold: float = 0.5) -> Report:
    """Give a report the net benefits of a model at 0.2, 0.4, 0.6 and 0.8."""
    points = tuple(
        NetBenefit(threshold=(i + 1) / 5, model=m, all=0.3 - 0.3 * i) for i, m in enumerate(model)
    )
    point = replace(MADE.model.operating_point, threshold=threshold)
    return replace(
        MADE,
        model=replace(MADE.model, operating_point=point),
        results=tuple(replace(r, net_benefit=points) for r in MADE.results),
    )


def lines(report: Report, colour: str) -> list[list[tuple[float, float]]]:
    """Read the lines of one colour in the drawing's own coordinates."""
    root = ET.fromstring(wide(decision_plot(report)))  # noqa: S314 - our own drawing
    found = [p.get("points") or "" for p in root.findall("polyline") if p.get("stroke") == colour]
    return [[tuple(map(float, p.split(","))) for p in f.split()] for f in found]  # type: ignore[misc]


BOTTOM = WIDE.bottom


def test_the_models_line_ends_at_the_frame_and_does_not_run_along_it() -> None:
    """From 0.1 at 0.4 to −0.3 at 0.6 the line crosses −0.1 at 0.5; the rest is below."""
    report = with_curve([0.2, 0.1, -0.3, -0.5])
    ((first, second, end),) = lines(report, "#000000")
    assert first[0] == pytest.approx(WIDE.left + 0.2 * WIDE.side, abs=0.1)
    assert second[1] < BOTTOM - 1
    assert end == pytest.approx((WIDE.left + 0.5 * WIDE.side, BOTTOM), abs=0.1)
    assert "below the frame at 0.60 to 0.80" in decision_plot(report).caption


def test_a_line_that_comes_back_has_two_pieces_and_one_name() -> None:
    report = with_curve([0.2, -0.4, -0.4, 0.2])
    assert len(lines(report, "#000000")) == 2
    assert wide(decision_plot(report)).count(">Act on the model<") == 1


def test_a_line_inside_the_frame_is_whole_and_nothing_is_said_of_the_frame() -> None:
    report = with_curve([0.2, 0.1, 0.0, LOWEST])
    assert [len(p) for p in lines(report, "#000000")] == [4]
    assert "below the frame" not in decision_plot(report).caption


def test_the_operating_point_is_marked_at_its_own_net_benefit() -> None:
    """40 lesions of 20 patients; the mark's height is that of the pooled counts at 0.3."""
    report = report_from_scores(table_of("a", 3, 40), 0.3)
    plot = decision_plot(report)
    row = next(r for r in report.results if (r.scope, r.unit) == ("pooled", "patient"))
    assert row.sensitivity is not None
    assert row.specificity is not None
    tp, fp = row.sensitivity.numerator, row.specificity.denominator - row.specificity.numerator  # type: ignore[operator]
    wanted = tp / row.n - fp / row.n * 3 / 7  # type: ignore[operator]
    root = ET.fromstring(wide(plot))  # noqa: S314 - our own drawing
    ticks = [t.text for t in root.iter("text") if t.get("class") == "end"]
    high = float(str(ticks[-1]))
    diamond = root.findall("polygon")[0].get("points") or ""
    spots = [tuple(map(float, p.split(","))) for p in diamond.split()]
    x, y = (sum(s[k] for s in spots) / 4 for k in (0, 1))
    assert x == pytest.approx(WIDE.left + 0.3 * WIDE.side, abs=0.2)
    assert y == pytest.approx(WIDE.top + (high - wanted) / (high - LOWEST) * WIDE.side, abs=0.2)
    assert "diamond on the dotted line marks" in plot.caption
    ((low, top),) = lines(report, GREY)
    assert (low[0], low[1], top[1]) == pytest.approx((x, BOTTOM, WIDE.top), abs=0.2)
    assert plot.table is not None
    assert plot.table.rows[-1][1] == pytest.approx(wanted)


def test_of_an_operating_point_below_the_frame_only_the_threshold_is_marked() -> None:
    report = with_curve([0.2, 0.1, 0.0, 0.0], threshold=0.98)
    plot = decision_plot(report)
    assert "operating point, whose value is below the frame." in plot.caption
    ((low, top),) = lines(report, GREY)
    assert low[0] == top[0] == pytest.approx(WIDE.left + 0.98 * WIDE.side, abs=0.1)
    assert "diamond" not in plot.caption
    assert not re.search("<polygon", wide(plot))


def test_without_calls_no_operating_point_is_marked_or_spoken_of() -> None:
    report = with_curve([0.2, 0.1, 0.0, 0.0])
    report = replace(report, results=tuple(replace(r, specificity=None) for r in report.results))
    plot = decision_plot(report)
    assert "perating point" not in plot.caption
    assert "<polygon" not in wide(plot)
    assert lines(report, GREY) == []


def test_without_a_curve_there_is_a_reason() -> None:
    report = replace(MADE, results=tuple(replace(r, net_benefit=()) for r in MADE.results))
    plot = decision_plot(report)
    assert plot.svg is None
    assert plot.reason


@pytest.mark.parametrize("kind", ["synthetic", "fourteen patients", "two looks", "huge"])
def test_a_curve_of_very_few_patients_of_a_class_is_said_to_decide_nothing(kind: str) -> None:
    report = report_of(kind)
    sizes = [(r.positives or 0, r.n) for r in report.results if r.task == "malignant_vs_benign"]
    few = min(sizes[0][0], sizes[0][1] - sizes[0][0]) < 10
    assert few == (kind in ("synthetic", "fourteen patients"))
    assert decision_plot(report).caption.startswith("So few patients of a class") == few
