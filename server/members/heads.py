"""The heads of the sites' ledgers: each continues what was seen, is kept, and is countersigned.

`ledgers/SITE.jsonl` has a line for each head, on disk before the answer that it came with is
used; nothing of it is ever changed.
"""

import errno
import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hepafed.common.certificates import authority_key
from hepafed.common.contract.messages import HeadReceipt, LedgerGap, LedgerHead
from hepafed.common.errors import ConfigError, HepaFedError, PayloadError
from hepafed.common.heads import (
    authority_of,
    check_head,
    continues,
    is_countersigned,
    sign_receipt,
)
from hepafed.common.json_file import JsonFile
from hepafed.common.locks import wait_for_lock
from hepafed.common.records import read_record, write_record
from hepafed.common.room import in_room

log = logging.getLogger("hepafed.server")
REMEMBERED = 1000
"""Number of heads of a site from which a new one may continue."""
NO_GAP = b'"gap":null'
"""In the line of a head without a gap; it is not read once `REMEMBERED` others came later."""


@dataclass(frozen=True, kw_only=True)
class KeptHead:
    """A head as it is kept, and what it was countersigned with."""

    identity: str
    """The site's enrolled key at that time, an OpenSSH line."""
    since: int
    """As the head has it."""
    gap: LedgerGap | None
    """A gap that a person at the site acknowledged with this head."""
    signature: str
    """The site's signature of the head: over entry and chain (in the receipt), since and gap."""
    receipt: HeadReceipt


@dataclass(frozen=True, kw_only=True)
class KeptLines:
    """The content of ledgers/known.json."""

    sites: dict[str, int] = field(default_factory=dict)
    """How many lines were kept of each site."""


