"""Charts as SVG: axes, lines, marks and a legend, readable without colour and by screen readers."""

from collections.abc import Sequence
from dataclasses import dataclass

from hepafed.server.report.drawing.frame import NARROW, WIDE, Drawing, Frame, document, text
from markupsafe import Markup, escape

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
"""Okabe and Ito's palette (2008), without its yellow, which is too pale on white."""
GREY = "#8a8a8a"
STYLES = (
    (BLUE, ""), (VERMILLION, "7 3"), (GREEN, "2 3"), (PURPLE, "9 3 2 3"),
    (ORANGE, "4 2"), (SKY, "12 3"), (BLUE, "1 3"), (VERMILLION, "5 2 1 2"),
)  # fmt: skip
"""Colour and dashes of the curves beside the pooled one: no two agree in both."""
SHAPES = ("circle", "square", "triangle", "diamond")
LONGEST_NAME = 28
LEGEND_STEP = 20


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A linear axis with its ticks."""

    label: str
    low: float = 0.0
    high: float = 1.0
    ticks: tuple[float, ...] = (0, 0.2, 0.4, 0.6, 0.8, 1)

    def place(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1 (cut there)."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One curve of a chart."""

    name: str
    points: Sequence[Sequence[float]]
    """x and y of each point."""
    colour: str = BLACK
    dash: str = ""
    width: float = 1.6


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Single points, with intervals in y where they have any."""

    name: str
    points: Sequence[Sequence[float]]
    """x, y, and perhaps the ends of y's interval."""
    shape: str = "circle"
    colour: str = BLACK


