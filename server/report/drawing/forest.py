"""The forest plot: every site's AUC with its interval, and the pooled ones below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hepafed.server.report.drawing.chart import BLACK, BLUE, clip, mark
from hepafed.server.report.drawing.frame import NARROW, WIDE, Drawing, Frame, document, text
from markupsafe import Markup

TOP = 30
SMALLEST = 2.0
"""Half the side of the square of a site whose weight is nearly 0: it can still be seen."""
MOST_TICKS = 6
"""More ticks than this stand at every second tenth: their words would touch."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Where names, axis and words lie: side by side, or the axis below its name and words."""

    frame: Frame
    left: int
    right: int
    step: int
    drop: int
    """How far the axis of a row lies below its name."""
    words: int
    kind: str
    """Class of the words: which end of them `words` is."""


SIDE_BY_SIDE = Shape(frame=WIDE, left=190, right=530, step=24, drop=0, words=546, kind="")
BELOW = Shape(frame=NARROW, left=8, right=326, step=42, drop=17, words=338, kind="end ")


@dataclass(frozen=True, kw_only=True)
class ForestRow:
    """One line of the plot."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    kind: str = "site"
    """`site` (a square as large as its weight), `summary` (a diamond) or `prediction` (a bar)."""
    weight: float = 1.0
    """Share of the largest site's weight, 0 to 1; the area of the square is in proportion."""
    words: str = ""
    """Words at the right; the figure itself when empty."""


def forest(identity: str, title: str, description: str, rows: Sequence[ForestRow]) -> Drawing:
    """Draw AUCs one below the other on a common axis."""

    def drawn(columns: Shape) -> Markup:
        height, parts = _parts(rows, columns)
        return document(identity, title, description, columns.frame, height, parts)

    return Drawing(wide=drawn(SIDE_BY_SIDE), narrow=drawn(BELOW))


def _parts(rows: Sequence[ForestRow], at: Shape) -> tuple[float, list[str]]:
    """Return the height and the parts of the drawing."""
    ends = [e for r in rows for e in (r.low, r.value) if e is not None]
    low = min(0.9, max(0.0, (int(min(ends, default=0.5) * 10)) / 10))
    sites = [r for r in rows if r.kind == "site"]
    others = [r for r in rows if r.kind != "site"]
    bottom = TOP + at.step * len(rows) + (12 if sites and others else 0)

    def upright(x: float, kind: str) -> str:
        return f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" class="{kind}"/>'

    def x(value: float) -> float:
        return at.left + (min(1.0, max(low, value)) - low) / (1 - low) * (at.right - at.left)

    parts = [
        text(0, 14, "Site (patients)", "label"),
        text(at.words, 14, "AUC (95 % CI)", at.kind + "label"),
    ]
    tenths = range(round(low * 10), 11)
    step = 1 if len(tenths) <= MOST_TICKS else 2
    for n in tenths[::-step]:
        tick = n / 10
        parts.append(upright(x(tick), "grid"))
        parts.append(text(x(tick), bottom + 16, f"{tick:g}", "mid"))
    if low <= 0.5:
        parts.append(upright(x(0.5), "reference"))
    y = TOP + 6.0
    for row in sites:
        parts += _row(row, y, x, at)
        y += at.step
    if sites and others:
        end = at.frame.width
        parts.append(f'<line x1="0" y1="{y - 6:.1f}" x2="{end}" y2="{y - 6:.1f}" class="rule"/>')
        y += 12
    for row in others:
        parts += _row(row, y, x, at)
        y += at.step
    return bottom + 26, parts


def _row(row: ForestRow, y: float, x: Callable[[float], float], at: Shape) -> list[str]:
    bold = "" if row.kind == "site" else "strong"
    parts = [
        text(0, y + 4, clip(row.name, 26), bold),
        text(at.words, y + 4, row.words or "–", at.kind + bold),
    ]
    y += at.drop
    if row.value is None:
        return parts
    ends = (row.low, row.high)
    low, high = (x(e) if e is not None else None for e in ends)
    if row.kind == "summary" and low is not None and high is not None:
        middle = x(row.value)
        shape = f"{low:.1f},{y} {middle:.1f},{y - 7} {high:.1f},{y} {middle:.1f},{y + 7}"
        return [*parts, f'<polygon points="{shape}" fill="{BLACK}"/>']
    colour = BLUE if row.kind == "site" else BLACK
    if low is not None and high is not None:
        parts.append(
            f'<path d="M{low:.1f} {y - 4}V{y + 4}M{low:.1f} {y}H{high:.1f}'
            f'M{high:.1f} {y - 4}V{y + 4}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
    if row.kind != "prediction":
        shape, size = (
            ("square", max(SMALLEST, 7 * row.weight**0.5)) if row.kind == "site" else ("diamond", 5)
        )
        parts.append(mark(shape, x(row.value), y, colour, size))
    return parts
