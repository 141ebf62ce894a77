"""Checks of a plan's single values; each error begins with the key."""

import math

from hepafed.common.contract.near_words import nearest
from hepafed.common.errors import PlanError


def within(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside of `low` to `high`, and one that is not finite, by PlanError."""
    if not (math.isfinite(value) and low <= value <= high):
        raise PlanError(f"{name}: {value} is outside {low:g}…{high:g}")


def one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a word that is not known by PlanError, which names the one that was meant."""
    if value not in known:
        near = nearest(value, known)
        meant = f"; did you mean {near}?" if near else ""
        raise PlanError(f"{name}: {value[:60]!r} is not one of {', '.join(known)}{meant}")
