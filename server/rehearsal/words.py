"""A rehearsal in sentences: seconds, bytes, disk, and the estimate for a plan."""

from hepafed.server.rehearsal.measured import Rehearsal, estimate

ROUNDS = 100
"""Rounds of the estimate that is shown; it grows with the number of rounds."""


def sentences(rehearsal: Rehearsal, rounds: int = ROUNDS) -> list[str]:
    """Return what was measured, and what a plan of so many rounds needs, a sentence each."""
    fetched = size_words(rehearsal.copies * rehearsal.payload)
    update = size_words(rehearsal.update or rehearsal.payload)
    needed = estimate(
        rehearsal.seconds, rehearsal.payload, rounds, rehearsal.copies, rehearsal.update
    )
    return [
        f"Rehearsal of {rehearsal.rounds} rounds. No site trained, and no model was made.",
        f"A round takes {time_words(rehearsal.seconds)} without the training.",
        *(f"  {site}: answers after {time_words(s)}" for site, s in rehearsal.sites.items()),
        f"In each round {fetched} go to each site, and {update} come back from it.",
        f"A training of this network needs up to {size_words(rehearsal.server_disk)} of disk at "
        "the coordinator.",
        f"{rounds} rounds take {time_words(needed.seconds)}, and the time of the training at the "
        "slowest site.",
        f"{rounds} rounds send {size_words(needed.fetched)} to each site, and "
        f"{size_words(needed.sent)} back from it.",
        f"{rounds} rounds need up to {size_words(needed.site_disk)} of disk at a site.",
    ]


def time_words(seconds: float) -> str:
    """Return a time with a unit that suits it: `40.0 s`, `12 min`, `5.2 h`."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size_words(count: float) -> str:
    """Return bytes as GB, below 1 GB as MB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
