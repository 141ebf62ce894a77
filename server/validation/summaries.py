"""What the sites of a validation release, in whichever form: figures, cells, plain and masked."""

import json
from dataclasses import dataclass, field, replace

import numpy as np
from hepafed.common.contract import SiteSummary, ValidateRequest
from hepafed.common.disclosure import FEWEST_SITES, counts_from_bytes, slot
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.files import write_whole
from hepafed.common.records import read_record, write_record
from hepafed.common.statistics import Additive, check_additive, sections, vector_length
from hepafed.server.formats import FormRow
from hepafed.server.pooling import Group, check_summary
from hepafed.server.runs import Desk, Exchange, Expected
from hepafed.server.validation.masked_sum import MaskedSum, Task, masked_sum

REFUSED = "refused: "
FALLBACK_SECONDS = 900.0
"""How long a fallback is waited for: the site has scored already, or scores once more."""


@dataclass
class Gathered:
    """Everything that came in."""

    summaries: dict[str, SiteSummary] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    """Fine counts: of one site that released them plain, or the masked sum of several."""
    missing: dict[str, str] = field(default_factory=dict)
    """Sites that are not in the report, with the reason."""
    notes: dict[str, str] = field(default_factory=dict)
    """Sites whose score counts came in another form than policy prefers, or not at all."""

    def forms(self) -> tuple[FormRow, ...]:
        """Say for each site in which form its score counts came, and why in no better one."""
        grouped = {s: g for g in self.groups for s in g.sites}
        made = []
        for site, summary in sorted(self.summaries.items()):
            group = grouped.get(site)
            form = "withheld" if summary.form == "masked" and group is None else summary.form
            made.append(
                FormRow(
                    site=site,
                    form=form,
                    sum_over=group.sites if group and form == "masked" else (),
                    minimum_count=summary.minimum_count,
                    reason=self.notes.get(site, ""),
                )
            )
        return tuple(made)


def gather(
    desk: Desk, exchange: Exchange, request: ValidateRequest, sites: list[str], deadline: float
) -> Gathered:
    """Have the sites score, then sum under masks what is to be masked, then see to the rest."""
    got = Gathered()
    _ask(desk, exchange, request, sites, deadline, got)
    _keep(desk, request, got)
    wanting = sorted(s for s, v in got.summaries.items() if v.form == "masked")
    if not wanting:
        return got
    readers = tuple(sorted({r for s in wanting for r in got.summaries[s].readers}))
    task = Task(
        request.run, "counts", request.weights, request.split, vector_length(len(readers)), readers
    )
    summed = masked_sum(desk, exchange, task, wanting)
    if not desk.runs.may_go_on(request.run):
        return got
    _take_sum(got, summed, readers)
    left = {s: _why(summed, s, wanting) for s in wanting if s not in summed.sites}
    if left:
        _fall_back(desk, exchange, request, left, deadline, got)
    return got


def _ask(
    desk: Desk,
    exchange: Exchange,
    request: ValidateRequest,
    sites: list[str],
    deadline: float,
    got: Gathered,
) -> None:
    """Ask for figures; changes `got`."""
    length = vector_length()
    desk.inbox.open_round(Expected(request.run, slot("counts", 0), frozenset(sites), 8 * length))

    def on_reply(site: str, message: object) -> None:
        summary = _checked(site, message, request)
        if summary.form == "plain":
            path = desk.inbox.take(site, summary.vector)
            if path is None:
                raise PayloadError("the plain counts did not arrive, or are not those announced")
            sums = Additive.from_vector(counts_from_bytes(path.read_bytes(), length))
            sums = _with_readers(sums, summary)
            _check_sums(sums, [summary], site)
            path.unlink()
            got.groups.append(Group((site,), sums, "plain"))
        got.summaries[site] = summary
        desk.runs.event(
            request.run,
            "reply",
            site=site,
            patients=summary.patients,
            lesions=summary.lesions,
            form=summary.form,
        )

    failed = exchange.ask(dict.fromkeys(sites, request), SiteSummary, deadline, on_reply)
    got.missing |= failed


