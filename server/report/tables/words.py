"""How the report puts figures, places and reasons into words."""

from typing import Protocol

from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    ComparisonRow,
    HeterogeneityRow,
    IntervalEstimate,
    LeaveOneOut,
    RateEstimate,
    covering,
)
from hepafed.server.report.tables.rounding import LEAST, MOST_PLACES, rate_figure, rounded

TASK_WORDS = {
    "malignant_vs_benign": "malignant vs benign",
    "benign_vs_rest": "benign vs rest",
    "primary_malignant_vs_rest": "primary malignant vs rest",
    "metastatic_vs_rest": "metastatic vs rest",
    "macro": "macro, one vs rest",
}
SCOPE_WORDS = {"pooled": "Pooled", "site-mean": "Mean of sites", "site": "Site"}
FIGURE_WORDS = {
    "auc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "accuracy": "accuracy",
}
FORM_WORDS = {
    "masked": "masked sums (the coordinator could read only the total over the sites)",
    "noisy": "masked sums of few counts with noise",
    "cells": "cells of at least the site's minimum count",
    "plain": "fine histograms",
    "withheld": "none: withheld",
}
NONE = "–"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class HasInterval(Protocol):
    """A record that has an interval."""

    @property
    def low(self) -> float | None:
        """Lower end, where there is one."""

    @property
    def high(self) -> float | None:
        """Upper end, where there is one."""


class HasValue(HasInterval, Protocol):
    """A figure with an interval."""

    @property
    def value(self) -> float | None:
        """The figure, where there is one."""


class HasTask(Protocol):
    """A row that answers one question."""

    @property
    def unit(self) -> str:
        """Unit that is counted: `patient` or `lesion`."""

    @property
    def task(self) -> str:
        """Question that the row answers."""


class HasScope(Protocol):
    """A row that describes all sites or one site."""

    @property
    def scope(self) -> str:
        """Scope: whose cases are counted."""

    @property
    def site(self) -> str | None:
        """The site, where there is one."""


def number(value: object, places: int = 3) -> str:
    """Write a number for a reader; an en dash where there is none.

    What is below 0 never reads as 0: whether an interval holds 0 can be seen.
    """
    if value is None:
        return NONE
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"−{rounded(-value, places)}" if value <= -LEAST else f"{abs(value):.{places}f}"


def shown(values: HasInterval | None) -> HasInterval | None:
    """Return the interval that the report shows: that between patients where there is one."""
    if isinstance(values, (RateEstimate, IntervalEstimate)) and values.clustered is not None:
        return values.clustered
    return values


def interval(values: HasInterval | None, places: int = 3) -> str:
    """Write `low–high`, or `low to high` where one is negative; "" where there is none."""
    values = shown(values)
    if values is None or values.low is None or values.high is None:
        return ""
    between = " to " if values.low < 0 else "–"
    return f"{_end(values.low, places)}{between}{_end(values.high, places)}"


def _end(value: float, places: int) -> str:
    """Write an end: whether 0 or 1 lies in the interval can be seen."""
    value = float(value)
    text = number(value, places)
    while float(text.replace("−", "-")) in (0.0, 1.0) and places < MOST_PLACES:
        if abs(value) < LEAST or abs(value - 1) < LEAST:
            break
        places += 1
        text = number(value, places)
    return text


def figure(values: HasValue | None, places: int = 3) -> str:
    """Put a figure and its interval into words, a rate in percent; an en dash for none."""
    if values is None or values.value is None:
        return NONE
    if isinstance(values, RateEstimate):
        return rate_figure(values)
    printed = preferred(values) if isinstance(values, AucEstimate | BriefAuc) else values
    ends, value = interval(printed, places), value_of(values.value, places)
    return f"{value} ({ends})" if ends else value


def value_of(value: float, places: int) -> str:
    """Write the value of a figure; a share that is not 0 or 1 never reads as 0 or 1."""
    return rounded(value, places) if 0 < value < 1 else number(value, places)


def preferred(auc: AucEstimate | BriefAuc) -> IntervalEstimate:
    """Return an AUC with the one interval that is printed, drawn and judged (`covering`)."""
    chosen = covering(auc)
    return IntervalEstimate(
        value=auc.value, low=chosen.low, high=chosen.high, reason=auc.reason or chosen.warning
    )


def mean_of_sites(row: HeterogeneityRow | LeaveOneOut) -> IntervalEstimate:
    """Return a random-effects mean with the interval that is printed and drawn."""
    ends = row.covering or row
    return IntervalEstimate(value=row.value, low=ends.low, high=ends.high)


def gain(row: ComparisonRow) -> IntervalEstimate:
    """Return the difference of two models with the interval that is printed and judged."""
    found, chosen = row.difference, row.covering
    if chosen is None or found.value is None:
        return found
    return IntervalEstimate(
        value=found.value,
        low=chosen.low,
        high=chosen.high,
        reason=found.reason or chosen.warning,
    )


def bound(auc: AucEstimate) -> str:
    """Write the bound of a pooled AUC: `±3.2 × 10⁻⁵`, or 0 where no two cells overlap."""
    error = auc.binning_error
    if error >= 1e-3 or error == 0:
        return f"±{error:.3f}" if error else "0"
    return f"±{small(error)}"


def small(value: float) -> str:
    """Write a number near 0 by its power of ten, with two digits: `3.2 × 10⁻⁵`, `10⁻⁵`."""
    digits, power = f"{value:.1e}".split("e")
    ten = "10" + str(int(power)).translate(SUPERSCRIPT)
    return ten if digits == "1.0" else f"{digits} × {ten}"


def task(row: HasTask) -> str:
    """Name unit and task: `Patient: malignant vs benign`."""
    name = TASK_WORDS.get(row.task, row.task.replace("_", " "))
    return f"{row.unit.capitalize()}: {name}"


def place(row: HasScope) -> str:
    """Name where a row is from."""
    return row.site or SCOPE_WORDS.get(row.scope, row.scope)
