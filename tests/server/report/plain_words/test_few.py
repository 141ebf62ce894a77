"""Fewer than ten patients of a class decide nothing, and the page says so plainly."""

from dataclasses import replace

import pytest
from hepafed.server.formats import Report
from hepafed.server.report.plain_words.few import decides_nothing, risks_undecided
from hepafed.server.report.plain_words.risks import risks_too_moderate, useful_where
from hepafed.server.report.plain_words.weak import slope_off

from tests.server.report.kinds import report_of


def with_classes(kind: str, malignant: int, benign: int) -> Report:
    report = report_of(kind)
    rows = tuple(
        replace(r, positives=malignant, n=malignant + benign)
        if (r.scope, r.unit) == ("pooled", "patient")
        else r
        for r in report.results
    )
    return replace(report, results=rows)


@pytest.mark.parametrize(
    ("malignant", "benign", "said"),
    [
        (10, 10, ""),
        (300, 10, ""),
        (10, 9, "19 patients (10 malignant, 9 benign) decide nothing. Every figure of this report "
         "can be chance."),
        (1, 0, "1 patient (1 malignant, 0 benign) decides nothing. Every figure of this report can "
         "be chance."),
        (11, 9, "9 benign patients decide nothing: specificity, AUC, calibration and decision "
         "curve can be chance."),
        (1, 300, "1 malignant patient decides nothing: sensitivity, AUC, calibration and decision "
         "curve can be chance."),
        (0, 300, "No patient is malignant. This test says nothing of sensitivity, AUC, calibration "
         "and decision curve."),
    ],
)  # fmt: skip
def test_what_few_patients_leave_open_is_named(malignant: int, benign: int, said: str) -> None:
    report = with_classes("huge", malignant, benign)
    assert decides_nothing(report) == said
    assert bool(risks_undecided(report)) == bool(said)


def test_numbers_with_noise_are_about() -> None:
    report = with_classes("noise", 300, 9)
    assert decides_nothing(report).startswith("About 9 benign patients decide nothing: ")


def test_few_patients_give_no_verdict_on_risks_and_no_advice() -> None:
    for rule in (risks_too_moderate, useful_where, slope_off):
        assert rule(with_classes("huge", 300, 10)) != ""
        assert rule(with_classes("huge", 300, 9)) == ""
        assert rule(with_classes("huge", 9, 300)) == ""
