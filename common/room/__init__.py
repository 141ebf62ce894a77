"""A full disk is waited for where the work runs for long."""

from hepafed.common.room.patience import (
    full_words,
    in_room,
    is_full,
    waiting_for_room,
)

__all__ = [
    "full_words",
    "in_room",
    "is_full",
    "waiting_for_room",
]
