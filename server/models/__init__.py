"""Frozen models and their signed cards."""

from hepafed.server.models import operating_point
from hepafed.server.models.cards import INTENDED_USE, LIMITS, card_markdown, facts, limits_of
from hepafed.server.models.registry import Registry, card_text

__all__ = [
    "INTENDED_USE",
    "LIMITS",
    "Registry",
    "card_markdown",
    "card_text",
    "facts",
    "limits_of",
    "operating_point",
]
