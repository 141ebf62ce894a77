"""What the sites' cohorts look like: asked of each, answered by those whose policy allows it."""

from pathlib import Path
from typing import Any

from hepafed.common.contract import COHORT_TABLES, SEQUENCES
from hepafed.common.contract.messages import CohortRequest, CohortSummary
from hepafed.common.errors import ConfigError, PayloadError, RefusedError, RunError
from hepafed.common.files import write_whole
from hepafed.common.json_file import sealed, unsealed
from hepafed.common.records import write_record
from hepafed.server.runs import SURVEY_FILE, LiveRun


def survey(live: LiveRun) -> str:
    """Ask every site that is online and wanted; write cohort.json.

    Returns a word that is no model; "" when the run was stopped. RunError when no site answered.
    """
    run = live.run
    sites = [s for s in live.sites.online() if not run.sites or s in run.sites]
    absent = [s for s in run.sites if s not in sites]
    found: dict[str, Any] = {}

    def on_reply(site: str, summary: CohortSummary) -> None:
        check(summary)
        found[site] = {k: v for k, v in write_record(summary).items() if k != "run"}
        live.event("reply", site=site, patients=summary.patients, lesions=summary.lesions)

    live.event("asked", sites=sites)
    request = CohortRequest(run=run.id)
    deadline = run.plan.rounds.deadline
    failed = live.sites.ask(sites, request, CohortSummary, deadline, on_reply)
    missing = {**dict.fromkeys(absent, "offline"), **failed}
    live.note_missing(missing)
    if not live.may_go_on():
        return ""
    if not found:
        raise RunError(
            "no site sent a summary of its cohort",
            "a site answers only if its policy allows it (share_cohort_summary)",
        )
    content = {"sites": dict(sorted(found.items())), "missing": dict(sorted(missing.items()))}
    write_whole(live.folder / SURVEY_FILE, sealed(content))
    return "-"


def check(summary: CohortSummary) -> None:
    """Hold a summary to our words and to plausible numbers; PayloadError when it is not one."""
    for name, words in COHORT_TABLES.items():
        counts: dict[str, int | None] = getattr(summary, name)
        if not set(counts) <= set(words):
            raise PayloadError(f"a cohort summary with unknown words in {name}")
        if any(n is not None and not 0 <= n <= summary.patients for n in counts.values()):
            raise PayloadError(f"a cohort summary with impossible counts in {name}")
    for s in summary.spacing:
        if s.sequence not in SEQUENCES or len(s.between_slices) != 3 or len(s.in_plane) != 3:
            raise PayloadError("a cohort summary with an unknown sequence")


def read_survey(folder: Path) -> dict[str, Any]:
    """Read the answers of a run; RefusedError when it has none."""
    path = folder / SURVEY_FILE
    if not path.exists():
        raise RefusedError("that run has no cohort summaries", "see server cohort")
    try:
        values: dict[str, Any] = unsealed(path.read_bytes())
    except (OSError, ValueError, RecursionError) as e:
        raise ConfigError(
            f"runs/{folder.name}/{SURVEY_FILE} is damaged", "ask the sites again: server cohort"
        ) from e
    return values
