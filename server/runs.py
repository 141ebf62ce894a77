"""Runs on disk: what was asked, how far it is, what happened (Flower's are attempts)."""

import json
import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hepafed.common.errors import ConfigError, RefusedError, RunError
from hepafed.common.evaluation import Evaluation, digest_of, evaluation_from
from hepafed.common.files import write_whole
from hepafed.common.plan import Plan
from hepafed.common.records import read_record, write_record

ENDED = ("completed", "failed", "stopped")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training or validation."""

    id: str
    kind: str
    """`train`, `validate` or `cohort`."""
    plan: Plan
    created: str
    status: str = "queued"
    """`queued`, `running`, or one of `ENDED`."""
    round: int = 0
    """Rounds completed."""
    model: str = ""
    """Model made by a training, or asked of a validation."""
    against: tuple[str, ...] = ()
    """Models that a validation compares with `model` on the same lesions."""
    split: str = "external"
    """Split that a validation scores."""
    sites: tuple[str, ...] = field(default=())
    """Sites asked of a validation or for their cohort; empty: every site of the fitting role."""
    wait: float = 60.0
    """Seconds that a validation waits for sites that are offline."""
    subgroups: tuple[str, ...] = ()
    """Variables by which a validation splits its figures."""
    evaluation: str = ""
    """SHA-256 of the evaluation.toml kept beside run.json since `created`; empty: none."""
    flower_run: int = 0
    """Flower's id of the newest attempt."""
    error: str = ""
    hint: str = ""


class Runs:
    """The folder runs/: run.json (state) and events.jsonl (history) of each."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "runs"
        self._lock = threading.RLock()
        self._stop: set[str] = set()

    def folder(self, run: str) -> Path:
        """Where a run keeps its files; RefusedError for an unknown id."""
        folder = self._folder / run
        if "/" in run or run.startswith(".") or not (folder / "run.json").exists():
            raise RefusedError(f"there is no run {run[:60]}", "see server runs")
        return folder

    def create(self, kind: str, plan: Plan, promise: str = "", **values: Any) -> Run:  # noqa: ANN401
        """Write down a new run, queued; `promise` is the text of its evaluation.toml."""
        identity = f"{plan.name if kind == 'train' else kind}-{secrets.token_hex(3)}"
        run = Run(
            id=identity,
            kind=kind,
            plan=plan,
            created=datetime.now(UTC).isoformat(),
            evaluation=digest_of(promise) if promise else "",
            **values,
        )
        folder = self._folder / identity
        folder.mkdir(parents=True, exist_ok=True)
        if promise:  # before run.json: a run that exists has its evaluation
            write_whole(folder / "evaluation.toml", promise)
        self._write(run)
        return run

    def _write(self, run: Run) -> None:
        path = self._folder / run.id / "run.json"
        write_whole(path, json.dumps(write_record(run), indent=1))

    def get(self, run: str) -> Run:
        """Read one run."""
        values = json.loads((self.folder(run) / "run.json").read_text())
        return read_record(Run, values, ConfigError, run)

    def evaluation(self, run: Run) -> Evaluation | None:
        """Read what was promised of a run; RunError when the file is not the one recorded."""
        if not run.evaluation:
            return None
        path = self.folder(run.id) / "evaluation.toml"
        text = path.read_bytes().decode() if path.exists() else ""
        if digest_of(text) != run.evaluation:
            raise RunError(f"the evaluation of {run.id} was changed after it was recorded")
        return evaluation_from(text)

    def all(self) -> list[Run]:
        """Every run, oldest first."""
        if not self._folder.exists():
            return []
        found = [self.get(p.parent.name) for p in self._folder.glob("*/run.json")]
        return sorted(found, key=lambda r: (r.created, r.id))

    def change(self, run: str, **values: Any) -> Run:  # noqa: ANN401
        """Change some fields of a run."""
        with self._lock:
            changed = replace(self.get(run), **values)
            self._write(changed)
        return changed

    def event(self, run: str, kind: str, **values: Any) -> None:  # noqa: ANN401
        """Add a line to a run's history."""
        line = {"at": datetime.now(UTC).isoformat(), "event": kind, **values}
        with self._lock, (self.folder(run) / "events.jsonl").open("a") as f:
            f.write(json.dumps(line) + "\n")

    def events(self, run: str, since: int = 0) -> list[dict[str, Any]]:
        """Read a run's history from line `since` on."""
        path = self.folder(run) / "events.jsonl"
        if not path.exists():
            return []
        whole = [
            line for line in path.read_text().splitlines(keepends=True) if line.endswith("}\n")
        ]
        return [json.loads(line) for line in whole[since:]]

    def ask_to_stop(self, run: str) -> None:
        """Have a run end before its next step."""
        with self._lock:
            self._stop.add(run)

    def may_go_on(self, run: str) -> bool:
        """Whether nobody asked the run to stop."""
        return run not in self._stop

    def clear_stop(self, run: str) -> None:
        """Forget a request to stop (on resume)."""
        with self._lock:
            self._stop.discard(run)
