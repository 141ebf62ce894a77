"""The report's tables and the words they use."""

from hepafed.server.report.tables import (
    between_sites,
    classes,
    comparisons,
    endpoints,
    origins,
    results,
)
from hepafed.server.report.tables.comparisons import p_value, reader_points
from hepafed.server.report.tables.origins import LEFT_OUT_WORDS, SOURCE_WORDS
from hepafed.server.report.tables.table import Table, in_units, is_headline, renamed
from hepafed.server.report.tables.words import (
    FIGURE_WORDS,
    FORM_WORDS,
    TASK_WORDS,
    bound,
    figure,
    interval,
    number,
    place,
    preferred,
    task,
)

__all__ = [
    "FIGURE_WORDS",
    "FORM_WORDS",
    "LEFT_OUT_WORDS",
    "SOURCE_WORDS",
    "TASK_WORDS",
    "Table",
    "between_sites",
    "bound",
    "classes",
    "comparisons",
    "endpoints",
    "figure",
    "in_units",
    "interval",
    "is_headline",
    "number",
    "origins",
    "p_value",
    "place",
    "preferred",
    "reader_points",
    "renamed",
    "results",
    "task",
]
