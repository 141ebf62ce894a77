"""The two shapes of every figure: wide (a page, 174 mm) and narrow (a telephone, 84 mm)."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where axes and legend of a chart lie, in units of which a column of text has `width`.

    Text has 12.5 units: 8.8 points in print, and on a screen at least 11 pixels.
    """

    width: int
    left: int
    top: int
    side: int
    """Length of both axes."""
    suffix: str
    """What tells the ids of this shape from those of the other one."""

    @property
    def bottom(self) -> int:
        """Where the horizontal axis lies."""
        return self.top + self.side

    @property
    def legend_x(self) -> int:
        """Where the legend begins: beside the axes where there is room, else below."""
        beside = self.left + self.side + 22
        return beside if beside < self.width * 0.7 else self.left

    @property
    def legend_y(self) -> float:
        """Height of the legend's first line."""
        return self.top + 10.0 if self.legend_x > self.left else self.bottom + 66.0


WIDE = Frame(width=700, left=58, top=14, side=372, suffix="")
NARROW = Frame(width=340, left=50, top=14, side=278, suffix="-narrow")


@dataclass(frozen=True)
class Drawing:
    """One figure in both shapes; they show the same."""

    wide: Markup
    """For a screen and the width of a page, 174 mm."""
    narrow: Markup
    """For a telephone and one column of a journal, 84 mm."""


def document(
    identity: str,
    title: str,
    description: str,
    frame: Frame,
    height: float,
    parts: Sequence[str],
) -> Markup:
    """Put an SVG round its parts, with a title and a description for who cannot see it."""
    name = identity + frame.suffix
    head = (
        f'<svg viewBox="0 0 {frame.width} {height:.0f}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704 - every text in it is escaped


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Write words; `kind` is a class of figures.css."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'
