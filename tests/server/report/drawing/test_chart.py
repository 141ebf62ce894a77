"""A chart is one SVG: points where their values lie, names that cannot break it, words for all."""

import xml.etree.ElementTree as ET

import pytest
from hepafed.server.report.drawing.chart import (
    LONGEST_NAME,
    Axis,
    Band,
    Chart,
    Marks,
    Trace,
    clip,
    draw,
)
from hepafed.server.report.drawing.frame import WIDE, Drawing

MARGIN_LEFT, MARGIN_TOP, SIDE = WIDE.left, WIDE.top, WIDE.side


def both(**parts: object) -> Drawing:
    chart = Chart(
        id="roc",
        title="ROC <curve>",
        description="Two sites & more",
        x=Axis(label="x"),
        y=Axis(label="y", low=-1.0, high=3.0),
        **parts,  # type: ignore[arg-type]
    )
    return draw(chart)


def drawn(**parts: object) -> ET.Element:
    return ET.fromstring(str(both(**parts).wide))  # noqa: S314 - our own drawing


def test_title_and_description_are_escaped_and_named_by_the_drawing() -> None:
    root = drawn()
    assert root.find("title").text == "ROC <curve>"  # type: ignore[union-attr]
    assert root.find("desc").text == "Two sites & more"  # type: ignore[union-attr]
    assert root.get("aria-labelledby") == "roc-title roc-desc"


def test_a_curve_goes_through_its_points_upwards() -> None:
    root = drawn(traces=[Trace(name="a", points=[(0.25, 0.0), (1.0, 3.0)])])
    (curve,) = [p for p in root.findall("polyline") if p.get("class") != "reference"]
    assert curve.get("points") == (
        f"{MARGIN_LEFT + 0.25 * SIDE:.1f},{MARGIN_TOP + 0.75 * SIDE:.1f} "
        f"{MARGIN_LEFT + SIDE:.1f},{MARGIN_TOP:.1f}"
    )


def test_the_first_curve_lies_on_top() -> None:
    points = [(0.0, 0.0), (1.0, 1.0)]
    root = drawn(traces=[Trace(name=n, points=points, colour=n) for n in ("red", "blue")])
    assert [p.get("stroke") for p in root.findall("polyline")] == ["blue", "red"]


@pytest.mark.parametrize(("value", "place"), [(-9.0, 0.0), (-1.0, 0.0), (3.0, 1.0), (99.0, 1.0)])
def test_what_is_beyond_an_axis_is_cut_to_its_end(value: float, place: float) -> None:
    assert Axis(label="y", low=-1.0, high=3.0).place(value) == place


def test_a_name_with_markup_is_text_and_a_long_one_is_cut() -> None:
    root = drawn(traces=[Trace(name="<b>&" + "x" * 40, points=[(0, 0), (1, 1)])])
    words = [t.text or "" for t in root.iter("text")]
    (name,) = [w for w in words if w.startswith("<b>&")]
    assert len(name) == LONGEST_NAME
    assert "…" in name
    assert clip("x" * LONGEST_NAME, LONGEST_NAME) == "x" * LONGEST_NAME


def test_a_mark_with_four_numbers_has_a_bar_from_low_to_high() -> None:
    root = drawn(marks=[Marks(name="m", points=[(0.5, 1.0, 0.0, 2.0)])])
    bars = [e for e in root.findall("line") if e.get("stroke-width") == "1.3"]
    assert [(b.get("x1"), b.get("x2")) for b in bars] == [(f"{MARGIN_LEFT + SIDE / 2:.1f}",) * 2]
    assert bars[0].get("y1") == f"{MARGIN_TOP + 0.75 * SIDE:.1f}"
    assert bars[0].get("y2") == f"{MARGIN_TOP + 0.25 * SIDE:.1f}"


def test_a_long_name_keeps_its_end_by_which_names_differ() -> None:
    names = [f"university-hospital-of-the-north-{n}" for n in (1, 23)]
    assert [clip(n, 18) for n in names] == ["universit…-north-1", "universit…north-23"]


def test_the_narrow_shape_has_the_same_words_below_one_column_of_text() -> None:
    shapes = both(traces=[Trace(name="a", points=[(0.25, 0.0), (1.0, 3.0)])], reference_name="b")
    roots = [ET.fromstring(str(s)) for s in (shapes.wide, shapes.narrow)]  # noqa: S314 - our own
    words = [sorted(t.text or "" for t in r.iter("text")) for r in roots]
    assert words[0] == words[1]
    assert [r.get("viewBox", "").split()[2] for r in roots] == ["700", "340"]
    assert roots[0].get("aria-labelledby") != roots[1].get("aria-labelledby")


def test_a_band_runs_along_the_high_ends_and_back_along_the_low_ones() -> None:
    root = drawn(bands=[Band(name="", points=[(0.0, -1.0, 1.0), (1.0, 1.0, 3.0)])])
    (area,) = root.findall("polygon")
    left, right, top, bottom = MARGIN_LEFT, MARGIN_LEFT + SIDE, MARGIN_TOP, MARGIN_TOP + SIDE
    middle = MARGIN_TOP + SIDE / 2
    corners = [(left, middle), (right, top), (right, middle), (left, bottom)]
    assert area.get("points") == " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
