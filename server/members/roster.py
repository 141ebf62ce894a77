"""Who belongs to the federation: invited sites, enrolled sites, people with access."""

import hashlib
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from hepafed.common.errors import EnrolmentError, RefusedError
from hepafed.common.json_file import JsonFile
from hepafed.common.records import optional


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token; only this is kept on disk."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SiteEntry:
    """One invited or enrolled site."""

    site: str
    role: str
    invite: str = ""
    """Digest of the one-time token; empty once used."""
    spent: str = ""
    """Digest of the one-time token that was used; the same key may ask again until it expires."""
    expires: str = ""
    public_key: str = ""
    """OpenSSH line of the node's key; empty until enrolled."""
    node: str = ""
    """Flower's node id, in decimal."""
    token: str = ""
    """Digest of the site's own token for weights, which the site itself made."""
    enrolled: str = ""
    revoked: bool = False
    release: str = optional("")
    """Release of HepaFed that the site stated when it was last started; "" if it never did."""


@dataclass(frozen=True, kw_only=True)
class PersonEntry:
    """Somebody with an access file."""

    name: str
    role: str
    token: str


@dataclass(frozen=True, kw_only=True)
class _MembersFile:
    """The sites and people of the federation."""

    sites: tuple[SiteEntry, ...]
    people: tuple[PersonEntry, ...]


class Members:
    """The membership file, members.json, shared by the gateway and the commands.

    It is read anew when it has changed on disk, so `server invite` works while `server start`
    runs.
    """

    def __init__(self, home: Path) -> None:
        hint = "restore a copy of it; without one, invite every site again in a new home"
        self._file = JsonFile(path=home / "members.json", record=_MembersFile, hint=hint)
        self._lock = threading.RLock()

    def _load(self) -> tuple[dict[str, SiteEntry], dict[str, PersonEntry]]:
        found = self._file.read(missing=_MembersFile(sites=(), people=()))
        return {s.site: s for s in found.sites}, {p.name: p for p in found.people}

    def _store(self, sites: dict[str, SiteEntry], people: dict[str, PersonEntry]) -> None:
        self._file.write(_MembersFile(sites=tuple(sites.values()), people=tuple(people.values())))

    def sites(self) -> dict[str, SiteEntry]:
        """Return every invited or enrolled site by name."""
        with self._lock:
            return self._load()[0]

    def invite(self, site: str, role: str, hours: float, now: datetime) -> tuple[str, datetime]:
        """Return a one-time token for a site and when it expires; it replaces an unused one.

        Raises
        ------
        EnrolmentError
            The site is enrolled already.
        """
        with self._lock:
            sites, people = self._load()
            known = sites.get(site)
            if known and known.public_key and not known.revoked:
                raise EnrolmentError(
                    f"{site} is enrolled already", "choose another name, or run server revoke first"
                )
            token = secrets.token_urlsafe(32)
            expires = now + timedelta(hours=hours)
            sites[site] = SiteEntry(
                site=site, role=role, invite=digest_of(token), expires=expires.isoformat()
            )
            self._store(sites, people)
        return token, expires

    def invited(self, token: str, now: datetime) -> SiteEntry:
        """Return the site of a one-time token.

        Raises
        ------
        EnrolmentError
            The token is unknown, used, or expired.
        """
        wanted = digest_of(token)
        for entry in self.sites().values():
            if entry.invite and secrets.compare_digest(entry.invite, wanted):
                if now > datetime.fromisoformat(entry.expires):
                    raise EnrolmentError(
                        f"the invite of {entry.site} has expired",
                        "ask the coordinator for a new one (server invite)",
                    )
                return entry
        raise EnrolmentError(
            "the invite is unknown or was used already",
            "ask the coordinator for a new one (server invite; if the site is enrolled, after "
            "server revoke)",
        )

    def enrolled_before(
        self, token: str, public_key: str, own: str, now: datetime
    ) -> SiteEntry | None:
        """Return the site that enrolled with this very token, key and digest of its own token.

        It may ask again until the invite expires: the first answer can be lost on its way. An
        answer holds no secret, so whoever repeats a site's words learns and changes nothing.
        """
        wanted = digest_of(token)
        for entry in self.sites().values():
            if (
                entry.spent
                and secrets.compare_digest(entry.spent, wanted)
                and entry.public_key == public_key
                and secrets.compare_digest(entry.token, own)
                and now <= datetime.fromisoformat(entry.expires)
            ):
                return entry
        return None

    def enrol(
        self, entry: SiteEntry, public_key: str, own: str, node: str, now: datetime
    ) -> SiteEntry:
        """Spend an invite; return the enrolled site, whose own token has the digest `own`."""
        with self._lock:
            sites, people = self._load()
            if sites.get(entry.site) != entry:
                raise EnrolmentError(
                    "the invite was used already",
                    "ask the coordinator for a new one (server invite)",
                )
            enrolled = sites[entry.site] = replace(
                entry,
                invite="",
                spent=entry.invite,
                public_key=public_key,
                node=node,
                token=own,
                enrolled=now.isoformat(),
            )
            self._store(sites, people)
        return enrolled

    def registered(self, site: str, node: str) -> None:
        """Write down that Flower knows an enrolled site's key under another node id now."""
        with self._lock:
            sites, people = self._load()
            sites[site] = replace(sites[site], node=node)
            self._store(sites, people)

    def stated(self, site: str, release: str) -> None:
        """Write down the release that a site states."""
        with self._lock:
            sites, people = self._load()
            if sites[site].release != release:
                sites[site] = replace(sites[site], release=release)
                self._store(sites, people)

    def revoke(self, site: str) -> SiteEntry:
        """Shut a site out; RefusedError when there is none of that name."""
        with self._lock:
            sites, people = self._load()
            if site not in sites:
                raise RefusedError(f"there is no site {site}", "see server sites")
            entry = replace(sites[site], revoked=True, invite="", spent="", token="")
            sites[site] = entry
            self._store(sites, people)
        return entry

    def site_of(self, token: str) -> SiteEntry:
        """Return the enrolled site of a weights token; RefusedError when there is none."""
        wanted = digest_of(token)
        for entry in self.sites().values():
            if entry.token and not entry.revoked and secrets.compare_digest(entry.token, wanted):
                return entry
        raise RefusedError("not an enrolled site")

    def grant(self, name: str, role: str) -> tuple[str, bool]:
        """Give a person access; return the token, and whether it replaces an earlier one."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            sites, people = self._load()
            replaced = name in people
            people[name] = PersonEntry(name=name, role=role, token=digest_of(token))
            self._store(sites, people)
        return token, replaced

    def person_of(self, token: str) -> PersonEntry:
        """Return the person of an access token; RefusedError when there is none."""
        wanted = digest_of(token)
        with self._lock:
            people = self._load()[1]
        for person in people.values():
            if secrets.compare_digest(person.token, wanted):
                return person
        raise RefusedError(
            "this access file is not valid here: it was cancelled or is from another coordinator",
            "ask the coordinator for a new one (server grant)",
        )
