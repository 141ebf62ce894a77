"""Runs on disk: what was asked, how far it is, what happened (a Flower run is one attempt)."""

import errno
import hashlib
import json
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hepafed.common.contract import Evaluation, Plan, digest_of, evaluation_from
from hepafed.common.errors import ConfigError, RefusedError, RunError
from hepafed.common.files import write_whole
from hepafed.common.json_file import JsonFile
from hepafed.common.records import optional
from hepafed.common.room import in_room
from hepafed.server.rehearsal import Rehearsal

ENDED = ("completed", "failed", "stopped")


@dataclass(frozen=True, kw_only=True)
class Run:
    """The record of one training, validation or cohort survey, as run.json holds it."""

    id: str
    kind: str
    """`train`, `validate` or `cohort`."""
    plan: Plan
    created: str
    status: str = "queued"
    """`queued`, `running`, or one of `ENDED`."""
    round: int = 0
    """Number of completed rounds."""
    model: str = ""
    """Model that a training made, or that a validation scores."""
    against: tuple[str, ...] = ()
    """Models that a validation compares with `model` on the same lesions."""
    split: str = "external"
    """Split that a validation scores."""
    sites: tuple[str, ...] = field(default=())
    """Sites that a validation or a question is sent to; empty for every site of the fitting
    role."""
    wait: float = 60.0
    """Seconds that a validation waits for sites that are offline."""
    subgroups: tuple[str, ...] = ()
    """Variables by which a validation splits its figures."""
    evaluation: str = ""
    """SHA-256 of the evaluation.toml kept beside run.json since `created`; "" if there is none."""
    requester: str = ""
    """Name on the evaluator's access file that asked for it; "" for the coordinator."""
    rehearsal: Rehearsal | None = optional(None)
    """What a rehearsal measured, once it is completed."""
    flower_run: int = 0
    """Flower's id of the newest attempt."""
    error: str = ""
    hint: str = ""

    @property
    def rehearses(self) -> bool:
        """Whether this is a training without a training step, which makes no model."""
        return self.kind == "train" and self.plan.training.epochs == 0


