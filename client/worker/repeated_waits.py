"""A question that waits for a person and comes again: counted, and answered as it was before."""

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hepafed.client.permissions import Consent, NotAllowedError, OpenWait, WaitBook
from hepafed.client.release import Ledger, permit
from hepafed.common.contract import SiteConfig
from hepafed.common.contract.messages import HeadReceipt, Stamp, Waits, pack
from hepafed.common.errors import HepaFedError

log = logging.getLogger("hepafed.client")


class RepeatedWaits:
    """Keeps the ledger from two entries every ten seconds while a person is waited for.

    Counted is only what is the same byte for byte as a question in the ledger, from the same person
    and study, and what has the same answer, for the same reason.
    """

    def __init__(
        self,
        home: Path,
        config: SiteConfig,
        ledger: Ledger,
        consent: Consent,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config, self._ledger, self._consent = config, ledger, consent
        self._waits, self._clock = WaitBook(home, ledger), clock

    def answer(self, request: object, stamp: Stamp, receipt: HeadReceipt | None) -> str | None:
        """Return the text of the answer to a question that still waits, once it is counted.

        None where it is no such question: then the caller writes it down and judges it. A wait that
        has ended is written down here, before that.

        Raises
        ------
        ConfigError
            waits.json is damaged.
        """
        wait = self._waits.find(stamp.request, stamp)
        if wait is None:
            return None
        text = pack(Waits(run=wait.run, digest=wait.digests[0]))
        same = _digest(text) == wait.answer and self._still_waits(wait, request, stamp, receipt)
        if not same:
            self._waits.end(wait)
            return None
        self._waits.count(wait, stamp, self._clock())
        return text

    def begin(self, request: object, stamp: Stamp, answer: str, waits: NotAllowedError) -> None:
        """Have a question counted from now on, whose `answer` says that it waits."""
        at = self._clock().isoformat(timespec="seconds")
        self._waits.begin(
            OpenWait(
                question=stamp.request,
                answer=_digest(answer),
                size=len(answer.encode()),
                kind=waits.kind,
                digests=waits.digests,
                why=waits.message,
                run=str(getattr(request, "run", "")),
                requester=stamp.requester,
                study=stamp.study,
                since=at,
                last=at,
                expires=stamp.expires,
            )
        )

    def _still_waits(
        self, wait: OpenWait, request: object, stamp: Stamp, receipt: HeadReceipt | None
    ) -> bool:
        try:
            if receipt is not None:
                self._ledger.must_hold(receipt)
            missing = self._consent.missing(permit(self._config, request), stamp)
            listed = self._consent.lists(wait)
        except HepaFedError:  # the caller meets it again, and answers with it
            return False
        if missing is None or not listed:
            return False
        return (missing.digests, missing.message) == (wait.digests, wait.why)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
