"""Numbers stay on the line of their unit: no-break spaces, set once in the finished page."""

import re

SPACE = "\N{NO-BREAK SPACE}"
PAIRS = re.compile(
    r"(?<=\d) (?=%)"  # 95 %, and 80–95 %
    r"|(?<=%) (?=CI\b)"
    r"|(?<=\b[npεδPN]) (?=[=≥≤]|&lt;)|(?:(?<=[=≥≤])|(?<=&lt;)) (?=[\d−])"  # n = 3, p < 0.001
    r"|(?<=\d) (?=× 10)|(?<=\d ×) (?=10)|(?<=\d\N{NO-BREAK SPACE}×) (?=10)"
    r"|(?<=\bFigure) (?=\d)|(?<=\bTable) (?=\d)"
    r"|(?<=\d) (?=(?:mm|MB|GB|s|min|h|dpi)\b)"
)
"""The spaces between a number and what belongs to it."""
KEPT = re.compile(r"(<style>.*?</style>|<code>.*?</code>|<[^>]*>)", re.DOTALL)
"""What is not text for readers: styles, values to copy, tags with their attributes."""


def no_breaks(page: str) -> str:
    """Return a page of HTML in whose text no number can be parted from its unit by a line end."""
    parts = KEPT.split(page)
    parts[::2] = [PAIRS.sub(SPACE, text) for text in parts[::2]]
    return "".join(parts)
