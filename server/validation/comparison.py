"""Frozen models compared at the sites: paired figures of each, and sums where all release them."""

from collections.abc import Mapping
from dataclasses import replace

from hepafed.common.contract import plan_from
from hepafed.common.contract.messages import (
    ComparedModel,
    CompareRequest,
    SiteComparison,
    SiteSummary,
)
from hepafed.common.disclosure import (
    FEWEST_SITES,
    Counts,
    Paired,
    add_paired,
    check_paired,
    counts_from_bytes,
    paired_length,
    slot,
)
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.statistics import (
    FIGURES,
    Products,
    intervals_of_histogram,
    pair_histogram,
    products_length,
)
from hepafed.server.formats import ModelCard
from hepafed.server.masked_sums import WantedSum, masked_sum
from hepafed.server.pooling import Compared, check_comparison
from hepafed.server.runs import Expected, LiveRun
from hepafed.server.validation.placements import PlacementStep, curves_over, sum_placements


def compare(
    live: LiveRun, summaries: Mapping[str, SiteSummary], cards: list[ModelCard]
) -> tuple[Compared | None, list[str]]:
    """Have the models of `cards` compared at the sites that gave summaries; also return notes.

    The weights must have been published. Pooled figures are those of all cases where every site
    that answers releases paired counts, else random effects over the sites' own.
    """
    run = live.run
    if not cards[1:] or not live.may_go_on():
        return None, []
    if not summaries:
        return None, ["models are not compared: counts with noise are those of one model"]
    request = CompareRequest(run=run.id, split=run.split, models=tuple(map(_model, cards)))
    found, parts, failed = _ask(live, request, summaries)
    live.note_missing({s: f"comparison: {reason}" for s, reason in failed.items()})
    notes = [f"{s} is not in the comparison of models: {r}" for s, r in sorted(failed.items())]
    names = tuple(c.id for c in cards)
    compared = Compared(names=names, sites=dict(sorted(found.items())), absent=failed)
    if not found or any(v.form == "figures" for v in found.values()):
        return compared, notes
    paired, why = _paired(live, request, found, parts)
    if paired is not None:
        products, why = _placed(live, request, found, paired)
        if products is not None:
            return replace(compared, paired=paired, products=products), notes
        if any(v.form == "masked" for v in found.values()):
            note = f"the comparison of models has no intervals: {why}"
            return replace(compared, paired=paired), [*notes, note]
    note = f"the comparison of models pools the sites' own figures, not their cases: {why}"
    return compared, [*notes, note]


def _model(card: ModelCard) -> ComparedModel:
    return ComparedModel(
        model=card.id,
        plan=plan_from(card.plan),
        weights=card.sha256,
        threshold=card.operating_point.threshold,
    )


def _ask(
    live: LiveRun, request: CompareRequest, summaries: Mapping[str, SiteSummary]
) -> tuple[dict[str, SiteComparison], list[Paired], dict[str, str]]:
    """Ask for the sites' own figures; return them, the plain counts, and who gave none."""
    found: dict[str, SiteComparison] = {}
    parts: list[Paired] = []
    weights = tuple(m.weights for m in request.models)
    sites, length = sorted(summaries), paired_length(len(weights))
    where = slot("pairs", 0)
    live.stores.inbox.open_round(Expected(live.run.id, where, frozenset(sites), 8 * length))

    def on_reply(site: str, message: SiteComparison) -> None:
        if message.weights != weights or message.form not in ("masked", "plain", "figures"):
            raise PayloadError("the site compared other models than those asked for")
        try:
            check_comparison(site, message, len(weights), summaries[site])
        except DataError as e:
            raise PayloadError(e.message) from e
        if message.form == "plain":
            path = live.stores.inbox.take_counts(site, message.vector, "plain")
            vector = counts_from_bytes(path.read_bytes(), length)
            path.unlink()
            parts.append(_checked(vector, request, {site: message}))
        found[site] = message
        live.event("compared", site=site, patients=message.patients, form=message.form)

    # every model but the first is scored before a site answers
    deadline = live.run.plan.rounds.deadline * len(weights)
    failed = live.sites.ask(sites, request, SiteComparison, deadline, on_reply)
    return found, parts, failed


def _checked(vector: Counts, request: CompareRequest, members: dict[str, SiteComparison]) -> Paired:
    """Read paired counts and hold them to what the same sites released beside them."""
    paired, what = Paired.from_vector(vector, len(request.models)), ", ".join(members)
    check_paired(paired, what)
    told = [sum(v.patients for v in members.values()), sum(v.lesions for v in members.values())]
    if any(s.size.tolist() != told for s in paired.sums):
        raise PayloadError(f"the paired sums of {what} are not over the announced patients")
    return paired


def _paired(
    live: LiveRun,
    request: CompareRequest,
    found: dict[str, SiteComparison],
    parts: list[Paired],
) -> tuple[Paired | None, str]:
    """Add up the paired counts of all sites; None, and why, when some are missing."""
    wanting = sorted(s for s, v in found.items() if v.form == "masked")
    if not wanting:
        return add_paired(parts), ""
    if len(wanting) < FEWEST_SITES:
        return None, f"{wanting[0]}: no other site takes part in the masked sum"
    wanted = _wanted(request, "pairs", paired_length(len(request.models)))
    summed = masked_sum(live, wanted, wanting)
    if summed.total is None or summed.sites != tuple(wanting):
        lost = "; ".join(f"{s}: {r}" for s, r in sorted(summed.lost.items()))
        return None, f"the masked sum failed ({lost or 'it was interrupted'})"
    try:
        masked = _checked(summed.total, request, {s: found[s] for s in wanting})
    except PayloadError as e:
        return None, e.message
    return add_paired([*parts, masked]), ""


def _wanted(request: CompareRequest, subject: str, length: int) -> WantedSum:
    first, *others = (m.weights for m in request.models)
    return WantedSum(
        subject=subject,
        weights=first,
        split=request.split,
        length=length,
        against=tuple(others),
        most_attempts=1,
    )


def _placed(
    live: LiveRun, request: CompareRequest, found: dict[str, SiteComparison], paired: Paired
) -> tuple[Products | None, str]:
    """Have the placement sums of all models made at once."""
    cells = [intervals_of_histogram(pair_histogram(s, f)) for s in paired.sums for f in FIGURES]
    least = sum(v.minimum_count for v in found.values())
    curves = curves_over(cells, least)
    step = PlacementStep(
        curves=curves,
        sites=tuple(sorted(found)),
        masked=tuple(sorted(s for s, v in found.items() if v.form == "masked")),
        wanted=_wanted(request, "pair-clusters", products_length(len(curves))),
    )
    products, gone = sum_placements(live, step)
    return products, f"sums over patients are missing from {gone}" if products is None else ""
