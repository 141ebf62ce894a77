"""One question to several sites: whose answers are out, and who is asked again, when."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hepafed.server.runs.losses import Loss

AGAIN_SECONDS = 10.0
"""How often a site that waits for a person is asked again."""
BACK_SECONDS = 1.0
"""How often a site that was lost is looked for."""
LONGEST_BACK_SECONDS = 60.0
"""The longest wait before a site that is lost again and again is looked for."""
NOT_BACK = "and did not come back before the deadline"


@dataclass
class Asking:
    """Who has not answered a question yet. All times are of one clock, in seconds."""

    waiting: dict[str, str] = field(default_factory=dict)
    """Sites whose answer is out, by the id of their message."""
    failed: dict[str, str] = field(default_factory=dict)
    """Sites that gave no usable answer so far, with the reason."""
    _connections: dict[str, int] = field(default_factory=dict)
    """How many connections of a site were heard of when it was asked."""
    _persons: dict[str, float] = field(default_factory=dict)
    """When a site that waits for a person is asked again."""
    _lost: dict[str, float] = field(default_factory=dict)
    """When a site that was lost is looked for again."""
    _losses: dict[str, int] = field(default_factory=dict)
    """How often the question to a site was lost."""

    @property
    def goes_on(self) -> bool:
        """Whether an answer is out, or a site is to be asked again."""
        return bool(self.waiting or self._persons or self._lost)

    def put(self, message: str, site: str, connections: int) -> None:
        """Note that a question went to a site, of which so many connections were heard of."""
        self.waiting[message] = site
        self._connections[site] = connections

    def cut_off(self, connections: Callable[[str], int]) -> list[str]:
        """Return the sites whose connection began anew since they were asked; nothing is out there.

        Of a site that had stated none it is not known.
        """
        found = [s for s in self.waiting.values() if 0 < self._connections[s] < connections(s)]
        self.waiting = {m: s for m, s in self.waiting.items() if s not in found}
        return found

    def answered(self, site: str) -> None:
        """Note a usable answer."""
        self.failed.pop(site, None)

    def hold_for_person(self, site: str, reason: str, now: float, *, again: bool) -> None:
        """Note that a site waits for a person, and whether it is asked again."""
        self.failed[site] = reason
        if again:
            self._persons[site] = now + AGAIN_SECONDS

    def lose(self, site: str, loss: Loss, now: float) -> bool:
        """Note that the answer of a site was lost; return whether the site is asked again."""
        self.failed[site] = loss.words
        times = self._losses[site] = self._losses.get(site, 0) + 1
        if times >= loss.tries:
            return False
        self._lost[site] = now + min(BACK_SECONDS * 2 ** (times - 1), LONGEST_BACK_SECONDS)
        return True

    def is_first(self, site: str) -> bool:
        """Return whether the question to a site was lost once: only that is made known."""
        return self._losses.get(site, 0) == 1

    def due(self, now: float) -> list[str]:
        """Return the sites that waited for a person and are to be asked again now."""
        found = [s for s, at in self._persons.items() if at <= now]
        for site in found:
            del self._persons[site]
        return found

    def back(self, now: float, online: Callable[[], list[str]]) -> list[str]:
        """Return the lost sites that are online again; it is asked who is at most each second."""
        looked_for = [s for s, at in self._lost.items() if at <= now]
        found = [s for s in online() if s in looked_for] if looked_for else []
        for site in looked_for:
            self._lost[site] = now + BACK_SECONDS
        for site in found:
            del self._lost[site]
        return found

    def drop(self, gone: set[str], reason: str) -> None:
        """Wait no longer for sites that were lost and are no members any more."""
        for site in self._lost.keys() & gone:
            del self._lost[site]
            self.failed[site] = reason

    def reasons(self, *, stopped: bool) -> dict[str, str]:
        """Return the sites without a usable answer, with the reason, once nobody waits any more."""
        silent = "no answer before the deadline"
        lost = {s: f"{self.failed[s]}, {NOT_BACK}" for s in self._lost}
        if stopped:
            silent = "the run was stopped before the site answered"
            lost = dict.fromkeys(lost, silent)
        return {**dict.fromkeys(self.waiting.values(), silent), **self.failed, **lost}
