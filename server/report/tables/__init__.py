"""The report's tables and the words they use."""

from hepafed.server.report.tables import (
    between_sites,
    classes,
    comparisons,
    endpoints,
    results,
)
from hepafed.server.report.tables.comparisons import cases, p_value, reader_points
from hepafed.server.report.tables.table import Table, is_headline
from hepafed.server.report.tables.words import (
    FIGURE_WORDS,
    FORM_WORDS,
    TASK_WORDS,
    bound,
    figure,
    gain,
    mean_of_sites,
    number,
    place,
    preferred,
    task,
)

__all__ = [
    "FIGURE_WORDS",
    "FORM_WORDS",
    "TASK_WORDS",
    "Table",
    "between_sites",
    "bound",
    "cases",
    "classes",
    "comparisons",
    "endpoints",
    "figure",
    "gain",
    "is_headline",
    "mean_of_sites",
    "number",
    "p_value",
    "place",
    "preferred",
    "reader_points",
    "results",
    "task",
]