class Runs:
    """The folder runs/: for each run run.json (state), events.jsonl (history) and maybe `stop`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._folder = home / "runs"
        self._lock = threading.RLock()
        self._read: dict[str, tuple[tuple[int, int], Run]] = {}
        """Each run as its file was when it was last read, by the file's inode and time."""
        self.held: dict[str, str] = {}
        """Runs that wait for room on a disk now, with the words."""

    def folder(self, run: str) -> Path:
        """Return the folder of a run's files; RefusedError for an unknown id."""
        folder = self._folder / run
        if "/" in run or run.startswith(".") or not folder.is_dir():
            raise RefusedError(f"there is no run {run[:60]}", "see server runs")
        return folder

    def create(
        self,
        kind: str,
        plan: Plan,
        promise: str = "",
        files: Mapping[str, Path] = MappingProxyType({}),
        **values: Any,  # noqa: ANN401
    ) -> Run:
        """Write down a new run, queued, and return it.

        Parameters
        ----------
        promise
            The text of its evaluation.
        files
            Files that become the run's own, by the names that they have there.
        """
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
        for name, path in files.items():
            path.replace(folder / name)
        self._file(identity).write(run)
        return run

    def _file(self, run: str) -> JsonFile[Run]:
        name = f"runs/{run}/run.json"
        hint = f"restore a copy of {name}, or move the folder runs/{run} away; other runs go on"
        path = self._folder / run / "run.json"
        return JsonFile(path=path, record=Run, hint=hint, private=False, name=name)

    def get(self, run: str) -> Run:
        """Return one run; RefusedError for an unknown id, ConfigError for a damaged run.json."""
        path = self.folder(run) / "run.json"
        found = path.stat() if path.exists() else None
        stamp = (found.st_ino, found.st_mtime_ns) if found else (0, 0)
        known = self._read.get(run)
        if found is None or known is None or known[0] != stamp:
            made = self._file(run).read()
            if made.id != run:
                raise ConfigError(
                    f"runs/{run}/run.json is that of another run", self._file(run).hint
                )
            known = self._read[run] = stamp, made
        return known[1]

    def evaluation(self, run: Run) -> Evaluation | None:
        """Read the evaluation of a run; RunError when the file is not the one recorded."""
        if not run.evaluation:
            return None
        path = self.folder(run.id) / "evaluation.toml"
        text = path.read_bytes().decode() if path.exists() else ""
        if digest_of(text) != run.evaluation:
            raise RunError(f"the evaluation of {run.id} was changed after it was recorded")
        return evaluation_from(text)

    def all(self) -> list[Run]:
        """Return every run whose run.json is whole, oldest first; see `damaged`."""
        return sorted(self._all()[0], key=lambda r: (r.created, r.id))

    def damaged(self) -> dict[str, ConfigError]:
        """Return why a run cannot be used, of those that cannot."""
        return self._all()[1]

    def _all(self) -> tuple[list[Run], dict[str, ConfigError]]:
        found: list[Run] = []
        lost: dict[str, ConfigError] = {}
        for folder in self._folder.iterdir() if self._folder.exists() else ():
            try:
                if folder.is_dir() and any(folder.iterdir()):
                    found.append(self.get(folder.name))
            except ConfigError as e:
                lost[folder.name] = e
        return found, lost

    def change(self, run: str, **values: Any) -> Run:  # noqa: ANN401
        """Change some fields of a run; return the run as it is now."""
        return in_room(self.home, 10_000, lambda: self._change(run, values))

    def _change(self, run: str, values: dict[str, Any]) -> Run:
        with self._lock:
            changed = replace(self.get(run), **values)
            self._file(run).write(changed)
        return changed

    def event(self, run: str, kind: str, **values: Any) -> None:  # noqa: ANN401
        """Add a whole line to a run's history, or nothing and OSError.

        Half a line that a power cut left is closed first, so that no other event is lost with it.
        """
        values = {"at": datetime.now(UTC).isoformat(), "event": kind, **values}
        in_room(self.home, 1000, lambda: self._append(run, values))

    def _append(self, run: str, values: dict[str, Any]) -> None:
        path = self.folder(run) / "events.jsonl"
        if path.is_dir():
            raise ConfigError(f"runs/{run}/{path.name} is a folder", "move it away")
        with self._lock, path.open("a+b", buffering=0) as f:
            end = f.seek(0, os.SEEK_END)
            f.seek(max(end - 1, 0))
            torn = f.read(1) not in (b"", b"\n")
            text = json.dumps({**values, "check": _check(values)})
            line = b"\n" * torn + text.encode() + b"\n"
            try:
                if f.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                f.truncate(end)
                raise

    def events(self, run: str, since: int = 0) -> list[dict[str, Any]]:
        """Return a run's history from event `since` on, without lines that hold no event."""
        return [e for e in self._lines(run) if e is not None][since:]

    def unreadable_events(self, run: str) -> int:
        """Return how many lines of a run's history are damaged, and left out."""
        return sum(e is None for e in self._lines(run))

    def _lines(self, run: str) -> list[dict[str, Any] | None]:
        path = self.folder(run) / "events.jsonl"
        if not path.exists():
            return []
        try:
            content = path.read_bytes()
        except OSError as e:
            raise ConfigError(
                f"runs/{run}/events.jsonl cannot be read: {e.strerror}", self._file(run).hint
            ) from e
        lines = content.split(b"\n")[:-1]  # what follows the last newline is not whole
        return [_event(line) for line in lines if line]

    def ask_to_stop(self, run: str) -> None:
        """Have a run end before its next step, also after a restart."""
        write_whole(self.folder(run) / "stop", "")

    def may_go_on(self, run: str) -> bool:
        """Return whether nobody asked the run to stop."""
        return not (self._folder / run / "stop").exists()

    def clear_stop(self, run: str) -> None:
        """Forget a request to stop (on resume)."""
        (self.folder(run) / "stop").unlink(missing_ok=True)


def _event(line: bytes) -> dict[str, Any] | None:
    """Return the event in a line; None when it was torn or changed, or is no JSON for others."""
    try:
        values = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or "event" not in values:
        return None
    check = values.pop("check", None)  # a line of 0.1.0 has none
    return values if check in (None, _check(values)) else None


def _check(values: dict[str, Any]) -> str:
    """Return eight hex digits that change with every changed bit of an event."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _no_constant(word: str) -> float:
    raise ValueError(word)
