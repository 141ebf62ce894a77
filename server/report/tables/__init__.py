"""The report's tables and the words they use."""

from hepafed.server.report.tables import (
    between_sites,
    classes,
    cohorts,
    comparisons,
    endpoints,
    results,
    utility,
)
from hepafed.server.report.tables.calibration_words import calibration_sentences
from hepafed.server.report.tables.cohorts import LEFT_OUT_WORDS, SOURCE_WORDS
from hepafed.server.report.tables.comparisons import (
    cases,
    p_value,
    reader_name,
    reader_points,
    validated_minus,
)
from hepafed.server.report.tables.glossary import glossary
from hepafed.server.report.tables.rounding import auc_places, hundredfold, percent, rate_figure
from hepafed.server.report.tables.table import (
    Table,
    cell_words,
    has_lesions,
    is_headline,
    printed,
    renamed,
)
from hepafed.server.report.tables.words import (
    FIGURE_WORDS,
    FORM_WORDS,
    TASK_WORDS,
    bound,
    figure,
    interval,
    mean_of_sites,
    number,
    place,
    preferred,
    shown,
    task,
    value_of,
)

__all__ = [
    "FIGURE_WORDS",
    "FORM_WORDS",
    "LEFT_OUT_WORDS",
    "SOURCE_WORDS",
    "TASK_WORDS",
    "Table",
    "auc_places",
    "between_sites",
    "bound",
    "calibration_sentences",
    "cases",
    "cell_words",
    "classes",
    "cohorts",
    "comparisons",
    "endpoints",
    "figure",
    "glossary",
    "has_lesions",
    "hundredfold",
    "interval",
    "is_headline",
    "mean_of_sites",
    "number",
    "p_value",
    "percent",
    "place",
    "preferred",
    "printed",
    "rate_figure",
    "reader_name",
    "reader_points",
    "renamed",
    "results",
    "shown",
    "task",
    "utility",
    "validated_minus",
    "value_of",
]
