"""A figure's files: their size in millimetres and pixels, self-contained, with their text."""

import struct
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hepafed.common.errors import ReportError
from hepafed.server.formats import read_report
from hepafed.server.report.drawing import Plot, plots
from hepafed.server.report.files.figures import alone, figure_files, pictures_of, png
from markupsafe import Markup

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def roc(plain: dict[str, Any]) -> Plot:
    return plots(read_report(plain))["roc"]


@pytest.fixture(scope="module")
def files(roc: Plot) -> dict[str, bytes]:
    return figure_files([roc, Plot("pr", "Not drawn", "", reason="no counts")])


def test_a_drawn_figure_has_four_files_and_another_has_none(files: dict[str, bytes]) -> None:
    names = {f"figures/roc-{w}mm.{kind}" for w in (84, 174) for kind in ("svg", "png")}
    assert set(files) == names
    assert set(pictures_of(files)) == {"roc"}


@pytest.mark.parametrize("width", [84, 174])
def test_a_png_has_600_dots_an_inch_at_its_width(files: dict[str, bytes], width: int) -> None:
    raw = files[f"figures/roc-{width}mm.png"]
    pixels, depth, colour = *struct.unpack(">I", raw[16:20]), raw[24], raw[25]
    assert pixels == round(width / 25.4 * 600)
    assert (depth, colour) == (8, 6)
    at = raw.index(b"pHYs")
    across, down, unit = struct.unpack(">IIB", raw[at + 4 : at + 13])
    assert (across, down, unit) == (23622, 23622, 1)  # 600 / 0.0254


def test_a_png_of_another_resolution_says_so() -> None:
    frame = '<svg viewBox="0 0 100 50"><title>t</title><desc>d</desc></svg>'
    raw = png(alone(Markup(frame), 25.4), 25.4, 40)  # noqa: S704 - our own drawing
    at = raw.index(b"pHYs")
    assert struct.unpack(">I", raw[16:20]) == (40,)
    assert struct.unpack(">II", raw[at + 4 : at + 12]) == (1575, 1575)  # 40 / 0.0254


@pytest.mark.parametrize("width", [84, 174])
def test_an_svg_has_its_width_and_its_style_and_loads_nothing(
    files: dict[str, bytes], width: int
) -> None:
    text = files[f"figures/roc-{width}mm.svg"].decode()
    root = ET.fromstring(text)  # noqa: S314 - our own drawing
    assert root.get("width") == f"{width}mm"
    _, _, across, down = map(float, root.get("viewBox", "").split())
    assert root.get("height") == f"{width * down / across:.2f}mm"
    assert root.find(f"{SVG}title") is not None
    assert "font-size: 12.5px" in (root.findtext(f"{SVG}style") or "")
    for word in ("href", "url(", "@import", "var(", "<script"):
        assert word not in text


def test_words_are_drawn_with_the_fonts_that_we_bring() -> None:
    frame = '<svg viewBox="0 0 100 50"><title>t</title><desc>d</desc>{}</svg>'
    blank, words = (
        png(alone(Markup(frame.format(mark)), 10), 10)  # noqa: S704 - our own drawing
        for mark in ("", '<text x="5" y="30">Sensitivity −τ²</text>')
    )
    assert words != blank
    assert len(words) > len(blank)


def test_a_drawing_without_a_size_is_refused() -> None:
    with pytest.raises(ReportError, match="no size"):
        alone(Markup("<svg><title></title><desc></desc></svg>"), 84)
    with pytest.raises(ReportError, match="cannot be drawn"):
        png("no drawing", 84)
