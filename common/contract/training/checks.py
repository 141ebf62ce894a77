"""Checks of a plan's values; each names the key and what may stand there."""

import math

from hepafed.common.contract.near_words import nearest
from hepafed.common.errors import PlanError


def within(name: str, value: float, low: float, high: float) -> None:
    """Check that a number is from `low` to `high`; PlanError otherwise."""
    if not (math.isfinite(value) and low <= value <= high):
        msg = f"{name}: {value} is outside {low:g}…{high:g}"
        raise PlanError(msg)


def one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Check that a word is a known one; PlanError with the nearest known word otherwise."""
    if value not in known:
        near = nearest(value, known)
        meant = f"; did you mean {near}?" if near else ""
        raise PlanError(f"{name}: {value[:60]!r} is not one of {', '.join(known)}{meant}")
