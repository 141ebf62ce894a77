"""The report's tables and the words they use."""

from hepafed.server.report.tables import (
    between_sites,
    classes,
    cohorts,
    comparisons,
    endpoints,
    results,
)
from hepafed.server.report.tables.comparisons import p_value, reader_points, validated_minus
from hepafed.server.report.tables.glossary import glossary
from hepafed.server.report.tables.rounding import auc_places, percent
from hepafed.server.report.tables.table import Table, cell_words, is_headline
from hepafed.server.report.tables.words import (
    FIGURE_WORDS,
    FORM_WORDS,
    TASK_WORDS,
    bound,
    figure,
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
    "auc_places",
    "between_sites",
    "bound",
    "cell_words",
    "classes",
    "cohorts",
    "comparisons",
    "endpoints",
    "figure",
    "glossary",
    "is_headline",
    "number",
    "p_value",
    "percent",
    "place",
    "preferred",
    "reader_points",
    "results",
    "task",
    "validated_minus",
]