@dataclass(frozen=True, kw_only=True)
class Band:
    """An area between two curves, such as the pointwise interval of a ROC curve."""

    name: str
    points: Sequence[Sequence[float]]
    """x and both ends in y of each point, by x."""
    colour: str = BLACK


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart: axes, what is drawn on them, and a reference line."""

    id: str
    title: str
    description: str
    x: Axis
    y: Axis
    traces: Sequence[Trace] = ()
    marks: Sequence[Marks] = ()
    bands: Sequence[Band] = ()
    reference: Sequence[Sequence[float]] = ()
    """Ends of the line of no information; dashed grey."""
    reference_name: str = ""


def draw(chart: Chart) -> Drawing:
    """Draw a chart, wide and narrow; what it says in words is `chart.description`."""
    return Drawing(wide=_drawn(chart, WIDE), narrow=_drawn(chart, NARROW))


def _drawn(chart: Chart, frame: Frame) -> Markup:
    def at(point: Sequence[float]) -> tuple[float, float]:
        across, up = chart.x.place(point[0]), chart.y.place(point[1])
        return frame.left + across * frame.side, frame.top + (1 - up) * frame.side

    def path(points: Sequence[Sequence[float]]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*at(p)) for p in points)

    parts = _axes(chart.x, chart.y, frame)
    for band in chart.bands:
        edge = [(x, high) for x, _, high in band.points]
        edge += [(x, low) for x, low, _ in reversed(band.points)]
        parts.append(f'<polygon points="{path(edge)}" {_area(band)}/>')
    if chart.reference:
        parts.append(f'<polyline points="{path(chart.reference)}" class="reference"/>')
    for trace in reversed(chart.traces):  # the first, the pooled one, lies on top
        parts.append(f'<polyline points="{path(trace.points)}" {_stroke(trace)}/>')
    for marks in chart.marks:
        for point in marks.points:
            x, y = at(point)
            if len(point) == 4:
                low, high = at((point[0], point[2]))[1], at((point[0], point[3]))[1]
                parts.append(_bar(x, low, x, high, marks.colour))
            parts.append(mark(marks.shape, x, y, marks.colour))
    legend, end = _legend(chart, frame)
    height = max(frame.bottom + 52, end)
    return document(chart.id, chart.title, chart.description, frame, height, parts + legend)


def clip(words: str, longest: int) -> str:
    """Cut the middle out of a name that does not fit; names often differ at their end.

    The tables have it whole.
    """
    if len(words) <= longest:
        return words
    end = (longest - 1) // 2
    return f"{words[: longest - 1 - end]}…{words[-end:]}"


def mark(shape: str, x: float, y: float, colour: str, size: float = 4.5) -> str:
    """Draw one mark with a white rim, so that marks on a line stay apart."""
    paint = f'fill="{colour}" stroke="#fff" stroke-width="1"'
    s = size
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s:.1f}" {paint}/>'
    corners = {
        "square": ((-s, -s), (s, -s), (s, s), (-s, s)),
        "triangle": ((0, -s * 1.2), (s * 1.1, s * 0.9), (-s * 1.1, s * 0.9)),
        "diamond": ((0, -s * 1.35), (s * 1.35, 0), (0, s * 1.35), (-s * 1.35, 0)),
    }[shape]
    path = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{path}" {paint}/>'


def _axes(x: Axis, y: Axis, frame: Frame) -> list[str]:
    left, top, side = frame.left, frame.top, frame.side
    bottom, right = frame.bottom, left + side
    parts = []
    for tick in x.ticks:
        at = left + x.place(tick) * side
        parts.append(f'<line x1="{at:.1f}" y1="{top}" x2="{at:.1f}" y2="{bottom}" class="grid"/>')
        parts.append(text(at, bottom + 17, f"{tick:g}", "mid"))
    for tick in y.ticks:
        at = top + (1 - y.place(tick)) * side
        parts.append(f'<line x1="{left}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" class="grid"/>')
        parts.append(text(left - 8, at + 4, f"{tick:g}".replace("-", "−"), "end"))
    parts.append(f'<path d="M{left} {top}V{bottom}H{right}" fill="none" class="axis"/>')
    parts.append(text(left + side / 2, bottom + 40, x.label, "mid label"))
    middle = top + side / 2
    parts.append(
        f'<text transform="translate(15 {middle}) rotate(-90)" class="mid label">'
        f"{escape(y.label)}</text>"
    )
    return parts


def _legend(chart: Chart, frame: Frame) -> tuple[list[str], float]:
    """Draw the legend, beside the axes or below them; also return where it ends."""
    parts, x, y = [], frame.legend_x, frame.legend_y

    def line(y: float, paint: str) -> str:
        return f'<line x1="{x}" y1="{y}" x2="{x + 28}" y2="{y}" {paint}/>'

    for trace in chart.traces:
        if trace.name:
            parts += [line(y, _stroke(trace)), text(x + 36, y + 4, clip(trace.name, LONGEST_NAME))]
            y += LEGEND_STEP
    for band in chart.bands:
        if band.name:
            parts.append(f'<rect x="{x}" y="{y - 6}" width="28" height="12" {_area(band)}/>')
            parts.append(text(x + 36, y + 4, clip(band.name, LONGEST_NAME)))
            y += LEGEND_STEP
    for marks in chart.marks:
        if marks.name:
            parts.append(mark(marks.shape, x + 14, y, marks.colour))
            parts.append(text(x + 36, y + 4, clip(marks.name, LONGEST_NAME)))
            y += LEGEND_STEP
    if chart.reference and chart.reference_name:
        parts += [line(y, 'class="reference"'), text(x + 36, y + 4, chart.reference_name)]
        y += LEGEND_STEP
    return parts, y


def _area(band: Band) -> str:
    return f'fill="{band.colour}" fill-opacity="0.14"'


def _stroke(trace: Trace) -> str:
    dash = f' stroke-dasharray="{trace.dash}"' if trace.dash else ""
    return (
        f'fill="none" stroke="{trace.colour}" stroke-width="{trace.width}" '
        f'stroke-linejoin="round"{dash}'
    )


def _bar(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="1.3"/>'
    )
