"""Sections of the page without any figure: each is one line with the reason."""

import re
from collections.abc import Iterable, Mapping

from hepafed.server.formats import Report
from hepafed.server.report.contents import Part
from hepafed.server.report.drawing import Plot
from hepafed.server.report.facts import (
    asked_for_subgroups,
    is_federated,
    listed,
    sites_without_subgroups,
)
from hepafed.server.report.tables import NONE, Table, cell_words

OF_FIGURES = (
    "discrimination",
    "rates",
    "heterogeneity",
    "calibration",
    "utility",
    "readers",
    "subgroups",
    "confusion",
)
"""Sections that hold nothing but figures and tables."""
FOOTNOTE = re.compile(r"\[[a-z]\] (.+?)(?= \[[a-z]\] |$)")
"""A reason that several cells of a table share (`tables.printed`)."""
NOISE = "Counts with noise do not give these figures."
NOT_RELEASED = "No site released the counts that these figures need."


def absent_sections(report: Report, parts: Iterable[Part]) -> Mapping[str, str]:
    """Return why a section holds no figure, by the anchor of each section that holds none."""
    return {
        p.section: _why(report, p)
        for p in parts
        if p.section in OF_FIGURES and not any(map(_shows, p.items))
    }


def _shows(item: Table | Plot) -> bool:
    """Return whether a drawing is there, or a table with more than dashes."""
    if isinstance(item, Plot):
        return item.svg is not None
    names = 2 if item.name == "heterogeneity" else item.span  # the number of sites is no figure
    cells = (value for row in item.rows for value in row[names:])
    mains = (cell_words(value)[0] for value in cells)
    return any(main and not main.startswith(NONE) for main in mains)


def _why(report: Report, part: Part) -> str:
    """Give the reason, in sentences."""
    if part.section == "readers":
        return no_readers(report) + " No other model was compared on these cases."
    if part.section == "subgroups":
        return no_subgroups(report)
    if report.noise is not None:
        return NOISE
    found = dict.fromkeys(reason for item in part.items for reason in _reasons(item))
    return " ".join(_sentence(r) for r in found) or NOT_RELEASED


def _reasons(item: Table | Plot) -> list[str]:
    """Return what a drawing or the dashes of a table say of why they are empty."""
    if isinstance(item, Plot):
        return [item.reason]
    small = [cell_words(value)[1] for row in item.rows for value in row]
    return [*filter(None, small), *(FOOTNOTE.findall(item.note) if item.rows else ())]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def no_readers(report: Report) -> str:
    """Say why there is no reader."""
    if is_federated(report):
        return "No reader's calls were released."
    return "The table has no reader's calls."


def no_subgroups(report: Report) -> str:
    """Say why there are no subgroups: not asked for, or asked for and not released."""
    if not asked_for_subgroups(report):
        return "No figure by subgroup was asked for."
    gone = sites_without_subgroups(report)
    by = f" These sites refused or withheld them: {listed(gone)}." if gone else ""
    return f"Figures by subgroup were asked for, and none was released.{by}"
