"""Heads of a site's ledger, which travel with each message, and the coordinator's countersignature.

The chain of a ledger begins at 64 zeros; each line's link is the SHA-256 of the link before it and
of the line's own SHA-256 (docs/decisions/0024).
"""

import re
from dataclasses import dataclass

from hepafed.common.errors import PayloadError

MOST_STEPS = 100_000
"""The most entries between what the coordinator countersigned last and a head."""
LARGEST_ENTRY = 10**9
LONGEST_REASON = 300
"""The most characters of the reason that a person gives for a gap."""
_LONGEST_SIGNATURE = 400


@dataclass(frozen=True, kw_only=True)
class LedgerGap:
    """What a person at the site acknowledged: a head that the site's ledger does not hold."""

    entry: int
    """The entry's number in what the coordinator countersigned."""
    chain: str
    """Its link of the chain, 64 hex digits."""
    reason: str
    """Why it is not there, in the person's words."""

    def __post_init__(self) -> None:
        """Check every value."""
        _check(self.entry, self.chain)
        if not 0 < len(self.reason.strip()) <= LONGEST_REASON or not self.reason.isprintable():
            raise PayloadError(f"reason: expected one line of 1 to {LONGEST_REASON} characters")


@dataclass(frozen=True, kw_only=True)
class LedgerHead:
    """The end of a site's ledger, of which the message that it comes with is the last entry."""

    entry: int
    """The number of the last entry, from 1."""
    chain: str
    """Link of the chain at this entry, 64 hex digits: it holds for all entries up to this one."""
    since: int
    """The countersigned entry from which `steps` lead here; 0: there is none."""
    steps: tuple[str, ...]
    """SHA-256 of each line after `since`, up to this one: nothing before has changed."""
    gap: LedgerGap | None = None
    """A gap that a person acknowledged since the last countersignature."""
    signature: str
    """The site's signature by ECDSA P-384 with SHA-384 over every field here but the steps, hex."""

    def __post_init__(self) -> None:
        """Check every value, and that the steps are as many as the entries that they stand for."""
        _check(self.entry, self.chain, *self.steps)
        if len(self.steps) > MOST_STEPS:
            raise PayloadError(f"steps: at most {MOST_STEPS} are allowed")
        if not 0 <= self.since <= self.entry:
            raise PayloadError("since: expected an entry up to the head's own")
        if self.since and len(self.steps) != self.entry - self.since:
            raise PayloadError("steps: expected one for each entry after the countersigned one")
        _check_signature(self.signature)


@dataclass(frozen=True, kw_only=True)
class HeadReceipt:
    """The last head that the coordinator has seen of a site, countersigned."""

    site: str
    """The site's name."""
    entry: int
    """The number of the head's entry."""
    chain: str
    """The head's link of the chain, 64 hex digits."""
    at: str
    """When the coordinator saw it, UTC."""
    signature: str
    """Signature by the federation's authority (ECDSA with SHA-384) over every field here, hex."""

    def __post_init__(self) -> None:
        """Check every value."""
        _check(self.entry, self.chain)
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", self.site):
            raise PayloadError("site: expected a site's name")
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", self.at, re.ASCII):
            raise PayloadError("at: expected a UTC time")
        _check_signature(self.signature)


def _check(entry: int, *digests: str) -> None:
    if not 1 <= entry <= LARGEST_ENTRY:
        raise PayloadError(f"entry: expected a number from 1 to {LARGEST_ENTRY}")
    if not all(re.fullmatch(r"[0-9a-f]{64}", d) for d in digests):
        raise PayloadError("chain and steps: expected SHA-256 values in hex")


def _check_signature(signature: str) -> None:
    if not re.fullmatch(r"([0-9a-f]{2})+", signature) or len(signature) > _LONGEST_SIGNATURE:
        raise PayloadError("signature: expected hex digits")
