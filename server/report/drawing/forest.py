"""The forest plot: every site's AUC with its interval, and the pooled ones below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hepafed.server.report.drawing.chart import BLACK, BLUE, WIDTH, clip, document, mark, text
from markupsafe import Markup

LEFT, RIGHT, STEP, TOP = 190, 530, 24, 30


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


def forest(identity: str, title: str, description: str, rows: Sequence[ForestRow]) -> Markup:
    """Draw AUCs one below the other on a common axis."""
    ends = [e for r in rows for e in (r.low, r.value) if e is not None]
    low = min(0.9, max(0.0, (int(min(ends, default=0.5) * 10)) / 10))
    sites = [r for r in rows if r.kind == "site"]
    others = [r for r in rows if r.kind != "site"]
    bottom = TOP + STEP * len(rows) + (12 if sites and others else 0)

    def upright(at: float, kind: str) -> str:
        return f'<line x1="{at:.1f}" y1="{TOP - 8}" x2="{at:.1f}" y2="{bottom}" class="{kind}"/>'

    def x(value: float) -> float:
        return LEFT + (min(1.0, max(low, value)) - low) / (1 - low) * (RIGHT - LEFT)

    parts = [
        text(0, 14, "Site (patients)", "label"),
        text(RIGHT + 16, 14, "AUC (95 % CI)", "label"),
    ]
    for n in range(round((1 - low) * 10) + 1):
        tick = round(low + n / 10, 1)
        parts.append(upright(x(tick), "grid"))
        parts.append(text(x(tick), bottom + 16, f"{tick:g}", "mid"))
    if low <= 0.5:
        parts.append(upright(x(0.5), "reference"))
    y = TOP + 6.0
    for row in sites:
        parts += _row(row, y, x)
        y += STEP
    if sites and others:
        parts.append(f'<line x1="0" y1="{y - 6:.1f}" x2="{WIDTH}" y2="{y - 6:.1f}" class="rule"/>')
        y += 12
    for row in others:
        parts += _row(row, y, x)
        y += STEP
    return document(identity, title, description, bottom + 26, parts)


def _row(row: ForestRow, y: float, x: Callable[[float], float]) -> list[str]:
    bold = "" if row.kind == "site" else "strong"
    parts = [
        text(0, y + 4, clip(row.name, 26), bold),
        text(RIGHT + 16, y + 4, row.words or "–", bold),
    ]
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
            ("square", max(1.5, 7 * row.weight**0.5)) if row.kind == "site" else ("diamond", 5)
        )
        parts.append(mark(shape, x(row.value), y, colour, size))
    return parts
