"""The ClientApp: one request in, policy, the work, the ledger, one reply out."""

import logging
from pathlib import Path

from flwr.app import ConfigRecord, Context, Message, RecordDict
from hepafed.client.cohort import Cohort
from hepafed.client.permissions import CitingLedger, Consent, NotAllowedError
from hepafed.client.quality import summarise_cohort
from hepafed.client.release import QuestionHistory, Releases, Request, Transfer, name_of, permit
from hepafed.client.worker.model_limit import ModelLimit
from hepafed.client.worker.repeated_waits import RepeatedWaits
from hepafed.client.worker.training_limits import permit_plan
from hepafed.client.worker.work import Work
from hepafed.common.contract import SiteConfig
from hepafed.common.contract.messages import (
    KINDS,
    CohortRequest,
    CohortSummary,
    CompareRequest,
    HeadReceipt,
    KeysRequest,
    OpenRequest,
    PlacementsRequest,
    Refusal,
    Stamp,
    SumsRequest,
    TrainRequest,
    TuneRequest,
    ValidateRequest,
    Waits,
    pack,
    unpack,
)
from hepafed.common.errors import HepaFedError, PayloadError

log = logging.getLogger("hepafed.client")

UNKNOWN = "unknown"
"""The requester of a request whose signature does not hold."""


