"""The first step of a validation: the sites score and release figures, counts or a masked sum."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hepafed.common.contract import NoiseNeed
from hepafed.common.contract.messages import SiteSummary, ValidateRequest
from hepafed.common.disclosure import FEWEST_SITES, NOISY, counts_from_bytes, slot
from hepafed.common.disclosure.noise import LENGTH
from hepafed.common.errors import ConfigError, DataError, PayloadError
from hepafed.common.files import write_whole
from hepafed.common.json_file import sealed, unsealed
from hepafed.common.records import read_record, write_record
from hepafed.common.statistics import vector_length
from hepafed.server.masked_sums import MaskedSum, WantedSum, masked_sum
from hepafed.server.pooling import MOST_MINIMUM, check_summary
from hepafed.server.runs import Expected, LiveRun
from hepafed.server.validation.site_releases import SiteReleases

REFUSED = "refused: "
FALLBACK_SECONDS = 900.0
"""How long a fallback is waited for: the site has scored already, or scores once more."""


def gather(live: LiveRun, request: ValidateRequest, sites: list[str]) -> SiteReleases:
    """Have the sites score, then sum under masks what is to be masked, then see to the rest."""
    got = SiteReleases()
    _ask(live, request, sites, got)
    _keep(live, request, got)
    _sum_with_noise(live, request, got)
    wanting = sorted(s for s, v in got.summaries.items() if v.form == "masked")
    if not wanting:
        return got
    readers = tuple(sorted({r for s in wanting for r in got.summaries[s].readers}))
    wanted = WantedSum(
        subject="counts",
        weights=request.weights,
        split=request.split,
        length=vector_length(len(readers)),
        readers=readers,
    )
    summed = masked_sum(live, wanted, wanting)
    if not live.may_go_on():
        return got
    got.add_masked(summed, readers)
    left = {s: _why(summed, s, wanting) for s in wanting if s not in summed.sites}
    if left:
        _fall_back(live, request, left, got)
    return got


def _sum_with_noise(live: LiveRun, request: ValidateRequest, got: SiteReleases) -> None:
    """Sum the counts of sites that add noise, if all do; change `got`.

    Beside sites whose counts are exact they are left out by name, before they tell anything.
    """
    noisy = {s: v for s, v in got.summaries.items() if v.form == "noisy"}
    if not noisy:
        return
    exact = sorted(got.summaries.keys() - noisy.keys())
    if exact:
        why = f"it answers with noise, and {', '.join(exact)} without: validate them apart"
        got.missing |= dict.fromkeys(noisy, why)
        got.summaries = {s: got.summaries[s] for s in exact}
        return
    needs = {s: v.noise for s, v in noisy.items() if v.noise is not None}
    wanted = WantedSum(
        subject=NOISY, weights=request.weights, split=request.split, length=LENGTH, needs=needs
    )
    summed = masked_sum(live, wanted, sorted(noisy))
    got.missing |= {s: _why(summed, s, sorted(noisy)) for s in noisy if s not in summed.sites}
    got.add_noisy(summed, needs)
    got.summaries = {}
    for site in got.noisy.sites if got.noisy is not None else ():
        live.event("reply", site=site, form="noisy")


def _ask(live: LiveRun, request: ValidateRequest, sites: Sequence[str], got: SiteReleases) -> None:
    """Ask for figures and plain counts; change `got`."""
    length = vector_length()
    where = slot("counts", 0)
    live.stores.inbox.open_round(Expected(live.run.id, where, frozenset(sites), 8 * length))

    def on_reply(site: str, summary: SiteSummary) -> None:
        checked(site, summary, request)
        if summary.form == "plain":
            path = live.stores.inbox.take_counts(site, summary.vector, "plain")
            got.add_plain(site, summary, counts_from_bytes(path.read_bytes(), length))
            path.unlink()
        got.summaries[site] = summary
        if summary.noise is None:  # with noise a site tells nothing before its sum is opened
            live.event(
                "reply",
                site=site,
                patients=summary.patients,
                lesions=summary.lesions,
                form=summary.form,
            )

    deadline: float = live.run.plan.rounds.deadline
    if request.fallback:
        deadline = min(deadline, FALLBACK_SECONDS)
    got.missing |= live.sites.ask(sites, request, SiteSummary, deadline, on_reply)


def _keep(live: LiveRun, request: ValidateRequest, got: SiteReleases) -> None:
    """Write the figures down, and take back those of sites that answered before a restart."""
    path = live.folder / "summaries.json"
    if path.exists():
        for site, values in _kept(path).items():
            kept = read_record(SiteSummary, values, PayloadError, "summaries.json")
            waits = kept.form in ("masked", "noisy")
            if site in got.missing and waits and kept.weights == request.weights:
                got.summaries[site] = kept
                del got.missing[site]
    write_whole(path, sealed({s: write_record(v) for s, v in got.summaries.items()}))


def _kept(path: Path) -> dict[str, object]:
    """Read the figures of sites that answered before; ConfigError where the file is damaged."""
    try:
        return dict(unsealed(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as e:
        raise ConfigError(
            f"runs/{path.parent.name}/{path.name} is damaged",
            "move it away, then server resume: the sites are asked again",
        ) from e


def checked(site: str, summary: SiteSummary, request: ValidateRequest) -> None:
    """Hold a summary to what was asked for and to itself; PayloadError when it is neither."""
    if summary.weights != request.weights:
        raise PayloadError("the site scored other weights than those asked for")
    forms = ("cells", "plain") if request.fallback else ("masked", "noisy", "cells", "plain")
    if summary.form not in forms:
        raise PayloadError("the site answered with an unknown form of release")
    if (summary.form == "noisy") != (summary.noise is not None):
        raise PayloadError("the site answered with noise in another form")
    if summary.noise is not None:
        _check_noisy(summary, request, summary.noise)
        return
    try:
        check_summary(site, summary)
    except DataError as e:
        raise PayloadError(e.message) from e


def _check_noisy(summary: SiteSummary, request: ValidateRequest, need: NoiseNeed) -> None:
    """Hold an answer with noise to the only one that there is but for what it needs."""
    bare = SiteSummary(
        run=request.run,
        model=request.model,
        weights=request.weights,
        patients=0,
        lesions=0,
        by_class={},
        minimum_count=summary.minimum_count,
        tasks=(),
        confusion=None,
        form="noisy",
        noise=need,
    )
    if summary != bare or not 1 <= summary.minimum_count <= MOST_MINIMUM:
        raise PayloadError("the site told numbers of its cohort beside counts with noise")
    if not need.possible():
        raise PayloadError("the site asked for impossible noise")


def _why(summed: MaskedSum, site: str, wanting: list[str]) -> str:
    """Return the reason why a site is not in the masked sum."""
    if site in summed.lost:
        return summed.lost[site]
    if len(wanting) < FEWEST_SITES:
        return "no other site takes part in the masked sum"
    return "the masked sum failed"


def _fall_back(
    live: LiveRun, request: ValidateRequest, left: dict[str, str], got: SiteReleases
) -> None:
    """Ask those outside the sum (with the reasons in `left`) for cells; change `got`.

    A site whose policy says no keeps its own figures in the report; one that does not answer any
    more is out of it, as if it had never come.
    """
    before = {s: got.summaries.pop(s) for s in left}
    online = live.sites.online()
    got.missing |= {s: f"dropped out: {why}" for s, why in left.items() if s not in online}
    reached = [s for s in left if s in online]
    _ask(live, replace(request, fallback=True), reached, got)
    for site, reason in left.items():
        if site in got.summaries:
            got.notes[site] = reason
            continue
        failure = got.missing[site]
        if failure.startswith(REFUSED):
            got.summaries[site] = before[site]
            got.notes[site] = f"{reason}; {failure.removeprefix(REFUSED)}"
            del got.missing[site]
