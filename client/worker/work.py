"""The work that a request asks of a site: train a round, score a split."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hepafed.client.cohort import Cohort, stamp_of
from hepafed.client.learning import (
    ControlVariate,
    Trainer,
    must_hold_two,
    no_scores,
    score,
    score_tuning,
)
from hepafed.client.release import Ledger, Transfer
from hepafed.client.residuals import Residuals
from hepafed.client.validations import keep
from hepafed.client.worker.too_late import too_late
from hepafed.client.worker.training_limits import permit_training
from hepafed.common.contract import COUNTED, CohortFacts, Plan, SiteConfig, TuningFigures
from hepafed.common.contract.messages import (
    CompareRequest,
    TrainReply,
    TrainRequest,
    TuneReply,
    TuneRequest,
    ValidateRequest,
)
from hepafed.common.errors import EmptySplitError, HepaFedError, RefusedError
from hepafed.common.network import Flat
from hepafed.common.releases import RELEASE
from hepafed.common.statistics import ScoreTable

log = logging.getLogger("hepafed.client")


class Work:
    """Trains and scores with a site's warm trainer; of scores it keeps those of one model."""

    def __init__(
        self,
        home: Path,
        config: SiteConfig,
        ledger: Ledger,
        transfer: Transfer,
        send: Callable[[str, int, bytes | memoryview], None],
        tuned: Callable[[str, str, Plan, ScoreTable | None], TuningFigures],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tuned(weights, run, plan, table)` returns what leaves of the tuning split's scores."""
        self._home = home
        self._config = config
        self._ledger = ledger
        self._transfer = transfer
        self._send = send
        self._tuned = tuned
        self._clock = clock
        self.trainer = Trainer(home, _seed_of(config.site), config.device, clock)
        self._residuals = Residuals(home)
        self._scored: tuple[tuple[str, ...], ScoreTable] | None = None

    def train(self, request: TrainRequest) -> TrainReply:
        """Train a round that policy lets pass; the ledger has the update before it is uploaded.

        Meanwhile the moments of the optimiser are written. The site answers when both are done,
        whatever came of the upload.
        """
        started = self._clock()
        self.permit(request.plan)
        weights = self._fetch(request.run, request.plan, request.weights)
        tuning = self._tuning(request, weights)
        fewest = self._config.minimum_steps
        control = self._control(request)
        done = self.trainer.train(
            request.plan, weights, request.run, request.round, fewest, control
        )
        if done.loss is not None:
            log.info("round %d of run %s: mean loss %.4f", request.round, request.run, done.loss)
        try:
            update = self._encoded(request, done.update)
            digest = self._ledger.record("update", request.run, update)
            self._send(request.run, request.round, update)
        except RefusedError as e:
            elapsed = self._clock() - started
            raise too_late(request.plan, elapsed, done.seconds) or e from e
        finally:
            done.settle()
        counted = request.plan.rounds.strategy in COUNTED
        return TrainReply(
            run=request.run,
            round=request.round,
            release=RELEASE,
            update=digest,
            examples=done.examples,
            loss=done.loss if self._config.share_training_loss else None,
            seconds=done.seconds,
            tuning=tuning,
            steps=done.steps if counted else 0,
            planned=done.planned if counted else 0,
        )

    def _encoded(self, request: TrainRequest, update: Flat) -> memoryview:
        """Return a round's update as it is sent, by the plan's encoding."""
        plan, layout = request.plan, self.trainer.network(request.plan).layout
        encoding = plan.rounds.encoding
        return self._residuals.encoded(update, layout, encoding, request.run, request.round)

    def tune(self, request: TuneRequest) -> TuneReply:
        """Return the figures of the tuning split under a round's weights."""
        weights = self._fetch(request.run, request.plan, request.weights)
        figures = self._tuning(request, weights)
        return TuneReply(run=request.run, round=request.round, tuning=figures)

    def validate(self, request: ValidateRequest) -> ScoreTable:
        """Score a split and keep the scores at the site; a fallback asks of the same scores."""
        key = self._key(request.run, request.weights, request.split)
        if self._scored is None or self._scored[0] != key:
            table, weights = self.scores(request.run, request.plan, request.weights, request.split)
            keep(self._home, request, table, weights)
            self._scored = key, table
        return self._scored[1]

    def facts(self, request: ValidateRequest, table: ScoreTable) -> CohortFacts | None:
        """Return how the lesions of a score table came about, and what of the split is not in it.

        None where the site has no cohort store any more: then it is not known.
        """
        if not stamp_of(self._home):
            return None
        return Cohort.open(self._home).facts({*table.lesion.tolist()}, request.split)

    def compare(self, request: CompareRequest) -> list[ScoreTable]:
        """Score a split with each model; what the run's validation has scored is not done anew."""
        tables = []
        for m in request.models:
            known = self._scored
            if known is not None and known[0] == self._key(request.run, m.weights, request.split):
                tables.append(known[1])
            else:
                tables.append(self.scores(request.run, m.plan, m.weights, request.split)[0])
        return tables

    def scores(self, run: str, plan: Plan, digest: str, split: str) -> tuple[ScoreTable, Flat]:
        """Fetch a model's weights and return the scores of a split, and the weights.

        With `[privacy]` a split without a lesion for the plan has a table without rows, and what
        else goes wrong is told in the site's own log only: a refusal would tell of the patients.

        Raises
        ------
        EmptySplitError
            No lesion of the split has the protocol's sequences.
        RefusedError
            A site with `[privacy]` could not score its cohort.
        """
        weights = self._fetch(run, plan, digest)
        try:
            return score(self.trainer, plan, weights, split, self._config.site), weights
        except HepaFedError as e:
            if self._config.privacy is None:
                raise
            log.warning("the %s split could not be scored: %s", split, e.message)
            if isinstance(e, EmptySplitError):
                return no_scores(self._config.site), weights
            raise RefusedError("this site could not score its cohort; its log says why") from e

    def permit(self, plan: Plan) -> None:
        """Hold a round of training to policy and the training split: see `permit_training`.

        Raises
        ------
        RefusedError
            Policy does not let it pass.
        EmptySplitError
            No lesion to train on has the protocol's sequences.
        """
        patients = {*self.trainer.images(plan, "train").selection.patients}
        steps = self.trainer.steps(plan)
        permit_training(self._config, plan.training, len(patients), steps)
        if plan.training.epochs:
            must_hold_two(steps, plan.model)

    def _fetch(self, run: str, plan: Plan, digest: str) -> Flat:
        """Return a model's weights, written down in the ledger as they came."""
        layout = self.trainer.network(plan).layout
        weights = self._transfer.fetch(digest, layout)
        self._ledger.record_weights(run, digest, 2 * layout.size)
        return weights

    def _control(self, request: TrainRequest) -> ControlVariate | None:
        """Return what a round of `scaffold` came with; None by any other strategy."""
        if request.plan.rounds.strategy != "scaffold":
            return None
        size = self.trainer.network(request.plan).layout.size
        if not request.control:
            return ControlVariate(np.zeros(size, np.float32))
        values = self._fetch(request.run, request.plan, request.control)
        rounds = {c.site: c.round for c in request.counted}
        return ControlVariate(values, rounds.get(self._config.site, 0))

    def tuning_scores(
        self, request: TrainRequest | TuneRequest, weights: Flat
    ) -> ScoreTable | None:
        """Return the scores of the tuning split; None where it holds nothing for the plan."""
        return score_tuning(self.trainer, request.plan, weights, self._config.site)

    def _tuning(self, request: TrainRequest | TuneRequest, weights: Flat) -> TuningFigures:
        table = self.tuning_scores(request, weights)
        return self._tuned(request.weights, request.run, request.plan, table)

    def _key(self, run: str, weights: str, split: str) -> tuple[str, ...]:
        """Return a key of these scores; it changes when the cohort changes."""
        return run, weights, split, stamp_of(self._home)


def _seed_of(site: str) -> int:
    return int.from_bytes(site.encode()[:8].ljust(8, b"\0"), "big") % (2**31)
