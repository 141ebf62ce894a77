"""Figures as they stand in report.json: a value with its interval, or null with a reason."""

from typing import Any

from hepafed.common.contract import Figure
from hepafed.common.disclosure import NO_INTERVAL
from hepafed.common.statistics import LEVEL, Auc, Estimate, Rate, Ratio, rate

ONE_CLASS = "one class only"


def auc_json(
    figure: Figure, method: str, error: float = 0.0, adjusted: tuple[float, float] | None = None
) -> dict[str, Any]:
    """Give an AUC; the plain interval, and beside it the one on the logit scale."""
    made: dict[str, Any] = {
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "se": figure.se,
        "level": LEVEL,
        "method": method,
        "binning_error": error,
        "logit": logit_json(adjusted),
    }
    if figure.reason:
        made["reason"] = figure.reason
    elif figure.low is not None and figure.low == figure.high:
        made["reason"] = "the interval is degenerate: the classes are fully separated"
    return made


def logit_json(ends: tuple[float, float] | None) -> dict[str, Any] | None:
    """Give an interval on the logit scale, or null."""
    return None if ends is None else {"low": ends[0], "high": ends[1], "method": "logit"}


def ends_of(figure: Figure | None) -> tuple[float, float] | None:
    """Give the ends of a released figure that has both."""
    if figure is None or figure.low is None or figure.high is None:
        return None
    return figure.low, figure.high


def auc_figure(auc: Auc | None) -> Figure:
    """Put a pooled AUC into the form of a released one."""
    if auc is None:
        return Figure(reason=ONE_CLASS)
    low, high = auc.interval or (None, None)
    reason = "" if auc.se is not None else NO_INTERVAL
    return Figure(value=auc.value, low=low, high=high, se=auc.se, reason=reason)


def rate_json(numerator: int | None, denominator: int | None, reason: str = "") -> dict[str, Any]:
    """Give a share of counts with Wilson's interval and the exact one."""
    made = Rate(0, 0, None, None, None, None, None)
    if numerator is not None and denominator is not None:
        made = rate(int(numerator), int(denominator))
    values: dict[str, Any] = {
        "value": made.value,
        "low": made.low,
        "high": made.high,
        "level": LEVEL,
        "method": "wilson",
        "exact_low": made.exact_low,
        "exact_high": made.exact_high,
        "numerator": None if numerator is None else int(numerator),
        "denominator": None if denominator is None else int(denominator),
    }
    if made.value is None:
        values["reason"] = reason or "no cases"
    return values


def estimate_json(found: Estimate | Ratio | Figure | None, reason: str = "") -> dict[str, Any]:
    """Give an estimate with its interval, or null with the reason."""
    if found is None:
        return {"value": None, "low": None, "high": None, "se": None, "reason": reason}
    made = {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "se": getattr(found, "se", None),
    }
    said = reason if found.value is None else ""
    said = said or str(getattr(found, "reason", ""))
    return made | ({"reason": said} if said else {})


def value_json(value: float | None, reason: str) -> dict[str, Any]:
    """Give a figure without an interval."""
    return {"value": value} | ({"reason": reason} if value is None else {})
