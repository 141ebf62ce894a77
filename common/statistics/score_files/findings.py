"""What is found in a table: problems and notes, grouped by what they say, with rows and values."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NoReturn

from hepafed.common.errors import DataError

ROWS_SHOWN, VALUES_SHOWN, VALUE_LENGTH = 10, 5, 20


@dataclass
class _Alike:
    """The rows of which one thing is said, in the order in which they were found."""

    rows: dict[int, int] = field(default_factory=dict)
    """Row → the earlier row that it contradicts, 0 where there is none."""
    values: Counter[str] = field(default_factory=Counter)


@dataclass
class Findings:
    """Problems (the table is refused) and notes (it is read, and the reader is told).

    A text speaks of one row or many alike: `{}` in it stands for the values found, `{other}` for
    an earlier row. A text without rows speaks of the whole table. Values of patients and lesions
    are never given.
    """

    problems: dict[str, _Alike] = field(default_factory=dict)
    notes: dict[str, _Alike] = field(default_factory=dict)

    def wrong(self, text: str, row: int = 0, value: str = "", other: int = 0) -> None:
        """Say that a row, or the table, cannot be used."""
        _put(self.problems, text, row, value, other)

    def note(self, text: str, row: int = 0, value: str = "") -> None:
        """Say that a row, or the table, was read otherwise than it is written."""
        _put(self.notes, text, row, value, 0)

    def wrong_rows(self) -> int:
        """Return how often a row was found wrong so far."""
        return sum(len(g.rows) for g in self.problems.values())

    def note_lines(self) -> tuple[str, ...]:
        """Return the notes as sentences, each with its rows at the end."""
        return tuple(_filled(t, g) + _where(g) + "." for t, g in self.notes.items())

    def refuse(self, path: object) -> None:
        """Raise if there is a problem.

        Raises
        ------
        DataError
            Names every problem with its rows.
        """
        if self.problems:
            refuse(path, [_problem(text, g) for text, g in self.problems.items()])


def refuse(path: object, lines: list[str], hint: str = "") -> NoReturn:
    """Raise the DataError of a table's problems, one a line."""
    told = f" {lines[0]}" if len(lines) == 1 else "".join(f"\n  {line}" for line in lines)
    raise DataError(f"{path}:{told}", hint or "correct the table; nothing was written")


def plain(value: str) -> str:
    """Return a value as it can stand in a message: short, printable, never nothing."""
    text = "".join(c if c.isprintable() else "?" for c in value)
    if len(text) > VALUE_LENGTH:
        text = text[:VALUE_LENGTH] + "…"
    return text or "empty"


def _put(groups: dict[str, _Alike], text: str, row: int, value: str, other: int) -> None:
    group = groups.setdefault(text, _Alike())
    if row:
        group.rows[row] = other
        group.values[value] += 1


def _problem(text: str, group: _Alike) -> str:
    found = _filled(text, group)
    if not group.rows:
        return found
    if len(group.rows) == 1:
        return f"row {next(iter(group.rows))}: {found}"
    return f"{len(group.rows)} rows: {found}{_where(group)}"


def _filled(text: str, group: _Alike) -> str:
    others = list(group.rows.values())
    other = f"row {others[0]}" if len(others) == 1 else "an earlier row"
    return text.replace("{}", _values(group.values)).replace("{other}", other)


def _where(group: _Alike) -> str:
    rows = [f"{r} as {o}" if o else str(r) for r, o in sorted(group.rows.items())]
    if not rows:
        return ""
    more = f" and {len(rows) - ROWS_SHOWN} more" if len(rows) > ROWS_SHOWN else ""
    return f" (row{'s' if len(rows) > 1 else ''} {', '.join(rows[:ROWS_SHOWN])}{more})"


def _values(values: Counter[str]) -> str:
    common = sorted(values.items(), key=lambda v: -v[1])
    many = len(common) > 1 and sum(values.values()) > len(common)
    shown = [f"{plain(v)} ({n})" if many else plain(v) for v, n in common[:VALUES_SHOWN]]
    left = len(common) - VALUES_SHOWN
    return ", ".join(shown) + (f" and {left} more" if left > 0 else "")
