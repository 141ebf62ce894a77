"""Whose signature a site believes: the other sites' identities, pinned in peers.json.

An identity is pinned at the first exchange (trust on first use) or before, by a person who
compared fingerprints. From then on another key under the same name is refused.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.contract import SiteConfig, plain_name, read_toml
from hepafed.common.disclosure import fingerprint, public_line
from hepafed.common.errors import ConfigError, RefusedError, UsageError
from hepafed.common.kept_files import KeptJsonFile

FIRST_USE, CONFIRMED = "first-use", "confirmed"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another site, as this one knows it."""

    site: str
    fingerprint: str
    """`SHA256:…` of its enrolled public key."""
    trust: str
    """`first-use` or `confirmed`."""
    since: str
    """When the identity was pinned, UTC."""


@dataclass(frozen=True, kw_only=True)
class _PeersFile:
    """The identities that are pinned here."""

    peers: tuple[Peer, ...]


class Peers:
    """The file peers.json of a site."""

    def __init__(self, home: Path) -> None:
        hint = (
            'restore a copy. Without one write {"peers": []} into it: identities are then '
            "pinned again at the next exchange"
        )
        self._file = KeptJsonFile(path=home / "peers.json", record=_PeersFile, hint=hint)

    def all(self) -> dict[str, Peer]:
        """Return every pinned site by name; ConfigError for a damaged file."""
        return {p.site: p for p in self._file.read(missing=_PeersFile(peers=())).peers}

    def _store(self, peers: dict[str, Peer]) -> None:
        self._file.write(_PeersFile(peers=tuple(p for _, p in sorted(peers.items()))))

    def check(self, identities: dict[str, str], trust: str, own: str, now: datetime) -> None:
        """Compare OpenSSH lines by site with the pinned ones; pin new ones if all are good.

        `own` names this site among them: nothing is pinned for it.

        Raises
        ------
        RefusedError
            A site shows another identity than before, two sites show one identity, or `trust`
            is `confirmed` and nobody confirmed it.
        """
        known = self.all()
        prints = {site: fingerprint(line) for site, line in identities.items()}
        if len(set(prints.values())) != len(prints):
            raise RefusedError("two sites of a masked sum have the same identity")
        new = {}
        for site, shown in prints.items():
            if site == own:
                continue
            pinned = known.get(site)
            if pinned is not None and pinned.fingerprint != shown:
                raise RefusedError(
                    f"{site} has another identity than the one pinned here",
                    f"ask that hospital for the reason; then client peers --forget {site}",
                )
            if trust == CONFIRMED and (pinned is None or pinned.trust != CONFIRMED):
                raise RefusedError(
                    f"the identity of {site} is not confirmed here",
                    f"compare the fingerprint by telephone; then client peers --confirm {site} "
                    f"{shown}",
                )
            if pinned is None:
                new[site] = Peer(site=site, fingerprint=shown, trust=FIRST_USE, since=_time(now))
        if new:
            self._store(known | new)

    def confirm(self, prints: dict[str, str], now: datetime) -> None:
        """Pin fingerprints that a person vouches for, also before first contact.

        Raises
        ------
        UsageError
            One is not a fingerprint, or differs from the one pinned; then nothing is changed.
        """
        known = self.all()
        for site, shown in prints.items():
            plain_name(site)
            if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", shown):
                raise UsageError(
                    f"the fingerprint of {site} is not valid", "it looks like SHA256:dDqJdr2NQ78…"
                )
            pinned = known.get(site)
            if pinned is not None and pinned.fingerprint != shown:
                raise UsageError(
                    f"{site} is pinned here with another fingerprint: {pinned.fingerprint}",
                    f"ask that hospital which one is right before client peers --forget {site}",
                )
            known[site] = (
                replace(pinned, trust=CONFIRMED)
                if pinned
                else Peer(site=site, fingerprint=shown, trust=CONFIRMED, since=_time(now))
            )
        self._store(known)

    def forget(self, site: str) -> None:
        """Drop a pinned identity; UsageError when there is none."""
        known = self.all()
        if site not in known:
            raise UsageError(f"no identity of {site} is pinned here", "see client peers")
        del known[site]
        self._store(known)


def _time(now: datetime) -> str:
    return now.isoformat(timespec="seconds")


def read_roster(path: Path) -> dict[str, str]:
    """Return the fingerprints in a roster by site: name and fingerprint a line, `#` for a comment.

    Raises
    ------
    UsageError
        The file cannot be read, or a line is wrong (named by its number).
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"cannot read {path}", "name the coordinator's .roster file") from e
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", words[0]):
            raise UsageError(
                f"line {number} of the roster is not a site and its fingerprint",
                "each line reads: hospital-a SHA256:…",
            )
        if found.setdefault(words[0], words[1]) != words[1]:
            raise UsageError(f"line {number} of the roster names {words[0]} a second time")
    return found


def own_fingerprint(home: Path) -> tuple[str, str]:
    """Return this site's name and the fingerprint of its own identity.

    Raises
    ------
    ConfigError
        This home has not joined a federation.
    """
    config = read_toml(SiteConfig, home / "site.toml", "run client join first")
    return config.site, fingerprint(public_line(read_own_identity(home)))


def read_own_identity(home: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key that this site enrolled with; ConfigError when it cannot be read."""
    try:
        key = serialization.load_ssh_private_key((home / "keys" / "node.key").read_bytes(), None)
    except (OSError, ValueError, UnsupportedAlgorithm) as e:
        raise ConfigError("the site's key cannot be read", "client join made it") from e
    if not isinstance(key, ec.EllipticCurvePrivateKey):  # our own file: always EC
        raise ConfigError("the site's key is not an elliptic curve key", "client join made it")
    return key
