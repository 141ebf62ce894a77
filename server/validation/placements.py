"""The placement sums of a validation, for intervals of clustered lesions.

The sites that released fine counts, plain or in a masked sum, look their cases up in curves of the
pooled distribution. They send sums over patients (common/statistics/placement_sums.py) in the
form of their counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from hepafed.common.contract import PlacementCurve
from hepafed.common.contract.messages import PlacementsReply, PlacementsRequest, ValidateRequest
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import (
    FIGURES,
    Intervals,
    Products,
    add_products,
    curve_of,
    products_length,
)
from hepafed.server.masked_sums import WantedSum, masked_sum
from hepafed.server.pooling import evidence
from hepafed.server.runs import LiveRun
from hepafed.server.validation.site_releases import SiteReleases

CURVE_CELLS = 500
"""Most cells of a curve: a finer one changes nothing but the length of the message."""


def place(
    live: LiveRun, request: ValidateRequest, got: SiteReleases
) -> tuple[Products | None, list[str]]:
    """Have every site's placements summed; None, with a note, when one site's are missing."""
    if not live.may_go_on() or got.noisy is not None:
        return None, []
    without = [r.site for r in got.forms() if r.form in ("cells", "withheld")]
    if without or not got.groups:
        return None, [
            f"no clustered interval of the pooled lesions: {', '.join(without)} released no fine "
            "counts"
        ]
    known = evidence(got.summaries, got.groups).cells
    least = sum(v.minimum_count for v in got.summaries.values())
    step = PlacementStep(
        curves=curves_over((known[f] for f in FIGURES), least),
        sites=tuple(sorted(got.summaries)),
        masked=tuple(sorted({s for g in got.groups if g.form == "masked" for s in g.sites})),
        wanted=WantedSum(
            subject="clusters",
            weights=request.weights,
            split=request.split,
            length=products_length(),
            most_attempts=1,
        ),
    )
    products, gone = sum_placements(live, step)
    if products is None:
        return None, [
            "no clustered interval of the pooled lesions: sums over patients are missing from "
            f"{gone}"
        ]
    return products, []


@dataclass(frozen=True)
class PlacementStep:
    """The placement sums of a validation or comparison: of which curves, with whom."""

    curves: tuple[PlacementCurve | None, ...]
    sites: tuple[str, ...]
    masked: tuple[str, ...]
    """Those of `sites` whose sums go under masks."""
    wanted: WantedSum
    """The sum over the sites in `masked`."""


def sum_placements(live: LiveRun, step: PlacementStep) -> tuple[Products | None, str]:
    """Ask for the sums and add them up; None, and which sites are missing, when one is."""
    parts: list[Products] = []
    ready: list[str] = []
    figures = len(step.curves)

    def on_reply(site: str, reply: PlacementsReply) -> None:
        if reply.form == "masked":
            ready.append(site)
        else:
            parts.append(_products(reply.products, figures))

    request = PlacementsRequest(run=live.run.id, curves=step.curves)
    failed = live.sites.ask(step.sites, request, PlacementsReply, live.step_seconds, on_reply)
    wanting = list(step.masked)
    if not failed and sorted(ready) == wanting and wanting:
        summed = masked_sum(live, step.wanted, wanting)
        failed = dict(summed.lost)
        if summed.total is not None:
            parts.append(Products.from_vector(summed.total, figures))
    if failed or sorted(ready) != wanting or not parts:
        return None, ", ".join(f"{s} ({r})" for s, r in sorted(failed.items())) or "a site"
    return add_products(parts), ""


def _products(values: tuple[int, ...], figures: int) -> Products:
    try:
        vector = np.array(values, np.int64).view(np.uint64)
    except OverflowError as e:
        raise PayloadError("a placement sum beyond 64 bits") from e
    return Products.from_vector(vector, figures)


def curves_over(cells: Iterable[Intervals | str], least: int) -> tuple[PlacementCurve | None, ...]:
    """Make the curves, each cell of as many cases as all sites' minimum counts together."""
    return tuple(
        None if isinstance(c, str) else curve_of(c, max(least, 2, -(-sum(c.totals) // CURVE_CELLS)))
        for c in cells
    )
