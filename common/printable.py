"""Text of the other side before it is shown: no character that moves a cursor or turns a line."""

import logging
from types import TracebackType


def printable(text: str, keep: str = "") -> str:
    """Return `text` with each character that cannot be printed as ``�`` (U+FFFD), but `keep`.

    Control characters (ESC, NUL, newlines), those that turn the direction of writing or have no
    width, line and paragraph separators, halves of surrogate pairs (Unicode's categories C and Z
    but for the space; UAX #44). One that is joined with others into one sign, as in some emoji,
    goes too.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else "�" for c in text)


class OneLineFormatter(logging.Formatter):
    """Keeps each record on its line, whatever the other side wrote; a traceback has lines below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the record's line."""
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Return the traceback, its lines kept and indented, so that none looks like a record."""
        return "\n".join("  " + printable(x) for x in super().formatException(ei).split("\n"))
