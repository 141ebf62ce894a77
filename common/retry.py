"""How long to wait before looking or trying again: briefly at first, then ever longer."""

SHARE = 20
"""A wait is this fraction of the time waited so far, so that at most 5 % of it is lost."""


def next_wait(waited: float, shortest: float, longest: float) -> float:
    """Give the next wait in seconds after having waited `waited` in all."""
    return min(max(waited / SHARE, shortest), longest)


def backoff(failures: int, longest: float) -> float:
    """Give the wait in seconds before another try: 1, 2, 4, … after 0, 1, 2, … failures."""
    return min(2.0 ** min(failures, 16), longest)
