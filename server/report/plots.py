"""The report's figures as SVG: ROC curves and a forest plot, each with words beside it."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47", "#7f6000", "#134f5c")
SIDE, MARGIN = 320, 46


def roc(curves: Sequence[tuple[str, list[list[float]]]], label: str) -> Markup:
    """Draw ROC curves (name, points of false positive rate and sensitivity)."""
    size = SIDE + 2 * MARGIN

    def at(x: float, y: float) -> str:
        return f"{MARGIN + x * SIDE:.1f},{MARGIN + (1 - y) * SIDE:.1f}"

    parts = [
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{SIDE}" height="{SIDE}" class="frame"/>',
        f'<polyline points="{at(0, 0)} {at(1, 1)}" class="chance"/>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = MARGIN + tick * SIDE, MARGIN + (1 - tick) * SIDE
        parts.append(f'<text x="{x}" y="{MARGIN + SIDE + 16}" class="mid">{tick:g}</text>')
        parts.append(f'<text x="{MARGIN - 8}" y="{y + 4}" class="end">{tick:g}</text>')
    for i, (name, points) in enumerate(curves):
        colour, width = COLOURS[i % len(COLOURS)], 2.6 if i == 0 else 1.4
        line = " ".join(at(x, y) for x, y in points)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        )
        y = MARGIN + SIDE - 12 - 18 * (len(curves) - 1 - i)
        parts.append(
            f'<text x="{MARGIN + SIDE - 10}" y="{y}" class="end" fill="{colour}">'
            f"{escape(name)}</text>"
        )
    middle = MARGIN + SIDE / 2
    parts.append(f'<text x="{middle}" y="{size - 8}" class="mid">1 − specificity</text>')
    parts.append(
        f'<text transform="translate(14 {middle}) rotate(-90)" class="mid">sensitivity</text>'
    )
    return _svg(size, size, label, parts)


def forest(rows: Sequence[tuple[str, dict[str, Any]]], label: str) -> Markup:
    """Draw AUCs with their intervals (name, figure), one below the other."""
    low, left, right, step = 0.4, 170, 560, 30
    height = 50 + step * len(rows)

    def x(value: float) -> float:
        return left + (max(value, low) - low) / (1 - low) * (right - left)

    parts = []
    for tick in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        parts.append(
            f'<line x1="{x(tick):.1f}" y1="10" x2="{x(tick):.1f}" y2="{height - 30}" class="grid"/>'
        )
        parts.append(f'<text x="{x(tick):.1f}" y="{height - 12}" class="mid">{tick:g}</text>')
    for i, (name, figure) in enumerate(rows):
        y = 26 + i * step
        parts.append(f'<text x="{left - 12}" y="{y + 4}" class="end">{escape(name)}</text>')
        value = figure.get("value")
        if value is None:
            parts.append(f'<text x="{left + 8}" y="{y + 4}">–</text>')
            continue
        if figure.get("low") is not None:
            a, b = x(figure["low"]), x(figure["high"])
            parts.append(f'<line x1="{a:.1f}" y1="{y}" x2="{b:.1f}" y2="{y}" class="bar"/>')
        mark = f'x="{x(value) - 5:.1f}" y="{y - 5}" width="10" height="10"'
        parts.append(f'<rect {mark} class="mark"/>')
        parts.append(f'<text x="{right + 14}" y="{y + 4}">{value:.3f}</text>')
    return _svg(640, height, label, parts)


def _svg(width: int, height: int, label: str, parts: Sequence[str]) -> Markup:
    head = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}"'
    inner = "".join(parts)
    return Markup(f'{head} width="{width}">{inner}</svg>')  # noqa: S704 - all names are escaped
