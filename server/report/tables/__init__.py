"""The report's tables and the words they use."""

from hepafed.server.report.tables import (
    between_sites,
    classes,
    comparisons,
    endpoints,
    results,
)
from hepafed.server.report.tables.comparisons import p_value, reader_points
from hepafed.server.report.tables.table import Table, is_headline
from hepafed.server.report.tables.words import (
    FIGURE_WORDS,
    FORM_WORDS,
    TASK_WORDS,
    bound,
    figure,
    number,
    place,
    preferred,
    shown,
    task,
)

__all__ = [
    "FIGURE_WORDS",
    "FORM_WORDS",
    "TASK_WORDS",
    "Table",
    "between_sites",
    "bound",
    "classes",
    "comparisons",
    "endpoints",
    "figure",
    "is_headline",
    "number",
    "p_value",
    "place",
    "preferred",
    "reader_points",
    "results",
    "shown",
    "task",
]
