"""In which form score counts leave the site: masked, cells or plain.

Totals leave in every form. Beside a masked sum nothing else does that is made of scores
(docs/decisions/0019). What a form does not allow is taken out of a summary here.
"""

from dataclasses import replace

from hepafed.client.release.sum_history import RESET, SumHistory
from hepafed.common.contract import Figure, SiteConfig
from hepafed.common.contract.messages import SiteSummary, ValidateRequest
from hepafed.common.disclosure import POOLED_ONLY
from hepafed.common.errors import RefusedError


def summary_form(policy: SiteConfig, past: SumHistory, request: ValidateRequest) -> str:
    """Return the form in which a summary's score counts may leave: masked, cells or plain.

    Raises
    ------
    RefusedError
        The coordinator asks for a fallback that policy forbids, before a masked sum was tried, or
        beside one of the same scores.
    """
    if policy.release != "masked":
        return policy.release
    before = past.form_of(request.weights, request.split)
    if not request.fallback and before in ("", "masked"):
        return "masked"
    if policy.fallback == "none":
        raise RefusedError("this site's policy releases score counts masked or not at all")
    if before == "masked":
        raise RefusedError(
            "these scores were released masked before: cells and the sum together would reveal "
            "the other sites",
            RESET,
        )
    if before != "cells" and not past.may_fall_back(request.run, request.split):
        raise RefusedError(
            "cells are a fallback: no masked sum of this run was tried with this site and failed"
        )
    return "cells"


def paired_form(policy: SiteConfig, past: SumHistory, weights: tuple[str, ...], split: str) -> str:
    """Return the form in which paired counts may leave: masked, plain or `figures` (not at all).

    They do not leave where policy releases cells, nor where the counts of one of the models left
    in another form.
    """
    form = policy.release
    before = {past.form_of(w, split) for w in weights}
    return form if form != "cells" and before <= {"", form} else "figures"


def in_form(summary: SiteSummary, form: str, *, exact: bool = False) -> SiteSummary:
    """Return a summary that says its form and holds only what the form allows.

    `exact`: policy lets the site's own AUCs leave beside a masked sum.
    """
    summary = replace(summary, form=form)
    if form == "cells":
        return summary
    return _totals_alone(summary, exact=exact) if form == "masked" else _without_cells(summary)


def _without_cells(summary: SiteSummary) -> SiteSummary:
    """Take the cells out, and the words that say some were too few: the vector holds them."""
    return replace(
        summary,
        tasks=tuple(replace(t, cells=None) for t in summary.tasks),
        suppressed=tuple(s for s in summary.suppressed if not s.endswith(": cells")),
    )


def _totals_alone(summary: SiteSummary, *, exact: bool) -> SiteSummary:
    """Take out all that the masked sum holds, and whatever else is made of scores."""
    gone = Figure(reason=POOLED_ONLY)
    return replace(
        summary,
        tasks=tuple(
            replace(
                t,
                auc=t.auc if exact else gone,
                true_positives=None,
                true_negatives=None,
                cells=None,
                figures={},
            )
            for t in summary.tasks
        ),
        subgroups=tuple(
            g
            if g.positives is None
            else replace(g, auc=gone, true_positives=None, true_negatives=None)
            for g in summary.subgroups
        ),
        confusion=None,
        sections={},
        figures={},
        suppressed=(),
    )
