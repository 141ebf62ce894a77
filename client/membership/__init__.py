"""Joining a federation, how the site stands in it, and leaving."""

from hepafed.client.membership.home_state import changed_settings, look_over, note_keys
from hepafed.client.membership.join import join
from hepafed.client.membership.leave import leave
from hepafed.client.membership.preflight import check
from hepafed.client.membership.status import CLOCK_HINT, ask, clock_fault, must_fit

__all__ = [
    "CLOCK_HINT",
    "ask",
    "changed_settings",
    "check",
    "clock_fault",
    "join",
    "leave",
    "look_over",
    "must_fit",
    "note_keys",
]
