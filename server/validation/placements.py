"""The second step of a validation: sums of placements, for intervals of clustered lesions.

The sites that released fine counts, plain or in a masked sum, look their cases up in curves of the
pooled distribution and send sums over patients (common/clusters.py), in the form of their counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from hepafed.common.contract import (
    PlacementCurve,
    PlacementsReply,
    PlacementsRequest,
    ValidateRequest,
)
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import (
    FIGURES,
    Intervals,
    Products,
    add_products,
    curve_of,
    products_length,
)
from hepafed.server.pooling import evidence
from hepafed.server.runs import Desk, Exchange
from hepafed.server.validation.masked_sum import STEP_SECONDS, Task, masked_sum
from hepafed.server.validation.summaries import Gathered

CURVE_CELLS = 500
"""Most cells of a curve: a finer one changes nothing but the length of the message."""


def place(
    desk: Desk, exchange: Exchange, request: ValidateRequest, got: Gathered
) -> tuple[Products | None, list[str]]:
    """Have every site's placements summed; None, with a note, when one site's are missing."""
    if not desk.runs.may_go_on(request.run):
        return None, []
    without = [r.site for r in got.forms() if r.form in ("cells", "withheld")]
    if without or not got.groups:
        return None, [
            f"no clustered interval of the pooled lesions: {', '.join(without)} released no fine "
            "counts"
        ]
    known = evidence(got.summaries, got.groups).cells
    least = sum(v.minimum_count for v in got.summaries.values())
    step = Step(
        curves=curves_over((known[f] for f in FIGURES), least),
        sites=tuple(sorted(got.summaries)),
        masked=tuple(sorted({s for g in got.groups if g.form == "masked" for s in g.sites})),
        task=Task(
            request.run,
            "clusters",
            request.weights,
            request.split,
            products_length(),
            most_attempts=1,
        ),
    )
    products, gone = placed(desk, exchange, step)
    if products is None:
        return None, [f"no clustered interval of the pooled lesions: second step without {gone}"]
    return products, []


@dataclass(frozen=True)
class Step:
    """A second step: of which curves, with whom."""

    curves: tuple[PlacementCurve | None, ...]
    sites: tuple[str, ...]
    masked: tuple[str, ...]
    """Those of `sites` whose sums go under masks."""
    task: Task


def placed(desk: Desk, exchange: Exchange, step: Step) -> tuple[Products | None, str]:
    """Ask for the sums and add them up; None, and which sites are missing, when one is."""
    parts: list[Products] = []
    ready: list[str] = []
    figures = len(step.curves)

    def on_reply(site: str, message: object) -> None:
        if not isinstance(message, PlacementsReply) or message.run != step.task.run:
            raise PayloadError("an answer to another run")
        if message.form == "masked":
            ready.append(site)
        else:
            parts.append(_products(message.products, figures))

    request = PlacementsRequest(run=step.task.run, curves=step.curves)
    failed = exchange.ask(
        dict.fromkeys(step.sites, request), PlacementsReply, STEP_SECONDS, on_reply
    )
    wanting = list(step.masked)
    if not failed and sorted(ready) == wanting and wanting:
        summed = masked_sum(desk, exchange, step.task, wanting)
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
        raise PayloadError("a sum of placements beyond 64 bits") from e
    return Products.from_vector(vector, figures)


def curves_over(cells: Iterable[Intervals | str], least: int) -> tuple[PlacementCurve | None, ...]:
    """Make the curves, each cell of as many cases as all sites' minimum counts together."""
    return tuple(
        None if isinstance(c, str) else curve_of(c, max(least, 2, -(-sum(c.totals) // CURVE_CELLS)))
        for c in cells
    )
