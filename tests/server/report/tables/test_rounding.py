"""Figures are no finer than their cases can tell, and what is not 0 or 1 never reads so."""

from dataclasses import replace

import pytest
from hepafed.server.formats import RateEstimate, Report, SiteRow
from hepafed.server.report.tables.rounding import (
    auc_places,
    percent,
    percent_interval,
    rate_figure,
    rounded,
    stated_percent,
)


@pytest.mark.parametrize(
    ("value", "cases", "written"),
    [
        (0.894, 99, "89 %"),
        (0.894, 100, "89.4 %"),
        (0.0, 10, "0 %"),
        (1.0, 100, "100.0 %"),
        (0.9996, 2500, "99.96 %"),
        (0.0004, 2500, "0.04 %"),
        (0.996, 50, "99.6 %"),
        (1e-17, 50, "0 %"),
    ],
)
def test_percent_have_a_decimal_from_100_cases_on(value: float, cases: int, written: str) -> None:
    assert percent(value, cases) == written


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [(0.946, 2, "0.95"), (0.996, 2, "0.996"), (0.9996, 3, "0.9996"), (0.004, 2, "0.004"),
     (1.0, 2, "1.00"), (0.0, 3, "0.000"), (0.5, 2, "0.50"),
     (1 - 1e-16, 3, "1.000"), (1e-17, 2, "0.00"), (0.999999, 2, "0.999999")],
)  # fmt: skip
def test_a_share_that_is_not_0_or_1_never_reads_as_one(
    value: float, places: int, written: str
) -> None:
    assert rounded(value, places) == written


@pytest.mark.parametrize(("patients", "places"), [((500, 499), 2), ((500, 500), 3)])
def test_aucs_have_two_places_below_1000_patients(
    report: Report, patients: tuple[int, ...], places: int
) -> None:
    classes = report.sites[0].by_class
    sites = tuple(SiteRow(site=f"s{n}", patients=n, lesions=n, by_class=classes) for n in patients)
    assert auc_places(replace(report, sites=sites)) == places


def rate(numerator: int, denominator: int, low: float | None, high: float | None) -> RateEstimate:
    return RateEstimate(
        value=numerator / denominator,
        low=low,
        high=high,
        numerator=numerator,
        denominator=denominator,
    )


def test_a_rate_is_written_with_its_interval_in_percent() -> None:
    few, many = rate(59, 66, 0.797, 0.948), rate(118, 132, 0.8301, 0.9359)
    assert (rate_figure(few), percent_interval(few)) == ("89 % (80–95)", "80–95 %")
    assert (rate_figure(many), percent_interval(many)) == ("89.4 % (83.0–93.6)", "83.0–93.6 %")
    assert rate_figure(rate(1, 2, None, None)) == "50 %"


def test_an_end_of_a_rate_that_is_not_0_or_1_never_reads_as_one() -> None:
    assert percent_interval(rate(39, 40, 0.872, 0.9996)) == "87–99.96 %"
    assert percent_interval(rate(1, 40, 0.0006, 0.128)) == "0.1–13 %"
    assert percent_interval(rate(200, 200, 0.981, 1.0)) == "98.1–100.0 %"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.9, "90 %"), (0.95, "95 %"), (0.075, "7.5 %"), (0.07, "7 %"), (0.0125, "1.25 %"), (0, "0 %"),
     (1, "100 %"), (1 / 3, "33.3333 %")],
)  # fmt: skip
def test_a_stated_share_keeps_the_places_that_it_has(share: float, words: str) -> None:
    assert stated_percent(share) == words
