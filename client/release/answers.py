"""What a site releases of a validation, and in which form: masked, cells or plain.

Figures and totals leave in every form; the form decides how the score counts do. Policy comes
from site.toml, memory from exchanges.json and peers.json; nothing leaves before the ledger has it.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.past_lesions import Released
from hepafed.client.release.past_sums import RESET, Exchanges
from hepafed.client.release.peers import Peers, read_own_identity
from hepafed.common.contract import (
    CompareRequest,
    KeyOffer,
    KeysRequest,
    MaskedReply,
    OpenReply,
    OpenRequest,
    PlacementCurve,
    PlacementsReply,
    PlacementsRequest,
    SiteComparison,
    SiteConfig,
    SiteSummary,
    SumsRequest,
    Terms,
    ValidateRequest,
    usable_names,
)
from hepafed.common.disclosure import (
    RELEASED,
    Counts,
    check_offer,
    check_terms,
    common_rows,
    counts_to_bytes,
    make_offer,
    masked,
    own_pairs,
    paired_of,
    slot,
    subgroup_summaries,
    summarise,
)
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.statistics import FIGURES, ScoreTable, additive_of, check_curve, products_of

Upload = Callable[[str, int, bytes], None]
"""Of (run, slot, content)."""


@dataclass(frozen=True)
class _Scored:
    """Counts that may be masked while the worker lives; of one model, or of those compared."""

    run: str
    split: str
    form: str
    weights: tuple[str, ...]
    tables: tuple[ScoreTable, ...]
    thresholds: tuple[float, ...]
    vectors: dict[str, Counts]
    """By subject."""

    @property
    def patients(self) -> int:
        return len(set(self.tables[0].patient.tolist()))


@dataclass(frozen=True)
class _Keyed:
    """An attempt whose key this site offered."""

    terms: Terms
    key: X25519PrivateKey
    offer: KeyOffer


class Releases:
    """Answers the messages of a validation that release anything."""

    def __init__(self, home: Path, config: SiteConfig, ledger: Ledger, upload: Upload) -> None:
        self._config = config
        self._ledger = ledger
        self._upload = upload
        self._home = home
        self._exchanges = Exchanges(home)
        self._released = Released(home)
        self._peers = Peers(home)
        self._scored: _Scored | None = None
        self._keyed: _Keyed | None = None

    def summary(self, request: ValidateRequest, table: ScoreTable) -> SiteSummary:
        """Release figures and totals, and the score counts in the form that policy decides.

        Raises
        ------
        RefusedError
            A fallback that policy forbids, or that would leave beside a masked sum of the same
            scores; another operating point than before, or lesions that differ in a few patients.
        """
        form = self._form(request)
        self._hold({request.weights: (table, request.threshold)}, request.split, form)
        made = summarise(
            table,
            run=request.run,
            model=request.model,
            weights=request.weights,
            threshold=request.threshold,
            minimum_count=self._config.minimum_count,
        )
        made = self._with_subgroups(replace(made, form=form), request, table)
        self._scored = None
        if form == "cells":
            self._exchanges.releasing(request.weights, request.split, form)
            return made
        made = _without_counts(made) if form == "masked" else _without_cells(made)
        self._scored = _Scored(
            request.run, request.split, form, (request.weights,), (table,), (request.threshold,), {}
        )
        if form == "masked":
            return made
        self._exchanges.releasing(request.weights, request.split, form)
        counts = additive_of(table, request.threshold).to_vector()
        digest = self._send("plain-counts", request.run, slot("counts", 0), counts)
        return replace(made, vector=digest)

    def _hold(self, scores: Mapping[str, tuple[ScoreTable, float]], split: str, form: str) -> None:
        """Keep what these scores are released over and counted at; a plain cohort hides nothing."""
        if self._config.release != "plain":
            tables = {w: table for w, (table, _) in scores.items()}
            least = self._config.minimum_count
            self._released.hold(tables, split, least, summed=form == "masked")
        self._exchanges.hold_thresholds({w: at for w, (_, at) in scores.items()}, split)

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
        common, policy = common_rows(tables), self._config
        open_cohort = policy.release == "plain"
        least = 1 if open_cohort else policy.minimum_count
        thresholds = tuple(m.threshold for m in request.models)
        weights = tuple(m.weights for m in request.models)
        paired = paired_of(common, thresholds)
        patients, lesions = (int(n) for n in paired.sums[0].size)
        if patients < least:
            raise RefusedError("fewer patients that every model could score than a smallest count")
        whole = all(len(t.truth) == len(common[0].truth) for t in tables)
        form = self._paired_form(weights, request.split) if whole else "figures"
        scores = zip(common, thresholds, strict=True)
        self._hold(dict(zip(weights, scores, strict=True)), request.split, form)
        self._scored = None
        # beside masked sums, of this run or another, one site's calls could be another's as well
        shown = policy.release != "masked"
        made = SiteComparison(
            run=request.run,
            weights=weights,
            patients=patients,
            lesions=lesions,
            minimum_count=policy.minimum_count,
            pairs=own_pairs(common, paired, least, calls=shown),
            form=form,
        )
        if form == "figures":
            return made
        vector = paired.to_vector()
        self._scored = _Scored(
            request.run, request.split, form, weights, tuple(common), thresholds, {"pairs": vector}
        )
        if form == "masked":
            return made
        for w in weights:
            self._exchanges.releasing(w, request.split, form)
        return replace(
            made, vector=self._send("plain-pairs", request.run, slot("pairs", 0), vector)
        )

    def _paired_form(self, weights: tuple[str, ...], split: str) -> str:
        """Say how paired counts may leave; where one model's counts left otherwise, not at all."""
        form = self._config.release
        before = {self._exchanges.form_of(w, split) for w in weights}
        return form if form != "cells" and before <= {"", form} else "figures"

    def _with_subgroups(
        self, made: SiteSummary, request: ValidateRequest, table: ScoreTable
    ) -> SiteSummary:
        """Add the subgroups that were asked for, that policy shares and that are known here."""
        asked = request.subgroups
        if not usable_names(asked):
            raise PayloadError("the subgroups asked for are not names, or too many")
        shared = [v for v in asked if v in self._config.share_subgroups]
        known = [v for v in shared if v in table.groups]
        found = subgroup_summaries(table, known, request.threshold, self._config.minimum_count)
        gone = [f"subgroup {v}: not shared by this site's policy" for v in asked if v not in shared]
        gone += [f"subgroup {v}: not known at this site" for v in shared if v not in known]
        if known and not found:
            gone.append("subgroups: fewer patients than the site's minimum count")
        return replace(made, subgroups=found, suppressed=(*made.suppressed, *gone))

    def _form(self, request: ValidateRequest) -> str:
        policy = self._config
        if policy.release != "masked":
            return policy.release
        before = self._exchanges.form_of(request.weights, request.split)
        if not request.fallback and before in ("", "masked"):
            return "masked"
        if policy.fallback == "none":
            raise RefusedError("this site's policy releases score counts masked or not at all")
        if before == "masked":
            raise RefusedError(
                "these scores were released masked before: cells beside the sum would tell of "
                "the other sites",
                RESET,
            )
        return "cells"

    def placements(self, request: PlacementsRequest) -> PlacementsReply:
        """Sum this site's placements in the pooled curves, for a masked sum or in plain.

        Raises
        ------
        RefusedError
            The site released cells: curves could be chosen so that the sums tell more than they.
        PayloadError
            A curve is not one.
        """
        scored = self._scored
        if scored is None or scored.run != request.run:
            raise RefusedError("this site has no scores of that run at hand, or released cells")
        count, models = len(FIGURES), len(scored.tables)
        if len(request.curves) != count * models:
            raise PayloadError(f"{len(request.curves)} curves, not {count * models}")
        for curve in request.curves:
            if curve is not None:
                _check_monotone(curve)
        curves = [request.curves[i * count : (i + 1) * count] for i in range(models)]
        vector = products_of(list(scored.tables), curves).to_vector()
        if scored.form == "masked":
            scored.vectors["clusters" if models == 1 else "pair-clusters"] = vector
            return PlacementsReply(run=request.run, form="masked")
        products = tuple(vector.view(np.int64).tolist())
        return PlacementsReply(run=request.run, form="plain", products=products)

    def keys(self, request: KeysRequest) -> KeyOffer:
        """Join an attempt at a masked sum: a fresh key, signed under its terms."""
        terms, scored, policy = request.terms, self._scored, self._config
        check_terms(terms)
        if scored is None or (scored.run, scored.weights, scored.split) != (
            terms.run,
            (terms.weights, *terms.against),
            terms.split,
        ):
            raise RefusedError("this site has no scores of that run at hand")
        if terms.subject == "counts" and len(scored.tables) == 1:
            sums = additive_of(scored.tables[0], scored.thresholds[0], terms.readers)
            scored.vectors["counts"] = sums.to_vector()
        if terms.subject not in scored.vectors:
            raise RefusedError("a sum that was not prepared here")
        if terms.length != len(scored.vectors[terms.subject]):
            raise RefusedError("the masked counts have another length in this release")
        if policy.site not in terms.participants:
            raise RefusedError("a masked sum that this site is no part of")
        if len(terms.participants) < policy.minimum_peers:
            raise RefusedError(
                f"a masked sum over {len(terms.participants)} sites; "
                f"this site's policy asks for {policy.minimum_peers}"
            )
        self._exchanges.begin(terms)
        key = X25519PrivateKey.generate()
        offer = make_offer(terms, policy.site, scored.patients, key, read_own_identity(self._home))
        self._keyed = _Keyed(terms, key, offer)
        return offer

    def sums(self, request: SumsRequest) -> MaskedReply:
        """Check every participant's key, mask the counts, upload them."""
        keyed, scored = self._keyed, self._scored
        self._keyed = None  # a key serves one vector, whatever happens next
        if keyed is None or keyed.terms.exchange != request.exchange or scored is None:
            raise RefusedError("no key of this exchange waits here: a replay, or too late")
        terms = keyed.terms
        if tuple(o.site for o in request.offers) != terms.participants:
            raise RefusedError("the keys are not those of the participants that were named")
        own = next(o for o in request.offers if o.site == self._config.site)
        if own != keyed.offer:
            raise RefusedError("this site's own key came back changed")
        others = [o for o in request.offers if o.site != self._config.site]
        for offer in others:
            check_offer(terms, offer)
        patients = sum(max(0, o.patients) for o in request.offers)
        if patients < self._config.minimum_patients:
            raise RefusedError(
                f"a masked sum over {patients} patients; "
                f"this site's policy asks for {self._config.minimum_patients}"
            )
        self._peers.check(
            {o.site: o.identity for o in request.offers},
            self._config.peer_trust,
            self._config.site,
            datetime.now(UTC),
        )
        seed = secrets.token_bytes(32)
        hidden = masked(
            scored.vectors[terms.subject], terms, self._config.site, keyed.key, request.offers, seed
        )
        self._exchanges.seal(terms, seed)
        digest = self._send(
            f"masked-{terms.subject}", terms.run, slot(terms.subject, terms.attempt), hidden
        )
        return MaskedReply(run=terms.run, exchange=terms.exchange, vector=digest)

    def open(self, request: OpenRequest) -> OpenReply:
        """Give the seed of the own mask, once every vector has arrived."""
        seed = self._exchanges.open(request.run, request.exchange)
        return OpenReply(run=request.run, exchange=request.exchange, seed=seed)

    def _send(self, kind: str, run: str, where: int, counts: Counts) -> str:
        content = counts_to_bytes(np.asarray(counts, np.uint64))
        digest = self._ledger.record(kind, run, content)
        self._upload(run, where, content)
        return digest


def _check_monotone(curve: PlacementCurve) -> None:
    check_curve(curve)
    up, down = np.diff(curve.of_positives), np.diff(curve.of_negatives)
    if (up < -1e-9).any() or (down > 1e-9).any():
        raise PayloadError("a placement curve that no distribution has")


def _without_cells(summary: SiteSummary) -> SiteSummary:
    """Take the cells out, and the words that say some were too few: the vector holds them."""
    return replace(
        summary,
        tasks=tuple(replace(t, cells=None) for t in summary.tasks),
        suppressed=tuple(s for s in summary.suppressed if not s.endswith(": cells")),
    )


def _without_counts(summary: SiteSummary) -> SiteSummary:
    """Take out every count that the masked sum holds but the totals and the confusion table."""
    words = {n.replace("_", " ") for n in RELEASED}
    bare = _without_cells(summary)
    suppressed = tuple(s for s in bare.suppressed if s not in words)
    return replace(bare, sections={}, suppressed=suppressed)
