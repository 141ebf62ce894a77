"""Which clients use a site's key now: two at once are a copied home, or a copied key.

A client that ended, or was killed, is heard no more. So two clients are two at once only where the
older one was heard after the newer one had begun. All is in memory: after a restart of the
coordinator it is known again with the next beats.

A client states its connection too, which is another one after each start of its SuperNode. What was
asked of a SuperNode that has ended since is lost, and Flower says so only a minute later.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hepafed.common.contract import LIVE_SECONDS

MOST = 8
"""Clients of one site that are kept."""


@dataclass
class _Heard:
    begun: datetime
    last: datetime


class Presence:
    """The clients of each site by the id that they state, and when they were heard."""

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        live: float = LIVE_SECONDS,
    ) -> None:
        self._clock, self._live = clock, timedelta(seconds=live)
        self._lock = threading.Lock()
        self._heard: dict[str, dict[str, _Heard]] = {}
        self._connections: dict[str, list[str]] = {}
        self._begun: dict[str, int] = {}

    def beat(self, site: str, instance: str) -> bool:
        """Note that a client was heard; return whether it is the first sign of two at once."""
        with self._lock:
            now = self._clock()
            before = len(self._at_once(site, now))
            known = self._heard.setdefault(site, {})
            known.setdefault(instance, _Heard(now, now)).last = now
            if len(known) > MOST:
                del known[min(known, key=lambda i: known[i].last)]
            return before < 2 <= len(self._at_once(site, now))

    def connected(self, site: str, connection: str) -> None:
        """Note the connection that a site's client states."""
        with self._lock:
            known = self._connections.setdefault(site, [])
            if connection not in known:
                self._connections[site] = [*known, connection][-MOST:]
                self._begun[site] = self._begun.get(site, 0) + 1

    def connections(self, site: str) -> int:
        """Return how many connections of a site were heard of; one that ended counts too."""
        with self._lock:
            return self._begun.get(site, 0)

    def beside(self, site: str, instance: str) -> list[datetime]:
        """Return since when other clients than this one use a site's key.

        Of a client that was not heard since the coordinator started ("" too) every other counts
        that was heard just now.
        """
        with self._lock:
            known, now = self._heard.get(site, {}), self._clock()
            own = known.get(instance)
            return sorted(
                h.begun
                for i, h in known.items()
                if i != instance and self._is_live(h, now) and (own is None or _overlap(h, own))
            )

    def at_once(self, site: str) -> list[datetime]:
        """Return since when each of several clients uses a site's key; empty for a single one."""
        with self._lock:
            return sorted(h.begun for h in self._at_once(site, self._clock()))

    def _at_once(self, site: str, now: datetime) -> list[_Heard]:
        live = [h for h in self._heard.get(site, {}).values() if self._is_live(h, now)]
        return [h for h in live if any(_overlap(h, o) for o in live if o is not h)]

    def _is_live(self, heard: _Heard, now: datetime) -> bool:
        return now - heard.last <= self._live


def _overlap(one: _Heard, other: _Heard) -> bool:
    """Return whether each was heard after the other had begun."""
    return one.last > other.begun and other.last > one.begun
