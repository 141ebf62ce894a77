"""A table of the page, and the cells that tables share."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import takewhile
from string import ascii_lowercase

from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    IntervalEstimate,
    PointEstimate,
    RateEstimate,
    Report,
)
from hepafed.server.report.tables.rounding import percent, percent_interval
from hepafed.server.report.tables.words import NONE, HasTask, interval, number, preferred, value_of

HEADLINE = ("patient", "malignant_vs_benign")
LONG = 24
"""Characters of a remark that stays in its cell, however often it is there."""
VERY_LONG = 60
"""Characters of a remark above which it stands below the table, however seldom it is there."""
PLACES = ("Where", "Site")
"""Heads of the column that says whose cases a row counts."""
POOLED = "Pooled"
BOUND_HEAD = "Pooling error (at most)"
ONCE = "There is one site, so its figures are the pooled ones. They are shown once."
AnyEstimate = AucEstimate | BriefAuc | IntervalEstimate | PointEstimate | RateEstimate


@dataclass(frozen=True)
class Table:
    """A table: a cell is text, a number, or (value, small print below it)."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    note: str = ""
    span: int = 1
    """Number of cells that name each row."""
    ours: tuple[int, ...] = ()
    """Cells of each row whose words are the program's, not a site's."""


def printed(table: Table, units: tuple[str, str], alone: str = "") -> Table:
    """Return a table as page and files show it: in its units, with remarks of many cells once.

    `alone` is the name of the only site, where there is one: its rows are not shown twice.
    """
    return _footnoted(in_units(_once(table, alone), units))


def _once(table: Table, alone: str) -> Table:
    """Return a table in which no row of the only site repeats the pooled one.

    The pooling error is not compared: it is of the way to the figure, not another figure. Nor are
    the ends of an interval below a figure: from counts they can differ in the last place.
    """
    at = next((i for i, head in enumerate(table.head) if head in PLACES), None)
    if not alone or at is None:
        return table
    apart = (at, *(i for i, head in enumerate(table.head) if head == BOUND_HEAD))

    def figures(row: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(_gist(v) for i, v in enumerate(row) if i not in apart)

    pooled = {figures(row) for row in table.rows if cell_words(row[at])[0] == POOLED}
    of_site = {figures(row) for row in table.rows if cell_words(row[at])[0] == alone}
    if not (twice := pooled & of_site):
        return table
    rows = tuple(
        (*row[:at], alone, *row[at + 1 :]) if figures(row) in twice else row
        for row in table.rows
        if not (cell_words(row[at])[0] == alone and figures(row) in twice)
    )
    note = " ".join(filter(None, (table.note, ONCE)))
    return replace(table, rows=rows, note=note)


def _gist(value: object) -> tuple[str, bool, str]:
    """Return what a cell says, whether it has an interval, and its remark."""
    main, small = cell_words(value)
    figures, remark = _parted(small)
    return main, bool(figures), remark


def _footnoted(table: Table) -> Table:
    """Return a table whose long remarks, and those of several cells, stand below: `0.97 [a]`."""
    cells = [cell_words(value) for row in table.rows for value in row]
    often = Counter(remark for _, small in cells if len(remark := _parted(small)[1]) > LONG)
    texts = [text for text, times in often.items() if times > 1 or len(text) > VERY_LONG]
    marks = dict(zip(texts, (f"[{letter}]" for letter in ascii_lowercase), strict=False))
    if not marks:
        return table

    def cell(value: object) -> object:
        main, small = cell_words(value)
        figures, remark = _parted(small)
        if remark not in marks:
            return value
        return (main, f"{figures} {marks[remark]}") if figures else f"{main} {marks[remark]}"

    rows = tuple(tuple(map(cell, row)) for row in table.rows)
    notes = [f"{mark} {text.rstrip('.')}." for text, mark in marks.items()]
    return replace(table, rows=rows, note=" ".join(filter(None, (table.note, *notes))))


def _parted(small: str) -> tuple[str, str]:
    """Part small print into its figures and its remark: `80–95 %; 31/35` and what follows."""
    parts = small.split("; ")
    figures = list(takewhile(lambda part: re.match(r"[\d−]\S*( (to|%).*)?$", part), parts))
    return "; ".join(figures), "; ".join(parts[len(figures) :])


def in_units(table: Table, units: tuple[str, str]) -> Table:
    """Return a table that names what it counts: `units` is one and several, such as image, images.

    Of the cells only names of tasks ("Lesion: benign vs rest"), remarks below a figure and the
    columns of `Table.ours` are the program's; a site's name stays.
    """
    if units == ("lesion", "lesions"):
        return table

    def cell(at: int, found: object) -> object:
        if isinstance(found, str) and (at in table.ours or found.startswith("Lesion: ")):
            return renamed(found, units)
        if isinstance(found, tuple) and len(found) == 2 and table.name != "comparisons":
            return found[0], renamed(str(found[1] or ""), units)
        return found

    rows = tuple(tuple(cell(at, found) for at, found in enumerate(row)) for row in table.rows)
    head = tuple(renamed(h, units) for h in table.head)
    caption, note = (renamed(t, units) for t in (table.caption, table.note))
    return replace(table, caption=caption, head=head, rows=rows, note=note)


def renamed(text: str, units: tuple[str, str]) -> str:
    """Return a text of ours that says `units`, one and several, for lesion and lesions."""
    one, many = units
    if one[0] in "aeiou":
        text = re.sub(r"\b([Aa]) (?=lesion\b)", r"\1n ", text)
    for old, new in (("lesions", many), ("lesion", one)):
        text = re.sub(rf"\b{old}\b", new, text)
        text = re.sub(rf"\b{old.capitalize()}\b", new.capitalize(), text)
    return text


def has_lesions(report: Report) -> bool:
    """Return whether any figure is of lesions; the rows of a score table may be patients."""
    return any(r.unit == "lesion" for r in report.results)


def is_headline(row: HasTask) -> bool:
    """Return whether a row is of the question that the page opens with."""
    return (row.unit, row.task) == HEADLINE


def cell_words(value: object) -> tuple[str, str]:
    """Return a cell as words: what it says and its small print; numbers to four places."""
    if isinstance(value, tuple | list):
        main, small = value
        return cell_words(main)[0], str(small or "")
    return (number(value, 4) if isinstance(value, float) else number(value)), ""


def estimate(found: AnyEstimate | None, places: int = 3) -> tuple[str, str]:
    """Return a figure as a cell: the value, with its interval or why there is none below.

    A rate is in percent, with its counts.
    """
    if found is None:
        return NONE, ""
    if found.value is None:
        return NONE, found.reason
    if isinstance(found, RateEstimate):
        counts = "" if found.denominator is None else f"{found.numerator:,}/{found.denominator:,}"
        parts = (percent_interval(found), counts, _remark(found))
        return percent(found.value, found.denominator or 0), "; ".join(filter(None, parts))
    shown = value_of(found.value, places)
    if isinstance(found, PointEstimate):
        return shown, ""
    if isinstance(found, AucEstimate | BriefAuc):
        printed = preferred(found)
        return shown, interval(printed, places) or printed.reason
    remark = _remark(found)
    ends = interval(found, places) or ("" if remark else found.reason)
    return shown, "; ".join(filter(None, (ends, remark)))


def _remark(found: RateEstimate | IntervalEstimate) -> str:
    """Return what makes the interval between patients unsure, or why there is none."""
    return found.clustered.reason if found.clustered is not None else ""
