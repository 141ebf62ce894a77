"""How many places a figure gets: percent and AUCs no finer than their cases can tell."""

from hepafed.server.formats import RateEstimate, Report

FEW_CASES, FEW_PATIENTS = 100, 1_000
"""Below so many cases percent have no decimals; below so many patients AUCs have two."""
MOST_PLACES = 6
LEAST = 0.5 * 10**-MOST_PLACES
"""What is not farther from 0 or 1 reads as 0 or 1: it is the rounding of a sum."""


def auc_places(report: Report) -> int:
    """Return the places of every AUC of a report: two below 1,000 patients."""
    return 2 if report.patients < FEW_PATIENTS else 3


def rounded(value: float, places: int) -> str:
    """Write a share; what is not 0 or 1 never reads as 0 or 1."""
    text = f"{value:.{places}f}"
    while LEAST <= value <= 1 - LEAST and float(text) in (0.0, 1.0) and places < MOST_PLACES:
        places += 1
        text = f"{value:.{places}f}"
    return text


def percent(value: float, cases: int) -> str:
    """Write a share of `cases` in percent, without decimals below 100 cases: `89 %`."""
    return f"{_of_cases(value, cases)} %"


def stated_percent(share: float) -> str:
    """Write a share that somebody stated, with as many places as it has: `7.5 %`."""
    return f"{100 * share:.6g} %"


def _of_cases(value: float, cases: int) -> str:
    return hundredfold(value, 0 if cases < FEW_CASES else 1)


def hundredfold(value: float, places: int = 0) -> str:
    """Write a share as a number of 100; what is not 0 or 1 never reads as 0 or 100."""
    text = f"{100 * value:.{places}f}"
    while LEAST <= value <= 1 - LEAST and float(text) in (0.0, 100.0) and places < MOST_PLACES:
        places += 1
        text = f"{100 * value:.{places}f}"
    return text


def percent_interval(rate: RateEstimate) -> str:
    """Write the interval of a rate in percent, `80–95 %`; "" where there is none."""
    ends = rate.clustered or rate
    if ends.low is None or ends.high is None:
        return ""
    low, high = (_of_cases(end, rate.denominator or 0) for end in (ends.low, ends.high))
    return f"{low}–{high} %"


def rate_figure(rate: RateEstimate) -> str:
    """Write a rate and its interval: `89 % (80–95)`; "" where there is none.

    Where the counts are not known the rate is written as of few cases.
    """
    if rate.value is None:
        return ""
    ends = percent_interval(rate).removesuffix(" %")
    shown = percent(rate.value, rate.denominator or 0)
    return f"{shown} ({ends})" if ends else shown
