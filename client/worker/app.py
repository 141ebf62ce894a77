"""The ClientApp: one request in, policy, the work, the ledger, one reply out."""

import logging
from pathlib import Path

from flwr.app import ConfigRecord, Context, Message, RecordDict
from hepafed.client.cohort import Cohort
from hepafed.client.permissions import CitingLedger, Consent, NotAllowedError
from hepafed.client.quality import summarise_cohort
from hepafed.client.release import Releases, Request, Transfer, permit
from hepafed.client.worker.work import Work
from hepafed.common.contract import SiteConfig
from hepafed.common.contract.messages import (
    KINDS,
    CohortRequest,
    CompareRequest,
    KeysRequest,
    OpenRequest,
    PlacementsRequest,
    Refusal,
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
        self._work = Work(home, config, self._ledger, transfer, self._send)
        self._releases = Releases(home, config, self._ledger, self._send)

    def __call__(self, message: Message, _context: Context) -> Message:
        """Answer one signed request; a refusal and its reason when policy or data say no.

        Nothing is answered that no person at the site allowed: then the reply says that it waits.
        """
        run = ""
        try:
            text, stamp = self._consent.opened(_values(message))
            request = permit(self._config, unpack(text))
            run = request.run
            log.info("%s of run %s", type(request).__name__, run)
            permissions = self._under(self._consent.admit(request, stamp))
            reply = self.answer(request)
            self._consent.spend(permissions, len(pack(reply)))
        except NotAllowedError as e:
            log.warning("run %s waits for a person: %s; see client pending", run, e.message)
            reply = Waits(run=run, digest=e.digest)
        except HepaFedError as e:
            log.warning("refused: %s", e.message)
            reply = Refusal(run=run, reason=e.message)
        text = pack(reply)
        kind = next(k for k, c in KINDS.items() if c is type(reply))
        self._ledger.record_message(kind, run, text)
        self._under(())
        content = RecordDict({"hepafed": ConfigRecord({"json": text})})
        return Message(content, reply_to=message)

    def _under(self, permissions: tuple[str, ...]) -> tuple[str, ...]:
        """Have what leaves from now on counted for these permissions, and cite them."""
        self._permissions, self._ledger.permission = permissions, " ".join(permissions)
        return permissions

    def _send(self, run: str, where: int, content: bytes | memoryview) -> None:
        self._consent.spend(self._permissions, len(content))
        self._upload(run, where, content)

    def answer(self, request: Request) -> object:
        """Return the reply to a request that policy lets pass."""
        match request:
            case TrainRequest():
                return self._work.train(request)
            case TuneRequest():
                return self._work.tune(request)
            case CohortRequest():
                store = Cohort.open(self._home)
                return summarise_cohort(store, request.run, self._config.minimum_count)
            case ValidateRequest():
                table = self._work.validate(request)
                facts = self._work.facts(request, self._releases.narrowed(table, request.split))
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


def open_app(home: Path, config: SiteConfig) -> SiteApp:
    """Open the site's cohort store and keys; CohortError when nothing was ingested yet."""
    Cohort.open(home)
    return SiteApp(home, config)


def _values(message: Message) -> dict[str, object]:
    try:
        return dict(message.content["hepafed"])
    except (KeyError, TypeError, ValueError) as e:
        raise PayloadError("the request is not a HepaFed message") from e
