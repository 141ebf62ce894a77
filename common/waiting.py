"""How long to wait before looking again: often after something has happened, rarely when idle."""

SHARE = 20
"""A wait is this fraction of the time waited so far, so that at most 5 % of it is lost."""


def next_wait(waited: float, shortest: float, longest: float) -> float:
    """Give the next wait in seconds after having waited `waited` in all."""
    return min(max(waited / SHARE, shortest), longest)
