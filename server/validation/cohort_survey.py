"""What the sites' cohorts look like: asked of each, answered by those whose policy allows it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hepafed.common.contract import (
    CLASS_KEYS,
    PROTOCOLS,
    SEQUENCES,
    SPLITS,
    CohortRequest,
    CohortSummary,
)
from hepafed.common.errors import PayloadError, RefusedError, RunError
from hepafed.common.files import write_whole
from hepafed.common.records import write_record
from hepafed.server.runs import Desk, Exchange, Run

FILE = "cohort.json"
FIELD_STRENGTHS = ("1.5 T", "3 T", "other", "not stated")
KNOWN: Mapping[str, tuple[str, ...]] = {
    "by_class": CLASS_KEYS, "by_split": SPLITS, "by_protocol": tuple(PROTOCOLS),
    "by_field_strength": FIELD_STRENGTHS,
}  # fmt: skip
"""The words that a summary may use; anything else is no summary."""


def survey(run: Run, desk: Desk, exchange: Exchange) -> str:
    """Ask every site that is online and wanted; writes cohort.json."""
    sites = [s for s in exchange.online() if not run.sites or s in run.sites]
    absent = [s for s in run.sites if s not in sites]
    found: dict[str, Any] = {}

    def on_reply(site: str, message: object) -> None:
        if not isinstance(message, CohortSummary) or message.run != run.id:
            raise PayloadError("an answer to another run")
        check(message)
        found[site] = {k: v for k, v in write_record(message).items() if k != "run"}
        desk.runs.event(
            run.id, "reply", site=site, patients=message.patients, lesions=message.lesions
        )

    desk.runs.event(run.id, "asked", sites=sites)
    request = CohortRequest(run=run.id)
    deadline = run.plan.rounds.deadline
    failed = exchange.ask(dict.fromkeys(sites, request), CohortSummary, deadline, on_reply)
    missing = {**dict.fromkeys(absent, "offline"), **failed}
    for site, reason in sorted(missing.items()):
        desk.runs.event(run.id, "missing", site=site, reason=reason)
    if not desk.runs.may_go_on(run.id):
        return ""
    if not found:
        raise RunError("no site described its cohort", "a site shares only if its policy says so")
    content = {"sites": dict(sorted(found.items())), "missing": dict(sorted(missing.items()))}
    write_whole(desk.runs.folder(run.id) / FILE, json.dumps(content, allow_nan=False))
    return "-"


def check(summary: CohortSummary) -> None:
    """Hold a summary to our words and to plausible numbers; PayloadError when it is not one."""
    for name, words in KNOWN.items():
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
    path = folder / FILE
    if not path.exists():
        raise RefusedError("that run describes no cohort", "see server cohort")
    values: dict[str, Any] = json.loads(path.read_text())
    return values


def survey_tables(
    found: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Give (columns, rows) of each table for people; a withheld count is `–`."""
    sites = found["sites"]
    yield (
        ("site", "patients", "lesions", "minimum"),
        [
            (s, str(v["patients"]), str(v["lesions"]), str(v["minimum_count"]))
            for s, v in sites.items()
        ],
    )
    for name, words in KNOWN.items():
        shown = [w for w in words if any(w in v[name] for v in sites.values())]
        yield (
            (name.removeprefix("by_").replace("_", " "), *shown),
            [(s, *(_count(v[name].get(w, 0)) for w in shown)) for s, v in sites.items()],
        )
    yield (
        ("spacing", "sequence", "between slices, mm", "in the plane, mm"),
        [
            (s, x["sequence"], _three(x["between_slices"]), _three(x["in_plane"]))
            for s, v in sites.items()
            for x in v["spacing"]
        ],
    )


def _three(values: list[float]) -> str:
    return " · ".join(map(str, values))


def _count(value: int | None) -> str:
    return "–" if value is None else str(value)
