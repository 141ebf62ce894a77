"""The second step of a validation: sums of placements, for intervals of clustered lesions.

The sites that released fine counts, plain or in a masked sum, look their cases up in curves of the
pooled distribution and send sums over patients (common/clusters.py), in the form of their counts.
"""

import numpy as np
from hepafed.common.clusters import FIGURES, Products, add_products, curve_of, products_length
from hepafed.common.errors import PayloadError
from hepafed.common.messages import (
    PlacementCurve,
    PlacementsReply,
    PlacementsRequest,
    ValidateRequest,
)
from hepafed.server.exchange import Exchange
from hepafed.server.gathering import Gathered
from hepafed.server.masked import STEP_SECONDS, Task, masked_sum
from hepafed.server.pooling.evidence import evidence
from hepafed.server.rounds import Desk

CURVE_CELLS = 500
"""Most cells of a curve: a finer one changes nothing but the length of the message."""


def place(
    desk: Desk, exchange: Exchange, request: ValidateRequest, got: Gathered
) -> tuple[Products | None, list[str]]:
    """Have every site's placements summed; None, with a note, when one site's are missing."""
    if not desk.runs.may_go_on(request.run):
        return None, []
    without = [r["site"] for r in got.forms() if r["form"] in ("cells", "withheld")]
    if without or not got.groups:
        return None, [
            f"no clustered interval of the pooled lesions: {', '.join(without)} released no fine "
            "counts"
        ]
    parts: list[Products] = []
    ready: list[str] = []

    def on_reply(site: str, message: object) -> None:
        if not isinstance(message, PlacementsReply) or message.run != request.run:
            raise PayloadError("an answer to another run")
        if message.form == "masked":
            ready.append(site)
        else:
            parts.append(_products(message.products))

    second = PlacementsRequest(run=request.run, curves=_curves(got))
    sites = sorted(got.summaries)
    failed = exchange.ask(dict.fromkeys(sites, second), PlacementsReply, STEP_SECONDS, on_reply)
    masked = sorted({s for g in got.groups if g.form == "masked" for s in g.sites})
    if not failed and sorted(ready) == masked and masked:
        task = Task(
            request.run,
            "clusters",
            request.weights,
            request.split,
            products_length(),
            most_attempts=1,
        )
        summed = masked_sum(desk, exchange, task, masked)
        failed = dict(summed.lost)
        if summed.total is not None:
            parts.append(Products.from_vector(summed.total))
    if failed or sorted(ready) != masked or not parts:
        gone = ", ".join(f"{s} ({r})" for s, r in sorted(failed.items())) or "a site"
        return None, [f"no clustered interval of the pooled lesions: second step without {gone}"]
    return add_products(parts), []


def _products(values: tuple[int, ...]) -> Products:
    try:
        vector = np.array(values, np.int64).view(np.uint64)
    except OverflowError as e:
        raise PayloadError("a sum of placements beyond 64 bits") from e
    return Products.from_vector(vector)


def _curves(got: Gathered) -> tuple[PlacementCurve | None, ...]:
    """Make the curves, each cell of as many cases as all sites' minimum counts together."""
    known = evidence(got.summaries, got.groups).cells
    least = sum(v.minimum_count for v in got.summaries.values())
    made: list[PlacementCurve | None] = []
    for figure in FIGURES:
        cells = known[figure]
        if isinstance(cells, str):
            made.append(None)
            continue
        cases = sum(cells.totals)
        made.append(curve_of(cells, max(least, 2, -(-cases // CURVE_CELLS))))
    return tuple(made)