class LedgerHeads:
    """The folder ledgers/ of a coordinator."""

    def __init__(
        self,
        home: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        remembered: int = REMEMBERED,
    ) -> None:
        """`remembered`: number of heads of a site from which a new one may continue."""
        self._remembered = remembered
        self._folder = home / "ledgers"
        self._sites = JsonFile(
            path=self._folder / "known.json",
            record=KeptLines,
            hint="restore a copy of it; without one, move it away: it is then made anew",
            name="ledgers/known.json",
        )
        self._authority = home / "keys" / "ca.key"
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[str, list[KeptHead]] = {}
        self._gaps: dict[str, list[KeptHead]] = {}
        """Of each site the heads with which a gap was acknowledged, however old."""

    def see(self, site: str, identity: str, head: LedgerHead) -> None:
        """Check, keep and countersign the head that came with an answer of `site`.

        `identity`: the site's enrolled key; with another key than before a site begins anew.

        Raises
        ------
        PayloadError
            It is not signed by that key, or does not continue the last head that was seen.
            Or what is kept of the site is damaged: then its file is named.
        """
        check_head(head, identity)
        with self._lock:
            kept = self._of(site, identity)
            last = kept[-1].receipt if kept else None
            if last is not None and not _acknowledged(head, last):
                known = {k.receipt.entry: k.receipt.chain for k in _since_gap(kept)}
                _must_continue(head, known, last)
                if head.entry <= last.entry:  # seen before
                    return
            if head.gap is not None:
                log.warning(
                    "%s: a gap in its ledger at entry %d: %s",
                    site,
                    head.gap.entry,
                    head.gap.reason,
                )
            self._keep(site, identity, head)

    def receipt(self, site: str, identity: str) -> HeadReceipt | None:
        """Return the countersigned last head of a site under that key; None before the first.

        None also where what is kept is damaged: what the site answers is then refused by `see`.
        """
        kept = self.last(site, identity)
        return kept.receipt if kept else None

    def last(self, site: str, identity: str) -> KeptHead | None:
        """Return the last head that is kept of a site under that key, or None."""
        try:
            with self._lock:
                kept = self._of(site, identity)
        except PayloadError:
            return None
        return kept[-1] if kept else None

    def gaps(self, site: str) -> list[KeptHead]:
        """Return the heads of a site that acknowledged a gap, oldest first, under any of its keys.

        They stay when later heads come. None where what is kept is damaged.
        """
        try:
            with self._lock:
                if site not in self._kept:
                    self._kept[site] = self._read(site)
        except PayloadError:
            return []
        return list(self._gaps.get(site, ()))

    def must_be_known(self) -> None:
        """Read which sites' heads are kept; ConfigError where ledgers/known.json is damaged."""
        self._known()

    def damaged(self) -> dict[str, PayloadError]:
        """Return why the heads of a site cannot be used, by site."""
        lost = {}
        for site in sorted(self._known_or_found()):
            try:
                self._read(site)
            except PayloadError as e:
                lost[site] = e
        return lost

    def _of(self, site: str, identity: str) -> list[KeptHead]:
        """Return the newest heads of a site under its present key, oldest first."""
        if site not in self._kept:
            self._kept[site] = self._read(site)
        return [k for k in self._kept[site] if k.identity == identity]

    def _path(self, site: str) -> Path:
        return self._folder / f"{site}.jsonl"

    def _read(self, site: str) -> list[KeptHead]:
        path = self._path(site)
        least = self._known_or_found().get(site, 0)
        if not path.exists() and not least:
            return []
        try:
            content = path.read_bytes()
            lines = content[: content.rfind(b"\n") + 1].splitlines()
            if content.count(b"\n") < least:
                raise ValueError("cut")
            authority = authority_of((self._authority.parent / "ca.pem").read_bytes())
            old = [x for x in lines[: -self._remembered] if NO_GAP not in x]
            before, kept = (
                [_kept_head(x, authority) for x in part]
                for part in (old, lines[-self._remembered :])
            )
        except (OSError, ValueError, HepaFedError) as e:
            name = f"ledgers/{path.name}"
            raise PayloadError(
                f"the coordinator's {name} is missing or damaged",
                f"restore a copy of {name}; without one, move it and ledgers/known.json away: the "
                "next head of that site is then taken as its first",
            ) from e
        self._gaps[site] = [k for k in (*before, *kept) if k.gap is not None]
        return kept

    def _known(self) -> dict[str, int]:
        """Return how many heads were kept of each site: its file cannot have fewer lines."""
        return self._sites.read(KeptLines()).sites

    def _known_or_found(self) -> dict[str, int]:
        found = {p.stem: 1 for p in self._folder.glob("*.jsonl")}
        try:
            return found | self._known()
        except ConfigError:
            return found

    def _keep(self, site: str, identity: str, head: LedgerHead) -> None:
        receipt = HeadReceipt(
            site=site,
            entry=head.entry,
            chain=head.chain,
            at=self._now().isoformat(timespec="seconds"),
            signature="00",
        )
        kept = KeptHead(
            identity=identity,
            since=head.since,
            gap=head.gap,
            signature=head.signature,
            receipt=sign_receipt(receipt, authority_key(self._authority.parent)),
        )
        line = json.dumps(write_record(kept), separators=(",", ":"))
        in_room(self._folder, len(line), lambda: self._append(self._path(site), line))
        known = self._known_or_found() | {site: self._path(site).read_bytes().count(b"\n")}
        self._sites.write(KeptLines(sites=known))
        self._kept[site] = [*self._kept[site], kept][-self._remembered :]
        if kept.gap is not None:
            self._gaps.setdefault(site, []).append(kept)

    def _append(self, path: Path, line: str) -> None:
        """Add a line, on disk when this returns; a line that a crash tore goes before."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with path.open("a+b", buffering=0) as f:
            wait_for_lock(f)
            size = f.seek(0, os.SEEK_END)
            f.seek(max(0, size - 1))
            if f.read(1) not in (b"", b"\n"):
                f.seek(0)
                f.truncate(f.read().rfind(b"\n") + 1)
            raw = line.encode() + b"\n"
            if f.write(raw) != len(raw):  # what was written of it is torn, and goes the next time
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(f.fileno())


def _kept_head(line: bytes, authority: str) -> KeptHead:
    """Return the head of a line, held to both signatures; HepaFedError or ValueError: changed."""
    kept = read_record(KeptHead, json.loads(line), PayloadError)
    head = LedgerHead(
        entry=kept.receipt.entry,
        chain=kept.receipt.chain,
        since=kept.since,
        steps=("0" * 64,) * (kept.receipt.entry - kept.since),  # no part of what is signed
        gap=kept.gap,
        signature=kept.signature,
    )
    check_head(head, kept.identity)
    if not is_countersigned(kept.receipt, authority):
        raise ValueError("not countersigned")
    return kept


def _acknowledged(head: LedgerHead, last: HeadReceipt) -> bool:
    gap = head.gap
    return gap is not None and (gap.entry, gap.chain) == (last.entry, last.chain)


def _since_gap(kept: list[KeptHead]) -> list[KeptHead]:
    """Return the heads from the last acknowledged gap on: what was before, nothing continues."""
    gaps = [i for i, k in enumerate(kept) if k.gap is not None]
    return kept[gaps[-1] :] if gaps else kept


def _must_continue(head: LedgerHead, known: dict[int, str], last: HeadReceipt) -> None:
    if continues(head, known, last.entry):
        return
    if head.entry < last.entry:
        raise PayloadError(
            f"its ledger ends at entry {head.entry}; entry {last.entry} was seen on "
            f"{last.at[:10]}: a person at the site runs client ledger --verify"
        )
    raise PayloadError(
        f"its ledger does not continue entry {last.entry}, which was seen on {last.at[:10]}: "
        "a person at the site runs client ledger --verify"
    )
