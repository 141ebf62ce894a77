"""The ClientApp: one request in, policy, the work, the ledger, one reply out."""

import logging
from pathlib import Path

from flwr.app import ConfigRecord, Context, Message, RecordDict
from hepafed.client.archive import keep
from hepafed.client.cohort import Cohort, stamp_of
from hepafed.client.learning import Flat, Trainer, score, score_tuning
from hepafed.client.quality import summarise_cohort
from hepafed.client.release import Ledger, Releases, Request, Transfer, permit
from hepafed.common.contract import (
    KINDS,
    CohortRequest,
    CompareRequest,
    KeysRequest,
    OpenRequest,
    PlacementsRequest,
    Plan,
    Refusal,
    SiteComparison,
    SiteConfig,
    SiteSummary,
    SumsRequest,
    TrainReply,
    TrainRequest,
    TuneReply,
    TuneRequest,
    TuningFigures,
    ValidateRequest,
    pack,
    unpack,
)
from hepafed.common.errors import HepaFedError, PayloadError
from hepafed.common.network import to_bf16
from hepafed.common.statistics import ScoreTable

log = logging.getLogger("hepafed.client")


class SiteApp:
    """Model, data, optimiser and keys of a site, warm across requests."""

    def __init__(self, home: Path, config: SiteConfig, transfer: Transfer | None = None) -> None:
        self._home = home
        self._config = config
        self._ledger = Ledger(home)
        self._transfer = transfer or Transfer(home, config)
        self._trainer = Trainer(home, _seed_of(config.site), config.device)
        self._releases = Releases(home, config, self._ledger, self._transfer.send)
        self._scored: tuple[tuple[str, ...], ScoreTable] | None = None

    def __call__(self, message: Message, _context: Context) -> Message:
        """Answer one request; a refusal and its reason when policy or data say no."""
        run = ""
        try:
            request = permit(self._config, unpack(_text(message)))
            run = request.run
            log.info("%s of run %s", type(request).__name__, run)
            reply = self._answer(request)
        except HepaFedError as e:
            log.warning("refused: %s", e.message)
            reply = Refusal(run=run, reason=e.message)
        text = pack(reply)
        kind = next(k for k, c in KINDS.items() if c is type(reply))
        self._ledger.record_message(kind, run, text)
        content = RecordDict({"hepafed": ConfigRecord({"json": text})})
        return Message(content, reply_to=message)

    def _answer(self, request: Request) -> object:
        if isinstance(request, CohortRequest):
            store = Cohort.open(self._home)
            return summarise_cohort(store, request.run, self._config.minimum_count)
        if isinstance(request, TrainRequest):
            return self._train(request)
        if isinstance(request, TuneRequest):
            weights = self._transfer.fetch(request.weights, self._trainer.layout(request.plan))
            figures = self._tuning(request.plan, weights)
            return TuneReply(run=request.run, round=request.round, tuning=figures)
        if isinstance(request, ValidateRequest):
            return self._validate(request)
        if isinstance(request, CompareRequest):
            return self._compare(request)
        if isinstance(request, PlacementsRequest):
            return self._releases.placements(request)
        return self._join_sum(request)

    def _join_sum(self, request: KeysRequest | SumsRequest | OpenRequest) -> object:
        if isinstance(request, KeysRequest):
            return self._releases.keys(request)
        if isinstance(request, SumsRequest):
            return self._releases.sums(request)
        return self._releases.open(request)

    def _train(self, request: TrainRequest) -> TrainReply:
        layout = self._trainer.layout(request.plan)
        weights = self._transfer.fetch(request.weights, layout)
        tuning = self._tuning(request.plan, weights)
        done = self._trainer.train(request.plan, weights, request.run, request.round)
        update = to_bf16(done.update)
        digest = self._ledger.record("update", request.run, update)
        self._transfer.send(request.run, request.round, update)
        return TrainReply(
            run=request.run,
            round=request.round,
            update=digest,
            examples=done.examples,
            loss=done.loss,
            seconds=done.seconds,
            tuning=tuning,
        )

    def _tuning(self, plan: Plan, weights: Flat) -> TuningFigures:
        site, minimum = self._config.site, self._config.minimum_count
        return score_tuning(self._trainer, plan, weights, site, minimum)

    def _scores(self, plan: Plan, digest: str, split: str) -> tuple[ScoreTable, Flat]:
        weights = self._transfer.fetch(digest, self._trainer.layout(plan))
        return self._score(plan, weights, split), weights

    def _score(self, plan: Plan, weights: Flat, split: str) -> ScoreTable:
        return score(self._trainer, plan, weights, split, self._config.site)

    def _validate(self, request: ValidateRequest) -> SiteSummary:
        key = self._key(request.run, request.weights, request.split)
        if self._scored is None or self._scored[0] != key:  # a fallback asks of the same scores
            table, weights = self._scores(request.plan, request.weights, request.split)
            keep(self._home, request, table, weights)
            self._scored = (key, table)
        return self._releases.summary(request, self._scored[1])

    def _key(self, run: str, weights: str, split: str) -> tuple[str, ...]:
        """Say which scores these are; others once the cohort has changed."""
        return run, weights, split, stamp_of(self._home)

    def _compare(self, request: CompareRequest) -> SiteComparison:
        tables = []
        for m in request.models:
            known = self._scored
            if known is not None and known[0] == self._key(request.run, m.weights, request.split):
                tables.append(known[1])
            else:
                tables.append(self._scores(m.plan, m.weights, request.split)[0])
        return self._releases.compare(request, tables)


def _text(message: Message) -> str:
    try:
        return str(message.content["hepafed"]["json"])
    except (KeyError, TypeError, ValueError) as e:
        raise PayloadError("a request that is not HepaFed's") from e


def _seed_of(site: str) -> int:
    return int.from_bytes(site.encode()[:8].ljust(8, b"\0"), "big") % (2**31)


def open_app(home: Path, config: SiteConfig) -> SiteApp:
    """Open the cohort store and keys; CohortError when nothing was ingested yet."""
    Cohort.open(home)
    return SiteApp(home, config)
