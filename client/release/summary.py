"""What a site says of its scores of one model: figures, totals, and subgroups that it shares."""

from dataclasses import replace

from hepafed.client.release.forms import in_form
from hepafed.common.contract import CohortFacts, SiteConfig, usable_names
from hepafed.common.contract.messages import SiteSummary, ValidateRequest
from hepafed.common.disclosure import released_origin, subgroup_summaries, summarise
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import ScoreTable


def make_summary(
    policy: SiteConfig,
    request: ValidateRequest,
    table: ScoreTable,
    form: str,
    facts: CohortFacts | None = None,
) -> SiteSummary:
    """Return the summary of a score table, its score counts in one form.

    `facts`: how the table's cohort came about; None: not known.

    Raises
    ------
    PayloadError
        The subgroups asked for are not names, or too many.
    """
    made = summarise(
        table,
        run=request.run,
        model=request.model,
        weights=request.weights,
        threshold=request.threshold,
        minimum_count=policy.minimum_count,
    )
    if facts is not None:
        shared = policy.share_cohort_summary
        made = replace(made, origin=released_origin(facts, policy.minimum_count, shared=shared))
    return _with_subgroups(made, policy, request, table, form)


def _with_subgroups(
    made: SiteSummary, policy: SiteConfig, request: ValidateRequest, table: ScoreTable, form: str
) -> SiteSummary:
    """Add the subgroups that were asked for and policy shares; take out what the form forbids."""
    asked = request.subgroups
    if not usable_names(asked):
        raise PayloadError("the subgroups asked for are not names, or too many")
    shared = [v for v in asked if v in policy.share_subgroups]
    known = [v for v in shared if v in table.groups]
    found = subgroup_summaries(table, known, request.threshold, policy.minimum_count)
    gone = [f"subgroup {v}: not shared by this site's policy" for v in asked if v not in shared]
    gone += [f"subgroup {v}: not known at this site" for v in shared if v not in known]
    if known and not found:
        gone.append("subgroups: fewer patients than the site's minimum count")
    made = in_form(replace(made, subgroups=found), form, exact=policy.site_auc == "exact")
    return replace(made, suppressed=(*made.suppressed, *gone))