def _keep(desk: Desk, request: ValidateRequest, got: Gathered) -> None:
    """Write the figures down, and take back those of sites that answered before a restart."""
    path = desk.runs.folder(request.run) / "summaries.json"
    if path.exists():
        for site, values in json.loads(path.read_text()).items():
            kept = read_record(SiteSummary, values, PayloadError, "summaries.json")
            if site in got.missing and kept.form == "masked" and kept.weights == request.weights:
                got.summaries[site] = kept
                del got.missing[site]
    write_whole(path, json.dumps({s: write_record(v) for s, v in got.summaries.items()}))


def _checked(site: str, message: object, request: ValidateRequest) -> SiteSummary:
    if not isinstance(message, SiteSummary) or message.run != request.run:
        raise PayloadError("an answer to another run")
    if message.weights != request.weights:
        raise PayloadError("the site scored other weights than those asked for")
    if message.form not in ("masked", "cells", "plain") or (request.fallback, message.form) == (
        True,
        "masked",
    ):
        raise PayloadError("a form of release that does not exist")
    try:
        check_summary(site, message)
    except DataError as e:
        raise PayloadError(e.message) from e
    return message


def _check_sums(sums: Additive, summaries: list[SiteSummary], what: str) -> None:
    """Hold fine counts to the totals that the same sites released beside them."""
    check_additive(sums, what)
    patients, lesions = (int(n) for n in sums.size)
    told = (sum(s.patients for s in summaries), sum(s.lesions for s in summaries))
    if (patients, lesions) != told:
        raise PayloadError(f"the sums of {what} are not over the patients that were announced")


def _with_readers(sums: Additive, summary: SiteSummary) -> Additive:
    """Put in the readers' counts of the summary: plain counts hold none."""
    calls, pairs = (summary.sections.get(n) for n in ("reader_calls", "reader_pairs"))
    if not summary.readers or calls is None or pairs is None:
        return sums
    shapes = sections(len(summary.readers))
    return replace(
        sums,
        readers=summary.readers,
        reader_calls=np.array(calls, np.int64).reshape(shapes["reader_calls"]),
        reader_pairs=np.array(pairs, np.int64).reshape(shapes["reader_pairs"]),
    )


def _take_sum(got: Gathered, summed: MaskedSum, readers: tuple[str, ...]) -> None:
    """Put the opened sum beside its sites' figures; changes `got`."""
    if summed.total is None:
        return
    gone = [s for s in summed.sites if s not in got.summaries]
    try:
        if gone:
            raise PayloadError(f"the sum holds {', '.join(gone)}, whose figures are missing")
        sums = Additive.from_vector(summed.total, readers)
        members = [got.summaries[s] for s in summed.sites]
        _check_sums(sums, members, ", ".join(summed.sites))
    except PayloadError as e:
        got.notes |= dict.fromkeys(summed.sites, e.message)
        return
    got.groups.append(Group(summed.sites, sums))


def _why(summed: MaskedSum, site: str, wanting: list[str]) -> str:
    if site in summed.lost:
        return summed.lost[site]
    if len(wanting) < FEWEST_SITES:
        return "no other site to be masked with"
    return "the masked sum did not come about"


def _fall_back(
    desk: Desk,
    exchange: Exchange,
    request: ValidateRequest,
    left: dict[str, str],
    deadline: float,
    got: Gathered,
) -> None:
    """Ask those outside the sum for cells; changes `got`.

    A site whose policy says no keeps its own figures in the report; one that does not answer any
    more is out of it, as if it had never come.
    """
    before = {s: got.summaries.pop(s) for s in left}
    second, online = replace(request, fallback=True), exchange.online()
    got.missing |= {s: f"went away: {why}" for s, why in left.items() if s not in online}
    reached = [s for s in left if s in online]
    _ask(desk, exchange, second, reached, min(deadline, FALLBACK_SECONDS), got)
    for site, reason in left.items():
        if site in got.summaries:
            got.notes[site] = reason
            continue
        failure = got.missing[site]
        if failure.startswith(REFUSED):
            got.summaries[site] = before[site]
            got.notes[site] = f"{reason}; {failure.removeprefix(REFUSED)}"
            del got.missing[site]
