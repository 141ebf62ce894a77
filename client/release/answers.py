"""A site's answers that release anything made of scores: in a validation, and of its tuning split.

Policy comes from site.toml; what left before is in exchanges.json, released.json, questions.json,
privacy.json and peers.json. Nothing leaves before the ledger has it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hepafed.client.release.comparison import make_comparison, pair_tables
from hepafed.client.release.forms import paired_form, summary_form
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.lesion_history import LesionHistory
from hepafed.client.release.masked_sum import SumParticipant
from hepafed.client.release.noise import PrivacyBook, answer_to, need_of, noisy_summary
from hepafed.client.release.prepared import NOT_HERE, Prepared, place
from hepafed.client.release.questions import Question, QuestionHistory
from hepafed.client.release.sum_history import SumHistory
from hepafed.client.release.summary import make_summary
from hepafed.common.contract import (
    TUNING_SPLIT,
    CohortFacts,
    Plan,
    PrivacyConfig,
    SiteConfig,
    TuningFigures,
    plan_digest,
)
from hepafed.common.contract.messages import (
    CompareRequest,
    KeyOffer,
    KeysRequest,
    MaskedReply,
    OpenReply,
    OpenRequest,
    PlacementsReply,
    PlacementsRequest,
    SiteComparison,
    SiteSummary,
    SumsRequest,
    ValidateRequest,
)
from hepafed.common.disclosure import (
    Counts,
    common_rows,
    counts_to_bytes,
    slot,
    tuning_figures,
    tuning_totals,
)
from hepafed.common.errors import RefusedError
from hepafed.common.statistics import ScoreTable, additive_of

LEFT_OUT = "patients who would stand alone beside earlier answers about this cohort"
"""What a summary says of patients who are left out of it because of their lesions."""
NO_TUNING = "no lesion of the tuning split has the sequences of the plan"
TUNING_THRESHOLD = 0.5
"""Where calls of the tuning split are counted: its operating point is still to be chosen."""
Upload = Callable[[str, int, bytes], None]
"""Called with a run, a slot and the content that goes there."""


class Releases:
    """Decides what leaves of the scores that a request asks for, and remembers it."""

    def __init__(
        self,
        home: Path,
        config: SiteConfig,
        ledger: Ledger,
        upload: Upload,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._upload = upload
        self._exchanges = SumHistory(home)
        self._released = LesionHistory(home)
        self._questions, self._clock = QuestionHistory(home, ledger), clock
        self._masked_sum = SumParticipant(home, config, self._exchanges)
        self._book = PrivacyBook(home, ledger)
        self._prepared: Prepared | None = None

    def summary(
        self, request: ValidateRequest, table: ScoreTable, facts: CohortFacts | None = None
    ) -> SiteSummary:
        """Release figures and totals, and the score counts in the form that policy decides.

        `facts`: how the table's cohort came about, of which policy says what leaves.

        Raises
        ------
        RefusedError
            A fallback that policy forbids, or that would leave beside a masked sum of the same
            scores; another operating point than before, or lesions that differ in a few patients.
        """
        if self._config.privacy is not None:
            return self._noisy(self._config.privacy, request, table)
        weights, threshold = request.weights, request.threshold
        form, scored = summary_form(self._config, self._exchanges, request), len(table.truth)
        table = self.narrowed(table, request.split)
        self._ask({Question.of(request.split, weights, request.plan): table})
        self._hold({weights: (table, threshold)}, request.split, form)
        made = make_summary(self._config, request, table, form, facts)
        if len(table.truth) < scored:
            made = replace(made, suppressed=(*made.suppressed, LEFT_OUT))
        self._prepared = None
        if form != "cells":
            self._prepared = Prepared.of_model(
                request.run, request.split, form, weights, request.plan, table, threshold
            )
        if form == "masked":
            self._exchanges.expect(request.run)
            return made
        self._exchanges.releasing(weights, request.split, form)
        if form == "cells":
            return made
        counts = additive_of(table, threshold).to_vector()
        return replace(made, vector=self._send("plain-counts", made.run, slot("counts", 0), counts))

    def _noisy(
        self, policy: PrivacyConfig, request: ValidateRequest, table: ScoreTable
    ) -> SiteSummary:
        """Prepare counts that leave with noise; tell nothing of the cohort beside them.

        No rule that depends on the patients may refuse here: the refusal would tell of them.
        """
        if request.fallback:
            raise RefusedError("this site's policy releases score counts with noise or not at all")
        weights, split = request.weights, request.split
        self._book.check(policy, split, need_of(policy).rho)
        self._ask({Question.of(split, weights, request.plan): table})
        self._exchanges.hold_thresholds({weights: request.threshold}, split)
        self._prepared = Prepared.of_model(
            request.run, split, "noisy", weights, request.plan, table, request.threshold
        )
        return noisy_summary(policy, request, self._config.minimum_count)

    def tuning(self, weights: str, run: str, plan: Plan, table: ScoreTable | None) -> TuningFigures:
        """Release what the tuning split says of some weights, in the form that policy decides.

        Under masks these are the numbers of cases; the counts wait for the sum. What policy or
        earlier answers forbid costs the figures, with the reason, and not the round.

        `table`: scores of the tuning split; None where no lesion is in it.
        """
        self._prepared = None
        form = "masked" if self._config.release == "masked" else "cells"
        if table is None:
            return TuningFigures(lesions=0, macro_auc=None, form=form, reason=NO_TUNING)
        try:
            table = self.narrowed(table, TUNING_SPLIT)
            if form == "cells":
                self._exchanges.releasing(weights, TUNING_SPLIT, form)
        except RefusedError as e:
            return TuningFigures(lesions=0, macro_auc=None, form=form, reason=e.message)
        self._questions.hold_tuning(table)
        if form == "cells":
            return tuning_figures(table, self._config.minimum_count)
        self._prepared = Prepared.of_model(
            run, TUNING_SPLIT, form, weights, plan, table, TUNING_THRESHOLD
        )
        return tuning_totals(table, self._exchanges.group_of(TUNING_SPLIT))

    def compare(self, request: CompareRequest, tables: list[ScoreTable]) -> SiteComparison:
        """Release paired figures of the models over the lesions that all could score.

        The paired counts follow, in the form of the score counts, only where every model scored
        the same lesions: a sum over fewer could be subtracted from one over all.

        Raises
        ------
        RefusedError
            Another operating point than before, or lesions of a few patients, or that differ in
            a few from those of earlier answers.
        """
        split = request.split
        tables = [self.narrowed(t, split) for t in tables]
        found = pair_tables(self._config, request, tables)
        common = self.narrowed(found.tables[0], split)
        narrower = len(common.truth) < len(found.tables[0].truth)
        if narrower:
            found = pair_tables(
                self._config, request, [common_rows([common, t])[1] for t in tables]
            )
        form = "figures"
        if found.whole and not narrower:
            form = paired_form(self._config, self._exchanges, found.weights, split)
        asked = [Question.of(split, m.weights, m.plan) for m in request.models]
        self._ask(dict(zip(asked, found.tables, strict=True)))
        scores = zip(found.tables, found.thresholds, strict=True)
        self._hold(dict(zip(found.weights, scores, strict=True)), split, form)
        self._prepared = None
        made = make_comparison(self._config, request.run, found, form)
        if form == "figures":
            return made
        counts = found.paired.to_vector()
        self._prepared = Prepared(
            request.run,
            split,
            form,
            found.weights,
            found.tables,
            found.thresholds,
            tuple(plan_digest(m.plan) for m in request.models),
            {"pairs": counts},
        )
        if form == "masked":
            return made
        for w in found.weights:
            self._exchanges.releasing(w, split, form)
        return replace(made, vector=self._send("plain-pairs", made.run, slot("pairs", 0), counts))

    def narrowed(self, table: ScoreTable, split: str) -> ScoreTable:
        """Return the rows of a table that may be answered beside earlier answers of the cohort.

        Raises
        ------
        RefusedError
            There are none.
        """
        if self._config.release == "plain":
            return table
        return self._questions.narrowed(table, split, self._config.minimum_count)

    def placements(self, request: PlacementsRequest) -> PlacementsReply:
        """Sum this site's placements in the pooled curves, for a masked sum or in plain.

        Raises
        ------
        RefusedError
            The site released cells: curves could be chosen so that the sums tell more than they;
            or these scores were placed in other curves before.
        PayloadError
            A curve is not one.
        """
        if self._prepared is None or self._prepared.run != request.run:
            raise RefusedError(f"{NOT_HERE}, or released cells")
        return place(self._prepared, request, self._exchanges.hold_curves)

    def keys(self, request: KeysRequest) -> KeyOffer:
        """Join an attempt at a masked sum; raises as `SumParticipant.offer_key` does."""
        return self._masked_sum.offer_key(request.terms, self._prepared)

    def sums(self, request: SumsRequest) -> MaskedReply:
        """Upload the counts under their masks; raises as `SumParticipant.mask` does."""
        terms, hidden = self._masked_sum.mask(request, self._prepared)
        where = slot(terms.subject, terms.attempt)
        digest = self._send(f"masked-{terms.subject}", terms.run, where, hidden)
        return MaskedReply(run=terms.run, exchange=terms.exchange, vector=digest)

    def open(self, request: OpenRequest) -> OpenReply:
        """Return the seed of the own mask and the bands of the AUCs, once every vector is there.

        Raises
        ------
        RefusedError
            Another vector waits to be opened, or none, or an earlier sum forbids it; or, of
            counts with noise, the cohort's budget is used up.
        """
        self._spend(request)
        found = self._exchanges.open(request.run, request.exchange)
        return OpenReply(
            run=request.run, exchange=request.exchange, seed=found.seed, bands=found.bands
        )

    def _spend(self, request: OpenRequest) -> None:
        """Write down what opening a sum tells, before it does; nothing where there is no noise."""
        terms = self._exchanges.sealed(request.run, request.exchange).terms
        policy = self._config.privacy
        if (policy is None) == (terms.noise > 0):
            raise RefusedError("[privacy] in site.toml changed since these counts were made")
        if policy is not None:
            self._book.spend(policy, answer_to(policy, terms, self._clock()))

    def _ask(self, tables: Mapping[Question, ScoreTable]) -> None:
        """Judge what the answer would tell beside earlier ones, and remember it."""
        config = self._config
        bounded = config.release == "plain" or config.privacy is not None
        minimum = 0 if bounded else config.minimum_count
        most, now = config.models_a_year, self._clock()
        self._questions.hold(tables, minimum=minimum, most=most, now=now)

    def _hold(self, scores: Mapping[str, tuple[ScoreTable, float]], split: str, form: str) -> None:
        """Keep what these scores are released over and counted at; a plain cohort hides nothing."""
        if self._config.release != "plain":
            tables = {w: table for w, (table, _) in scores.items()}
            least = self._config.minimum_count
            self._released.hold(tables, split, least, summed=form == "masked")
        self._exchanges.hold_thresholds({w: at for w, (_, at) in scores.items()}, split)

    def _send(self, kind: str, run: str, where: int, counts: Counts) -> str:
        """Upload counts, written into the ledger before; return their SHA-256."""
        content = counts_to_bytes(np.asarray(counts, np.uint64))
        digest = self._ledger.record(kind, run, content)
        self._upload(run, where, content)
        return digest
