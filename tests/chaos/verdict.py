"""What became of a case, read from the homes that it left behind."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.errors import HepaFedError
from hepafed.server.runs import ENDED
from hepafed.server.runs.stores import Stores

from tests.chaos.cases import COORDINATOR, Case
from tests.chaos.prepared import Prepared, read_events

SAME, NAMED, SKIPPED = "same digest", "named stop", "skipped"
UNNAMED, WRONG, HANG = "unnamed stop", "wrong", "hang"
BAD = (UNNAMED, WRONG, HANG)
VERDICTS = (SAME, NAMED, SKIPPED, *BAD)
LONGEST_WORDS = 400


@dataclass(frozen=True)
class Verdict:
    """One of `VERDICTS`, and the words that it rests on."""

    kind: str
    words: str = ""


def judge(case: Case, prepared: Prepared, folder: Path, *, late: bool) -> Verdict:
    """Judge a case by the homes in `folder`; `late`: it was ended at its limit."""
    home = folder / COORDINATOR
    if other := other_models(home, prepared.digest):
        return Verdict(WRONG, f"signed with other weights: {', '.join(other)}")
    status, model, error = of_run(home, prepared.run)
    if status == "completed" and is_signed(home, model, prepared.digest):
        return Verdict(SAME)
    words = " ".join(naming(case, prepared, folder))[:LONGEST_WORDS]
    if status == "completed":
        return Verdict(NAMED if words else WRONG, words or f"{model} is not signed")
    if words and (case.rots or status in ENDED):
        return Verdict(NAMED, words)
    return Verdict(HANG if late and status not in ENDED else UNNAMED, f"{status}: {error}")


def of_run(home: Path, run: str) -> tuple[str, str, str]:
    """Return status, model and error of a run; "unreadable" where run.json is."""
    try:
        state = json.loads((home / "runs" / run / "run.json").read_text())
        return str(state["status"]), str(state.get("model", "")), str(state.get("error", ""))
    except (OSError, ValueError, KeyError, TypeError):
        return "unreadable", "", ""


def other_models(home: Path, digest: str) -> list[str]:
    """Return the models whose signed card, or whose weights under a whole card, are others."""
    registry, made = Stores(home).registry, []
    for folder in sorted((home / "models").glob("*/")):
        try:
            if registry.card(folder.name).sha256 != digest:
                made.append(folder.name)
        except HepaFedError:  # nobody can take it for signed
            continue
    return made


def is_signed(home: Path, model: str, digest: str) -> bool:
    """Return whether a model has a whole signed card and whole weights of this digest."""
    registry = Stores(home).registry
    try:
        registry.weights(model)
        return registry.card(model).sha256 == digest
    except HepaFedError:
        return False


def naming(case: Case, prepared: Prepared, folder: Path) -> list[str]:
    """Return what names the damaged file, or else why sites gave no answer; none that says so."""
    if case.rots:
        return [line for line in _said(case, folder) if _names(line, case.file)][:2]
    _, _, error = of_run(folder / COORDINATOR, prepared.run)
    if not error or "in the coordinator" in error:
        return []
    history = read_events(folder / COORDINATOR / "runs" / prepared.run / "events.jsonl")
    new = history[prepared.events :]
    number = max((e["round"] for e in history if e["event"] == "round"), default=0)
    lost = [e for e in new if e["event"] == "missing" and e["round"] == number]
    return [error, *(f"{e['site']}: {e['reason']}" for e in lost)] if lost else []


def _names(line: str, file: str) -> bool:
    """Return whether a line names a file, by its path or its name; not one of a traceback."""
    return (file in line or Path(file).name in line) and not line.lstrip().startswith('File "')


def _said(case: Case, folder: Path) -> Iterable[str]:
    """Give every line that programs wrote, those of the struck home first."""
    logs = sorted(folder.glob("*/*.log"), key=lambda p: (p.parent.name != case.who, p))
    for log in logs:
        yield from log.read_text(errors="replace").splitlines()
    for history in sorted((folder / COORDINATOR / "runs").glob("*/events.jsonl")):
        yield from (json.dumps(e) for e in read_events(history) if e["event"] in _TELL)
    for record in sorted((folder / COORDINATOR / "runs").glob("*/run.json")):
        status, _, error = of_run(folder / COORDINATOR, record.parent.name)
        yield from [error] if status == "failed" else []


_TELL = ("missing", "damaged", "failed")
