"""What became of a case, or of a training at its end, read from the homes."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.errors import HepaFedError
from hepafed.server.runs.stores import Stores

from tests.chaos.cases import COORDINATOR, Case
from tests.chaos.prepared import read_events
from tests.chaos.scene import Mark, Scene

SAME, NAMED, SKIPPED = "same digest", "named stop", "skipped"
UNNAMED, UNMENDED, WRONG, HANG = "unnamed stop", "not mended", "wrong", "hang"
BAD = (UNNAMED, UNMENDED, WRONG, HANG)
VERDICTS = (SAME, NAMED, SKIPPED, *BAD)
LONGEST_WORDS = 400


@dataclass(frozen=True)
class Verdict:
    """One of `VERDICTS`, and the words that it rests on."""

    kind: str
    words: str = ""


def judge_end(scene: Scene) -> Verdict:
    """Judge a training that has ended, or that was ended."""
    home, digest = scene.folder / COORDINATOR, scene.prepared.digest
    if other := other_models(home, digest):
        return Verdict(WRONG, f"signed with other weights: {', '.join(other)}")
    status, model, error = scene.state()
    if status != "completed":
        return Verdict(UNNAMED if status == "failed" else HANG, f"{status}: {error}")
    if not is_signed(home, model, digest):
        return Verdict(WRONG, f"{model} is not signed")
    left = [p.name for p in (home / "blobs").rglob("*") if p.is_file()]
    return Verdict(WRONG, f"still offered: {', '.join(left)}") if left else Verdict(SAME)


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


def naming(scene: Scene, case: Case, file: str, since: Mark) -> str:
    """Return what names the damaged file, or else why sites gave no answer; "" where nothing does.

    What was written before `since` does not count.
    """
    if case.rots:
        found = [line for line in _said(scene, case.who, since) if _names(line, file)][:2]
        return " ".join(found)[:LONGEST_WORDS]
    _, _, error = scene.state()
    if not error or "in the coordinator" in error:
        return ""
    history = read_events(scene.run / "events.jsonl")
    number = max((e["round"] for e in history if e["event"] == "round"), default=0)
    new = history[since.lines :]
    lost = [e for e in new if e["event"] == "missing" and e["round"] == number]
    return "; ".join([error, *(f"{e['site']}: {e['reason']}" for e in lost)]) if lost else ""


def _names(line: str, file: str) -> bool:
    """Return whether a line names a file, by its path or its name; not one of a traceback."""
    return (file in line or Path(file).name in line) and not line.lstrip().startswith('File "')


def _said(scene: Scene, who: str, since: Mark) -> Iterable[str]:
    """Give every line that programs wrote since then, those of the struck home first."""
    logs = sorted(scene.folder.glob("*/*.log"), key=lambda p: (p.parent.name != who, p))
    for log in logs:
        new = log.read_bytes()[since.logs.get(log, 0) :]
        yield from new.decode(errors="replace").splitlines()
    history = read_events(scene.run / "events.jsonl")[since.lines :]
    yield from (json.dumps(e) for e in history if e["event"] in _TELL)
    status, _, error = scene.state()
    yield from [error] if status == "failed" else []


_TELL = ("missing", "damaged", "failed")
