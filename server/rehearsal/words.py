"""A rehearsal in sentences: seconds, bytes, disk, and the estimate for a plan."""

from hepafed.server.rehearsal.measured import Rehearsal, estimate

ROUNDS = 100
"""Rounds of the estimate that is shown; it grows with the number of rounds."""


def sentences(rehearsal: Rehearsal, rounds: int = ROUNDS) -> list[str]:
    """Return what was measured, and what a plan of so many rounds needs, a sentence each."""
    payload, needed = _size(rehearsal.payload), estimate(rehearsal, rounds)
    fetched = _size(needed.fetched)
    return [
        f"Rehearsal of {rehearsal.rounds} rounds. No site trained, and no model was made.",
        f"A round takes {_time(rehearsal.seconds)} without the training.",
        *(f"  {site}: answers after {_time(s)}" for site, s in rehearsal.sites.items()),
        f"In each round {payload} go to each site, and {payload} come back from it.",
        f"A training of this network needs up to {_size(rehearsal.server_disk)} of disk at the "
        "coordinator.",
        f"{rounds} rounds take {_time(needed.seconds)}, and the time of the training at the "
        "slowest site.",
        f"{rounds} rounds send {fetched} to each site, and {fetched} back from it.",
        f"{rounds} rounds need up to {_size(needed.site_disk)} of disk at a site.",
    ]


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
