"""The first page: what was tested, what was found and what is weak, in plain words by rules."""

from hepafed.server.report.plain_words import tested, trained
from hepafed.server.report.plain_words.few import decides_nothing
from hepafed.server.report.plain_words.first_page import FIRST_PAGE, NOTHING_WEAK, WEAK, first_page

__all__ = [
    "FIRST_PAGE",
    "NOTHING_WEAK",
    "WEAK",
    "decides_nothing",
    "first_page",
    "tested",
    "trained",
]
