"""Charts as SVG: axes, lines, marks and a legend, readable without colour and by screen readers."""

from collections.abc import Sequence
from dataclasses import dataclass

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
MARGIN_LEFT, MARGIN_TOP, SIDE = 58, 14, 372
LEGEND_X = MARGIN_LEFT + SIDE + 22
LONGEST_NAME = 28
WIDTH, HEIGHT = 700, MARGIN_TOP + SIDE + 52


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
class Chart:
    """A chart: axes, what is drawn on them, and a reference line."""

    id: str
    title: str
    description: str
    x: Axis
    y: Axis
    traces: Sequence[Trace] = ()
    marks: Sequence[Marks] = ()
    reference: Sequence[Sequence[float]] = ()
    """Ends of the line of no information; dashed grey."""
    reference_name: str = ""


def draw(chart: Chart) -> Markup:
    """Draw a chart; what it says in words is `chart.description`."""

    def at(point: Sequence[float]) -> tuple[float, float]:
        across, up = chart.x.place(point[0]), chart.y.place(point[1])
        return MARGIN_LEFT + across * SIDE, MARGIN_TOP + (1 - up) * SIDE

    parts = _axes(chart.x, chart.y)
    if chart.reference:
        ends = " ".join("{:.1f},{:.1f}".format(*at(p)) for p in chart.reference)
        parts.append(f'<polyline points="{ends}" class="reference"/>')
    for trace in reversed(chart.traces):  # the first, the pooled one, lies on top
        path = " ".join("{:.1f},{:.1f}".format(*at(p)) for p in trace.points)
        parts.append(f'<polyline points="{path}" {_stroke(trace)}/>')
    for marks in chart.marks:
        for point in marks.points:
            x, y = at(point)
            if len(point) == 4:
                low, high = at((point[0], point[2]))[1], at((point[0], point[3]))[1]
                parts.append(_bar(x, low, x, high, marks.colour))
            parts.append(mark(marks.shape, x, y, marks.colour))
    return document(chart.id, chart.title, chart.description, HEIGHT, parts + _legend(chart))


def document(
    identity: str, title: str, description: str, height: float, parts: Sequence[str]
) -> Markup:
    """Put an SVG round its parts, with a title and a description for who cannot see it."""
    head = (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-labelledby="{identity}-title {identity}-desc">'
        f'<title id="{identity}-title">{escape(title)}</title>'
        f'<desc id="{identity}-desc">{escape(description)}</desc>'
    )
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704 - every text in it is escaped


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Write words; `kind` is a class of the style sheet."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def clip(words: str, longest: int) -> str:
    """Cut a name to what fits beside a drawing; the tables have it whole."""
    return words if len(words) <= longest else words[: longest - 1] + "…"


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


def _axes(x: Axis, y: Axis) -> list[str]:
    bottom, right = MARGIN_TOP + SIDE, MARGIN_LEFT + SIDE
    parts = []
    for tick in x.ticks:
        at = MARGIN_LEFT + x.place(tick) * SIDE
        parts.append(
            f'<line x1="{at:.1f}" y1="{MARGIN_TOP}" x2="{at:.1f}" y2="{bottom}" class="grid"/>'
        )
        parts.append(text(at, bottom + 17, f"{tick:g}", "mid"))
    for tick in y.ticks:
        at = MARGIN_TOP + (1 - y.place(tick)) * SIDE
        parts.append(
            f'<line x1="{MARGIN_LEFT}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" class="grid"/>'
        )
        parts.append(text(MARGIN_LEFT - 8, at + 4, f"{tick:g}".replace("-", "−"), "end"))
    parts.append(
        f'<path d="M{MARGIN_LEFT} {MARGIN_TOP}V{bottom}H{right}" fill="none" class="axis"/>'
    )
    parts.append(text(MARGIN_LEFT + SIDE / 2, bottom + 40, x.label, "mid label"))
    middle = MARGIN_TOP + SIDE / 2
    parts.append(
        f'<text transform="translate(15 {middle}) rotate(-90)" class="mid label">'
        f"{escape(y.label)}</text>"
    )
    return parts


def _legend(chart: Chart) -> list[str]:
    parts, y = [], MARGIN_TOP + 10.0
    for trace in chart.traces:
        if not trace.name:
            continue
        parts.append(
            f'<line x1="{LEGEND_X}" y1="{y}" x2="{LEGEND_X + 28}" y2="{y}" {_stroke(trace)}/>'
        )
        parts.append(text(LEGEND_X + 36, y + 4, clip(trace.name, LONGEST_NAME)))
        y += 20
    for marks in chart.marks:
        if marks.name:
            parts.append(mark(marks.shape, LEGEND_X + 14, y, marks.colour))
            parts.append(text(LEGEND_X + 36, y + 4, clip(marks.name, LONGEST_NAME)))
            y += 20
    if chart.reference and chart.reference_name:
        parts.append(
            f'<line x1="{LEGEND_X}" y1="{y}" x2="{LEGEND_X + 28}" y2="{y}" class="reference"/>'
        )
        parts.append(text(LEGEND_X + 36, y + 4, chart.reference_name))
    return parts


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