class SiteApp:
    """A site's answers; network, images, optimiser and keys stay warm across requests."""

    def __init__(self, home: Path, config: SiteConfig, transfer: Transfer | None = None) -> None:
        transfer = transfer or Transfer(home, config)
        self._home = home
        self._config = config
        self._ledger = CitingLedger(home)
        self._consent = Consent(home, config.site, self._ledger)
        self._permissions: tuple[str, ...] = ()
        self._upload = transfer.send
        self._releases = Releases(home, config, self._ledger, self._send)
        self._again = RepeatedWaits(home, config, self._ledger, self._consent)
        self._models = ModelLimit(home, config, self._ledger)
        self._work = Work(home, config, self._ledger, transfer, self._send, self._releases.tuning)

    def __call__(self, message: Message, _context: Context) -> Message:
        """Answer one signed request; a refusal and its reason when policy or data say no.

        Nothing is answered that no person at the site allowed: then the reply says that it waits.
        """
        run, requester, receipt, waits = "", UNKNOWN, None, None
        try:
            receipt = self._receipt(message)
            request, stamp = self._opened(message, receipt)
            requester = stamp.requester
            if (same := self._again.answer(request, stamp, receipt)) is not None:
                return self._reply(message, same, receipt)
            self._ledger.record_request(
                _kind_of(request),
                _run_of(request),
                _text(message, "json"),
                requester=requester,
                receipt=receipt,
                stamp=stamp,
            )
            if receipt is not None:
                self._ledger.must_hold(receipt)
            request = permit(self._config, request)
            run = request.run
            log.info("%s of run %s", type(request).__name__, run)
            permissions = self._under(self._admitted(request, stamp))
            reply = self.answer(request)
            self._consent.spend(permissions, len(pack(reply)), run)
        except NotAllowedError as e:
            log.warning("run %s waits for a person: %s; see client pending", run, e.message)
            reply, waits = Waits(run=run, digest=e.digests[0]), e
        except HepaFedError as e:
            log.warning("refused: %s", e.message)
            reply = Refusal(run=run, reason=e.message, hint=e.own_hint)
        text = pack(reply)
        self._ledger.record_message(_kind_of(reply), run, text, requester=requester)
        self._under(())
        if waits is not None:
            self._again.begin(request, stamp, text, waits)
        return self._reply(message, text, receipt)

    def _reply(self, message: Message, text: str, receipt: HeadReceipt | None) -> Message:
        head = pack(self._ledger.head(receipt))
        content = RecordDict({"hepafed": ConfigRecord({"json": text, "head": head})})
        return Message(content, reply_to=message)

    def _admitted(self, request: Request, stamp: Stamp) -> tuple[str, ...]:
        """Return the permissions of a request, counted as used where site.toml lets it pass.

        A limit that depends on the plan alone refuses before a person is asked. One that depends on
        the cohort refuses only what a person allowed, because it tells of the cohort; before that
        the person reads it, and the coordinator does not.
        """
        if isinstance(request, TrainRequest):
            permit_plan(self._config, request.plan.training)
        self._models.permit(request)
        refused = ""
        if isinstance(request, TrainRequest):
            waits = self._consent.missing(request, stamp)
            try:
                self._work.permit(request.plan)
            except HepaFedError as e:
                if waits is None:
                    raise
                refused = e.message
        return self._consent.admit(request, stamp, refused)

    def _under(self, permissions: tuple[str, ...]) -> tuple[str, ...]:
        """Have what leaves from now on counted for these permissions, and cite them."""
        self._permissions, self._ledger.permission = permissions, " ".join(permissions)
        return permissions

    def _send(self, run: str, where: int, content: bytes | memoryview) -> None:
        self._consent.spend(self._permissions, len(content), run)
        self._upload(run, where, content)

    def _receipt(self, message: Message) -> HeadReceipt | None:
        """Return the countersigned head that came with a request, checked; None without one.

        Raises
        ------
        PayloadError, RefusedError
            It is none, or is not by this federation's authority for this site.
        """
        text = _text(message, "receipt", missing="")
        if not text:
            return None
        found = unpack(text)
        if not isinstance(found, HeadReceipt):
            raise PayloadError("the countersignature of the ledger is another message")
        self._ledger.check_receipt(found, self._config.site)
        return found

    def _opened(self, message: Message, receipt: HeadReceipt | None) -> tuple[object, Stamp]:
        """Return a signed request and its stamp; the ledger has it as it came, where it is neither.

        One that can be read is for the caller to write down.
        """
        text = _text(message, "json")
        try:
            request = unpack(text)
        except PayloadError:
            self._ledger.record("unreadable", "", text.encode(), direction="in")
            raise
        parts = ("json", "stamp", "signature")
        try:
            stamp = self._consent.opened({p: _text(message, p, missing="") for p in parts})[1]
        except HepaFedError:
            kind, run = _kind_of(request), _run_of(request)
            self._ledger.record_request(kind, run, text, requester=UNKNOWN, receipt=receipt)
            raise
        return request, stamp

    def answer(self, request: Request) -> object:
        """Return the reply to a request that policy lets pass."""
        match request:
            case TrainRequest():
                return self._work.train(request)
            case TuneRequest():
                return self._work.tune(request)
            case CohortRequest():
                return self._describe(request.run)
            case ValidateRequest():
                table = self._work.validate(request)
                facts = None
                if self._config.privacy is None:  # beside noise nothing is told of the cohort
                    narrow = self._releases.narrowed(table, request.split)
                    facts = self._work.facts(request, narrow)
                return self._releases.summary(request, table, facts)
            case CompareRequest():
                return self._releases.compare(request, self._work.compare(request))
            case PlacementsRequest():
                return self._releases.placements(request)
            case KeysRequest():
                return self._releases.keys(request)
            case SumsRequest():
                return self._releases.sums(request)
            case OpenRequest():
                return self._releases.open(request)

    def _describe(self, run: str) -> CohortSummary:
        """Return the counts of the cohort, without whom they would show beside earlier answers."""
        store, least = Cohort.open(self._home), self._config.minimum_count
        rows = store.rows()
        if self._config.release != "plain":
            names = [name_of(r.patient, r.lesion, r.content) for r in rows]
            kept = QuestionHistory(self._home, self._ledger).describing(names, least)
            rows = [r for r, name in zip(rows, names, strict=True) if name in kept]
        return summarise_cohort(store, rows, run, least)


def open_app(home: Path, config: SiteConfig) -> SiteApp:
    """Open the site's cohort store and keys; CohortError when nothing was ingested yet."""
    Cohort.open(home)
    return SiteApp(home, config)


def _run_of(request: object) -> str:
    return str(getattr(request, "run", ""))


def _kind_of(message: object) -> str:
    return next(k for k, c in KINDS.items() if c is type(message))


def _text(message: Message, name: str, missing: str | None = None) -> str:
    """Return a text of a message; PayloadError when it is not there and there is no `missing`."""
    try:
        return str(
            message.content["hepafed"].get(name, missing)
            if missing is not None
            else message.content["hepafed"][name]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise PayloadError("the request is not a HepaFed message") from e
