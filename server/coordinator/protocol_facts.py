"""What is known of the sites' data for a plan: from cohort surveys and earlier runs."""

from collections.abc import Iterator
from dataclasses import dataclass

from hepafed.common.contract import Plan
from hepafed.common.errors import HepaFedError
from hepafed.server.runs import Run, Runs
from hepafed.server.validation import read_survey

MOST_RUNS = 50
"""How many earlier runs are read, the newest first."""
NO_LESION = "no lesion of the train split has the sequences of"
"""Words of a site's refusal that has nothing to train on."""


@dataclass(frozen=True)
class ProtocolFact:
    """What one site said last of its examinations for a protocol."""

    site: str
    at: str
    """UTC, ISO 8601."""
    has: bool | None
    """None where the site was asked and did not say."""
    patients: int | None = None
    """None where the number is withheld, or was not asked for."""


def protocol_facts(runs: Runs, plan: Plan) -> dict[str, ProtocolFact]:
    """Return by site the newest fact about its examinations for the plan's protocol.

    Surveys count for a plan with `data.missing = "drop"`: any other needs one sequence and not all.
    """
    known: dict[str, ProtocolFact] = {}
    for fact in sorted(_said(runs, plan), key=lambda f: f.at, reverse=True):
        known.setdefault(fact.site, fact)
    return known


def _said(runs: Runs, plan: Plan) -> Iterator[ProtocolFact]:
    asked = plan.protocol, plan.data
    for run in [*reversed(runs.all())][:MOST_RUNS]:
        if run.kind == "cohort" and plan.data.missing == "drop":
            yield from _of_survey(runs, run, plan.protocol)
        elif run.kind == "train" and (run.plan.protocol, run.plan.data) == asked:
            yield from _of_training(runs, run)


def _of_survey(runs: Runs, run: Run, protocol: str) -> Iterator[ProtocolFact]:
    try:
        found = read_survey(runs.folder(run.id))
    except HepaFedError:  # it is under way, it failed, or its file is damaged
        return
    for site, summary in found["sites"].items():
        count = summary["by_protocol"].get(protocol, 0)
        yield ProtocolFact(site, run.created, count != 0, count)
    for site in found.get("missing", {}):
        yield ProtocolFact(site, run.created, None)


def _of_training(runs: Runs, run: Run) -> Iterator[ProtocolFact]:
    for event in runs.events(run.id):
        site, at = str(event.get("site", "")), str(event["at"])
        if event["event"] == "reply":
            yield ProtocolFact(site, at, has=True)
        elif event["event"] == "missing" and NO_LESION in event["reason"]:
            yield ProtocolFact(site, at, has=False)
