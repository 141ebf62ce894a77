"""How long to wait before looking or trying again: briefly at first, then ever longer.

Why this is no library's work stands in docs/decisions/0007.
"""

from dataclasses import dataclass

SHARE = 20
"""A wait is one `SHARE`th of the time waited so far, so that at most 5 % of it is lost."""

LONG_LIFE_SECONDS = 20.0
"""A process that lived so long has started well: when it ends it has not failed again."""


def next_wait(waited: float, shortest: float, longest: float) -> float:
    """Return the seconds to wait before the next look, after having waited `waited` in all."""
    return min(max(waited / SHARE, shortest), longest)


@dataclass
class Backoff:
    """The waits between tries of one thing: 1, 2, 4, … seconds while it fails again and again."""

    longest: float
    """Seconds of the longest wait."""
    failures: int = 0
    """Failures since the last success."""

    def after_failure(self) -> float:
        """Count a failure; return the seconds to wait before the next try."""
        self.failures += 1
        return min(2.0 ** min(self.failures - 1, 16), self.longest)

    def after_success(self) -> None:
        """Begin again with the shortest wait."""
        self.failures = 0

    def after_life(self, seconds: float) -> float:
        """Return the seconds to wait before a process that lived `seconds` is started again."""
        if seconds >= LONG_LIFE_SECONDS:
            self.after_success()
        return self.after_failure()
