"""Frozen models and their signed cards."""

from hepafed.server.models.cards import card_markdown, facts, statement
from hepafed.server.models.registry import Registry

__all__ = [
    "Registry",
    "card_markdown",
    "facts",
    "statement",
]
