"""Joining a federation, how the site stands in it, and leaving."""

from hepafed.client.membership.connection import STOP_ONE, note_exit, note_start
from hepafed.client.membership.exits import exit_of, written_since
from hepafed.client.membership.home_state import changed_settings, look_over, note_keys
from hepafed.client.membership.join import join
from hepafed.client.membership.leave import leave
from hepafed.client.membership.preflight import check
from hepafed.client.membership.status import CLOCK_HINT, ask, clock_fault, must_fit

__all__ = [
    "CLOCK_HINT",
    "STOP_ONE",
    "ask",
    "changed_settings",
    "check",
    "clock_fault",
    "exit_of",
    "join",
    "leave",
    "look_over",
    "must_fit",
    "note_exit",
    "note_keys",
    "note_start",
    "written_since",
]
