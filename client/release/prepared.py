"""Counts that wait at the site, to be summed under masks or sent plain while the worker lives."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from hepafed.common.contract import TUNING_SPLIT, PlacementCurve, Plan, plan_digest
from hepafed.common.contract.messages import PlacementsReply, PlacementsRequest, Terms
from hepafed.common.disclosure import NOISY, TUNING, Counts, Totals, read_totals, totals_of
from hepafed.common.disclosure.noise import coarse_counts
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.records import write_record
from hepafed.common.statistics import FIGURES, ScoreTable, additive_of, check_curve, products_of

NOT_HERE = "this site has no scores of that run"


@dataclass(frozen=True)
class Prepared:
    """The scores of one model, or of those compared, and the counts made of them so far."""

    run: str
    split: str
    form: str
    """`masked`, `noisy` or `plain`."""
    weights: tuple[str, ...]
    """Digest of each model's weights."""
    tables: tuple[ScoreTable, ...]
    """Scores of each model."""
    thresholds: tuple[float, ...]
    """Operating point of each model."""
    plans: tuple[str, ...]
    """SHA-256 of the plan by which each model was scored."""
    vectors: dict[str, Counts] = field(default_factory=dict)
    """Subject of a sum → its counts."""
    curves: list[PlacementCurve | None] = field(default_factory=list)
    """Curves of the placement sums, as they were last asked for."""

    @classmethod
    def of_model(
        cls, run: str, split: str, form: str, weights: str, plan: Plan, table: ScoreTable, at: float
    ) -> "Prepared":
        """Return the scores of one model, by its weights and plan; `at`: its operating point."""
        return cls(run, split, form, (weights,), (table,), (at,), (plan_digest(plan),))

    @property
    def _counts(self) -> str:
        """The subject of the sum of its score counts."""
        return TUNING if self.split == TUNING_SPLIT else "counts"

    def totals(self, readers: Sequence[str] = ()) -> Totals:
        """Return the numbers of cases scored, and of readings; none where counts carry noise."""
        if self.form == "noisy":
            return ()
        return totals_of(self.tables[0]) + read_totals(self.tables[0], readers)

    def question(self, subject: str) -> str:
        """Return the SHA-256 of what a sum's counts depend on that its terms do not say.

        These are plans and operating points, and for placement sums the curves as they came.
        """
        curves = _digest(self.curves if "clusters" in subject else [])
        asked = json.dumps([list(self.plans), list(self.thresholds), curves])
        return hashlib.sha256(asked.encode()).hexdigest()

    def counts_for(self, terms: Terms) -> Counts:
        """Return the counts that a masked sum is about.

        Raises
        ------
        RefusedError
            The sum is of other scores, was not prepared here, or has another length.
        """
        if (self.run, self.weights, self.split) != (
            terms.run,
            (terms.weights, *terms.against),
            terms.split,
        ):
            raise RefusedError(NOT_HERE)
        if (terms.subject == NOISY) != (self.form == "noisy"):
            raise RefusedError(
                "this site's counts leave with noise only"
                if self.form == "noisy"
                else "this site's policy adds no noise"
            )
        if terms.subject == NOISY:
            counts = coarse_counts(self.tables[0], self.thresholds[0])
            self.vectors[NOISY] = counts.view(np.uint64)
        if terms.subject == self._counts and len(self.tables) == 1:
            sums = additive_of(self.tables[0], self.thresholds[0], terms.readers)
            self.vectors[terms.subject] = sums.to_vector()
        if terms.subject not in self.vectors:
            raise RefusedError("that sum was not prepared here")
        if terms.length != len(self.vectors[terms.subject]):
            raise RefusedError("the masked counts have another length in this release")
        return self.vectors[terms.subject]


def _digest(curves: Sequence[PlacementCurve | None]) -> str:
    text = json.dumps([c and write_record(c) for c in curves], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def place(
    prepared: Prepared,
    request: PlacementsRequest,
    hold: Callable[[Mapping[str, str], str], None],
) -> PlacementsReply:
    """Sum the site's placements in the pooled curves, for a masked sum or in plain.

    For a masked sum `hold` is called first, with the SHA-256 of each model's curves by the digest
    of its weights, and the split; what it raises leaves everything as it was.

    Raises
    ------
    RefusedError
        The counts leave with noise only.
    PayloadError
        A curve is not one, or there are more or fewer curves than figures.
    """
    if prepared.form == "noisy":
        raise RefusedError("this site's counts leave with noise only")
    count, models = len(FIGURES), len(prepared.tables)
    if len(request.curves) != count * models:
        raise PayloadError(f"{len(request.curves)} curves, not {count * models}")
    curves = [request.curves[i * count : (i + 1) * count] for i in range(models)]
    for curve in request.curves:
        if curve is not None:
            _check_monotone(curve)
    if prepared.form == "masked":
        asked = zip(prepared.weights, map(_digest, curves), strict=True)
        hold(dict(asked), prepared.split)
    vector = products_of(list(prepared.tables), curves).to_vector()
    if prepared.form == "masked":
        prepared.curves[:] = request.curves
        prepared.vectors["clusters" if models == 1 else "pair-clusters"] = vector
        return PlacementsReply(run=request.run, form="masked")
    products = tuple(vector.view(np.int64).tolist())
    return PlacementsReply(run=request.run, form="plain", products=products)


def _check_monotone(curve: PlacementCurve) -> None:
    check_curve(curve)
    up, down = np.diff(curve.of_positives), np.diff(curve.of_negatives)
    if (up < -1e-9).any() or (down > 1e-9).any():
        raise PayloadError("the placement curve is impossible")
