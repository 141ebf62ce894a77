"""In which form score counts leave the site: masked, cells or plain.

Figures and totals leave in every form. What the form does not allow is taken out of a summary
here.
"""

from dataclasses import replace

from hepafed.client.release.sum_history import RESET, SumHistory
from hepafed.common.contract import SiteConfig
from hepafed.common.contract.messages import SiteSummary, ValidateRequest
from hepafed.common.disclosure import RELEASED
from hepafed.common.errors import RefusedError


def summary_form(policy: SiteConfig, past: SumHistory, request: ValidateRequest) -> str:
    """Return the form in which a summary's score counts may leave: masked, cells or plain.

    Raises
    ------
    RefusedError
        The coordinator asks for a fallback that policy forbids, or cells would leave beside a
        masked sum of the same scores.
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
    return "cells"


def paired_form(policy: SiteConfig, past: SumHistory, weights: tuple[str, ...], split: str) -> str:
    """Return the form in which paired counts may leave: masked, plain or `figures` (not at all).

    They do not leave where policy releases cells, nor where the counts of one of the models left
    in another form.
    """
    form = policy.release
    before = {past.form_of(w, split) for w in weights}
    return form if form != "cells" and before <= {"", form} else "figures"


def in_form(summary: SiteSummary, form: str) -> SiteSummary:
    """Return a summary that says its form and holds only the counts which the form allows."""
    summary = replace(summary, form=form)
    if form == "cells":
        return summary
    return _without_counts(summary) if form == "masked" else _without_cells(summary)


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
