"""A site's ledger: each request and payload is written down before it is answered or leaves.

Of a message the text stays as well, in `sent/SHA256.json` or `received/SHA256.json`; of weights,
updates and counts, which are large, the hash alone.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hepafed.client.release.ledger.file import LedgerFile
from hepafed.client.release.ledger.gaps import check_reason, gaps_of, unresolved
from hepafed.client.release.ledger.lines import Line
from hepafed.client.release.ledger.lookup import kept_entry
from hepafed.client.release.ledger.newest import NewestEntries
from hepafed.client.release.ledger.proof import Proof, prove
from hepafed.client.release.ledger.texts import Texts
from hepafed.common.contract.messages import MOST_STEPS, HeadReceipt, LedgerGap, LedgerHead, Stamp
from hepafed.common.errors import ConfigError, DataError, RefusedError, UsageError
from hepafed.common.heads import authority_of, is_countersigned, sign_head
from hepafed.common.records import write_record

OUT, IN, HERE = "out", "in", "here"
"""What an entry is of: what left, what came in, what was done here."""


class Ledger:
    """The file ledger.jsonl of a site, and the texts in sent/ and received/."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file = LedgerFile(home)
        self._texts = Texts(home)
        self._newest = NewestEntries(self._file.path)

    def record_message(
        self, kind: str, run: str, text: str, *, permission: str = "", requester: str = ""
    ) -> None:
        """Keep the text of a message that is about to leave, and write it down as `record` does."""
        self._texts.keep(OUT, text.encode())
        self.record(kind, run, text.encode(), kept=True, permission=permission, requester=requester)

    def record_request(
        self,
        kind: str,
        run: str,
        text: str,
        *,
        requester: str = "coordinator",
        receipt: HeadReceipt | None = None,
        stamp: Stamp | None = None,
    ) -> None:
        """Write down a request that came in, its text, and what came beside it.

        `stamp`: that of a request that may be answered; `stamps` knows it from now on.
        """
        self._texts.keep(IN, text.encode())
        more: dict[str, Any] = {} if receipt is None else {"countersigned": write_record(receipt)}
        if stamp is not None:
            more |= {"stamp": stamp.id, "expires": stamp.expires, "study": stamp.study}
        self._record(kind, run, text.encode(), IN, kept=True, requester=requester, **more)

    def record(
        self,
        kind: str,
        run: str,
        content: bytes | memoryview,
        *,
        kept: bool = False,
        direction: str = OUT,
        permission: str = "",
        requester: str = "",
        **more: Any,  # noqa: ANN401 - plain values
    ) -> str:
        """Write down a payload that is about to leave, or came in; return its SHA-256.

        `permission`: the permission of a person under which it leaves. `requester`: who asked.
        `more`: what else the entry says, plain values.

        Raises
        ------
        DataError
            The ledger does not end where it was left, or was changed before its end.
        """
        if permission:
            more["permission"] = permission
        return self._record(kind, run, content, direction, kept=kept, requester=requester, **more)

    def _record(
        self,
        kind: str,
        run: str,
        content: bytes | memoryview,
        direction: str,
        *,
        kept: bool = False,
        requester: str = "",
        after_gap: bool = False,
        **more: Any,  # noqa: ANN401 - plain values
    ) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if kept:
            more["kept"] = True
        if requester:
            more["requester"] = requester
        self._write(kind, run, direction, len(content), digest, after_gap=after_gap, **more)
        return digest

    def record_again(
        self,
        kind: str,
        run: str,
        answer: str,
        *,
        size: int,
        stamps: Mapping[str, str],
        **more: str,
    ) -> None:
        """Write down that one answer left once more for each of `stamps`, after as many questions.

        `answer`: SHA-256 of its kept text; `size`: its bytes. `stamps`: until when each question is
        valid, by its stamp's id. `more`: `question` (SHA-256), `requester`, `study`, `first`,
        `last`.
        """
        times = len(stamps)
        said: dict[str, Any] = {**more, "kept": True, "times": times, "stamps": dict(stamps)}
        self._write(kind, run, OUT, times * size, answer, **said)

    def record_weights(self, run: str, digest: str, size: int) -> None:
        """Write down weights that came in, checked against their SHA-256: `size` in bytes."""
        self._write("weights", run, IN, size, digest, requester="coordinator")

    def _write(
        self,
        kind: str,
        run: str,
        direction: str,
        size: int,
        digest: str,
        *,
        after_gap: bool = False,
        **more: Any,  # noqa: ANN401 - plain values
    ) -> None:
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            "run": run,
            "direction": direction,
            "bytes": size,
            "sha256": digest,
            **more,
        }
        if not after_gap:
            self._newest.digest(kind)  # nothing is written after a change, wherever it is
        self._file.write(entry, after_gap=after_gap)

    def check_receipt(self, receipt: HeadReceipt, site: str) -> None:
        """Check that a countersigned head is of `site`, by the federation's authority.

        Raises
        ------
        RefusedError
            It is another site's, or not signed by the authority.
        """
        if receipt.site != site or not is_countersigned(receipt, self._authority()):
            raise RefusedError(
                "the countersignature of the ledger is not this federation's, or of another site"
            )

    def must_hold(self, receipt: HeadReceipt) -> None:
        """Look a countersigned head up in this ledger.

        Raises
        ------
        RefusedError
            The ledger does not hold it, and nobody has acknowledged that: the home was restored
            from a backup, or changed.
        """
        lines = self._from(receipt)
        if len(lines) > MOST_STEPS:
            raise RefusedError("the coordinator has lost too much of this site's ledger")
        if not lines and self._gap(receipt) is None:
            raise RefusedError(
                f"the coordinator has seen entry {receipt.entry} of this site's ledger on "
                f"{receipt.at[:10]}, and it is not in the ledger here: a person at the site runs "
                "client ledger --verify"
            )

    def head(self, receipt: HeadReceipt | None) -> LedgerHead:
        """Return the signed end of this ledger, with the steps from the countersigned entry.

        `receipt` came with the request that is answered. Where the ledger does not hold its
        entry, the head names the gap, if a person has acknowledged it, and proves nothing.

        Raises
        ------
        ConfigError
            The site's key is not there.
        """
        key = self._file.key()
        if key is None:
            raise ConfigError("the site's key is missing", "client join makes it")
        lines = self._from(receipt) if receipt else []
        last = lines[-1] if lines else self._file.last()
        if last is None:
            raise DataError("the ledger is empty")
        made = LedgerHead(
            entry=last.number,
            chain=last.chain,
            since=lines[0].number if lines else 0,
            steps=tuple(line.digest for line in lines[1:]),
            gap=self._gap(receipt) if receipt and not lines else None,
            signature="00",
        )
        return sign_head(made, key)

    def _from(self, receipt: HeadReceipt) -> list[Line]:
        """Return the lines from a countersigned one on; none when the ledger does not hold it."""
        lines = self._file.from_entry(receipt.entry)
        held = lines and (lines[0].number, lines[0].chain) == (receipt.entry, receipt.chain)
        return lines if held else []

    def _gap(self, receipt: HeadReceipt) -> LedgerGap | None:
        """Return the acknowledged gap that a countersigned head is of."""
        known = gaps_of(self.entries())
        return next(
            (g for g in known if (g.entry, g.chain) == (receipt.entry, receipt.chain)), None
        )

    def acknowledge_gap(self, reason: str) -> list[LedgerGap]:
        """Write down why entries are missing, so that the site can go on; return the gaps.

        Raises
        ------
        UsageError
            Nothing is missing, or the reason is not one printable line.
        """
        check_reason(reason)
        lines = self._file.read()[0]
        entries, end = [line.entry for line in lines], self._file.end()
        last = lines[-1] if lines else None
        found = [(g.entry, g.chain) for g in unresolved(lines)]
        try:
            self._file.must_end_at_head(last)
        except DataError:
            found.append((end.entry, end.chain) if end else (len(entries) + 1, "0" * 64))
        if not found:
            raise UsageError("nothing is missing in this ledger", "client ledger --verify")
        gaps = [LedgerGap(entry=n, chain=c, reason=reason) for n, c in dict.fromkeys(found)]
        self._record(
            "gap", "", reason.encode(), HERE, after_gap=True, gaps=[write_record(g) for g in gaps]
        )
        return gaps

    def entries(self) -> list[dict[str, Any]]:
        """Return every entry, oldest first; DataError for a damaged line."""
        return [line.entry for line in self._file.read()[0]]

    def stamps(self) -> dict[str, str]:
        """Return when each request that came in expires, by its stamp's id; DataError: damage."""
        return self._newest.stamps()

    def newest(self, kind: str) -> str:
        """Return the SHA-256 in the newest entry of a kind, "" for none; DataError for damage."""
        return self._newest.digest(kind)

    def verify(self) -> Proof:
        """Check the chain, signatures, countersignatures, gaps and kept texts.

        Raises
        ------
        DataError
            Something was changed, cut or is missing; the first entry concerned is named.
        """
        return prove(self._file, self._texts, self._authority())

    def _authority(self) -> str:
        """Return the public key of the federation's authority; "" in a home that has left."""
        try:
            return authority_of((self._home / "keys" / "ca.pem").read_bytes())
        except OSError:
            return ""

    def show(self, which: str) -> str:
        """Return the text of a kept message, laid out to be read.

        `which` is an entry's number, or the first digits of its SHA-256 (`SHORTEST` at least).

        Raises
        ------
        UsageError
            There is no such entry, or there are several.
        DataError
            Its text is not kept, or is not the one that left.
        """
        number, entry = kept_entry(self.entries(), which)
        return json.dumps(json.loads(self._texts.read(number, entry)), indent=2)
