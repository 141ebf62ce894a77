"""A training's initial weights: made before its first attempt, in a process of their own."""

import errno
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.contract import Plan
from hepafed.common.errors import BusyError, PlanError, RunError
from hepafed.common.network import is_whole_file
from hepafed.common.records import write_record
from hepafed.server.runs import Run, Runs
from hepafed.server.training import has_checkpoint

log = logging.getLogger("hepafed.server")
INITIAL = "initial.safetensors"
SECONDS = 900.0
"""The longest that weights may take: a slow disk, a slow processor."""
_one = threading.Lock()
"""Held while weights are looked at or made for a person: two would take the memory of two."""


@dataclass(frozen=True)
class StartingWeights:
    """What was done to a plan's file of weights."""

    notes: tuple[str, ...]
    sha256: str
    """Of the file; "" where the plan names none, or nothing was made."""


Make = Callable[[Plan, Path | None], StartingWeights]
"""Makes a plan's initial weights, or without a file to write only looks at its file."""


def prepare(run: Run, runs: Runs, make: Make | None = None) -> None:
    """Write initial.safetensors into the folder of a training that has none yet, or a damaged one.

    A training with a whole checkpoint needs none.

    Raises
    ------
    RunError
        The weights could not be made, or the plan's file of weights is no longer the one that the
        run began with.
    """
    folder = runs.folder(run.id)
    initial = folder / INITIAL
    if run.kind != "train" or is_whole_file(initial) or has_checkpoint(folder):
        return
    if initial.exists():
        log.error("runs/%s/%s is damaged: made anew", run.id, initial.name)
    runs.event(run.id, "preparing")
    try:
        made = (make or make_weights)(run.plan, initial)
    except PlanError as e:
        raise RunError(f"the initial weights could not be made: {e.message}", e.hint) from e
    before = [e["sha256"] for e in runs.events(run.id) if e["event"] == "weights"]
    if before and made.sha256 != before[-1]:
        initial.unlink()
        name = Path(run.plan.model.weights).name
        raise RunError(
            f"model.weights: {name} is not the file that this run began with",
            f"restore that file, then server resume {run.id}; or start a new run",
        )


def make_for_person(plan: Plan, out: Path | None, make: Make | None = None) -> StartingWeights:
    """Make weights, or only look at their file, while a person waits; one at a time.

    Raises
    ------
    BusyError
        Others are under way.
    PlanError, RunError
        As `make_weights`.
    """
    if not _one.acquire(blocking=False):
        raise BusyError("the weights of another plan are being looked at")
    try:
        return (make or make_weights)(plan, out)
    finally:
        _one.release()


def make_weights(plan: Plan, out: Path | None) -> StartingWeights:
    """Write a plan's initial weights to `out`; without `out` only look whether they can be made.

    Raises
    ------
    PlanError
        The plan's file of weights cannot be used; the message names the reason.
    RunError
        The process failed.
    OSError
        The disk is full.
    """
    command = [sys.executable, "-m", "hepafed.server.training.initial_weights"]
    try:
        done = subprocess.run(
            [*command, *([str(out)] if out else [])],
            input=json.dumps(write_record(plan)),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as e:
        raise RunError(
            f"the initial weights were not made within {SECONDS:.0f} s",
            "Is the disk of model.weights slow? Is this machine short of memory?",
        ) from e
    try:
        said = json.loads(done.stdout)
        if said.get("full"):
            raise OSError(errno.ENOSPC, "no room for the initial weights")
        if "error" in said:
            raise PlanError(str(said["error"]), str(said["hint"]))
        return StartingWeights(tuple(said["notes"]), str(said["sha256"]))
    except (ValueError, KeyError, TypeError) as e:
        log.error("initial weights: exit %d: %s", done.returncode, done.stderr[-4000:])
        raise RunError("the initial weights could not be made", "see server.log") from e
