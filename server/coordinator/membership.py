"""Who takes part, as the API asks it: a site enrols, is shut out, is online or not."""

import logging
import threading
from datetime import UTC, datetime
from typing import Any

from hepafed.common.disclosure import fingerprint
from hepafed.common.errors import EnrolmentError, UnreachableError
from hepafed.common.releases import RELEASE, may_work_together
from hepafed.server.flower import Control
from hepafed.server.members import LedgerHeads, Members, Presence, SiteEntry

log = logging.getLogger("hepafed.server")


class Membership:
    """Keeps the roster and what Flower knows of its nodes in step."""

    def __init__(self, members: Members, control: Control, heads: LedgerHeads) -> None:
        self._members = members
        self._control = control
        self._heads = heads
        self.presence = Presence()
        """The clients that use the sites' keys."""
        self._enrolling = threading.Lock()

    def enrol(self, token: str, public_key: str, own: str) -> SiteEntry:
        """Spend an invite; the key that spent it may ask again, with the same result.

        `own` is the SHA-256, in hex, of the token that the site made for itself.

        Raises
        ------
        EnrolmentError
            The invite is unknown, used or expired, or Flower refuses the key.
        UnreachableError
            The SuperLink does not answer.
        """
        now = datetime.now(UTC)
        with self._enrolling:
            known = self._members.enrolled_before(token, public_key, own, now)
            if known is not None:
                return known
            entry = self._members.invited(token, now)
            node = self._control.register(public_key, entry.site)
            return self._members.enrol(entry, public_key, own, node, now)

    def restore(self) -> None:
        """Tell Flower which keys are enrolled and which are revoked, where it knows otherwise.

        Flower's own state can be lost with its database; members.json is what counts.

        Raises
        ------
        UnreachableError
            The SuperLink does not answer.
        """
        with self._enrolling:
            known = self._control.registered_nodes()
            for entry in self._members.sites().values():
                if entry.revoked and entry.node in known:
                    self._control.unregister(entry.node)
                elif entry.public_key and not entry.revoked and entry.node not in known:
                    self._register_again(entry)

    def _register_again(self, entry: SiteEntry) -> None:
        try:
            node = self._control.register(entry.public_key, entry.site)
        except EnrolmentError:
            log.error(
                "Flower has shut out %s's key. To let it in again stop the server and move "
                "flower/state.db away: registrations are made again at the start",
                entry.site,
            )
            return
        self._members.registered(entry.site, node)
        log.warning("Flower did not know %s any more: registered again", entry.site)

    def revoke(self, site: str) -> None:
        """Shut a site out of Fleet, weights and later runs."""
        entry = self._members.revoke(site)
        try:
            if entry.node:
                self._control.unregister(entry.node)
        except UnreachableError as e:  # the gateway lets it in no more, whatever Flower knows
            log.warning("%s is revoked, but Flower was not told: %s", site, e.message)

    def is_known(self, site: SiteEntry) -> bool:
        """Return whether Flower has an enrolled site's key; UnreachableError without an answer."""
        return site.node in self._control.registered_nodes()

    def heard(self, site: str, instance: str, connection: str = "") -> None:
        """Note that a client of a site runs; that two of them do is in the log."""
        if connection:
            self.presence.connected(site, connection)
        if self.presence.beat(site, instance):
            log.warning("two clients use the key of %s at once; server sites shows it", site)

    def online(self) -> set[str]:
        """Return the sites whose node is connected; UnreachableError without a SuperLink."""
        nodes = self._control.online_nodes()
        sites = self._members.sites().values()
        return {s.site for s in sites if s.node in nodes and not s.revoked}

    def describe(self) -> list[dict[str, Any]]:
        """Return a row for each invited or enrolled site, for people to read."""
        online = self.online()
        return [
            {
                "site": s.site,
                "role": s.role,
                "state": _state_of(s),
                "release": s.release,
                "online": s.site in online,
                "fingerprint": fingerprint(s.public_key) if s.public_key else "",
                "enrolled": s.enrolled,
                "expires": s.expires if s.invite else "",
                "ledger": self._ledger_of(s),
                "clients": [t.isoformat() for t in self.presence.at_once(s.site)],
            }
            for s in self._members.sites().values()
        ]

    def _ledger_of(self, site: SiteEntry) -> dict[str, Any] | None:
        """Return the last head of the site's ledger that was seen, or None."""
        kept = self._heads.last(site.site, site.public_key) if site.public_key else None
        if kept is None:
            return None
        seen = kept.receipt
        gaps = [
            {"entry": k.gap.entry, "at": k.receipt.at, "reason": k.gap.reason}
            for k in self._heads.gaps(site.site)
            if k.gap is not None
        ]
        return {"entry": seen.entry, "chain": seen.chain, "at": seen.at, "gaps": gaps}


def _state_of(site: SiteEntry) -> str:
    """Return how a site stands, in one or two words."""
    if site.revoked or not site.node:
        return "revoked" if site.revoked else "invited"
    return "enrolled" if may_work_together(site.release, RELEASE) else "other release"
