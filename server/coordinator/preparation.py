"""A training's initial weights: made once, before its first attempt, in a process of their own."""

import json
import logging
import subprocess
import sys

from hepafed.common.errors import RunError
from hepafed.common.files import write_whole
from hepafed.common.network import is_whole_file
from hepafed.common.records import write_record
from hepafed.server.runs import Run, Runs
from hepafed.server.training import has_checkpoint

log = logging.getLogger("hepafed.server")


def prepare(run: Run, runs: Runs) -> None:
    """Write initial.safetensors into the folder of a training that has none yet, or a damaged one.

    A training with a whole checkpoint needs none.

    Raises
    ------
    RunError
        The weights could not be made; the message holds the reason where it is known.
    """
    folder = runs.folder(run.id)
    initial = folder / "initial.safetensors"
    if run.kind != "train" or is_whole_file(initial) or has_checkpoint(folder):
        return
    if initial.exists():
        log.error("runs/%s/%s is damaged: made anew", run.id, initial.name)
    runs.event(run.id, "preparing")
    plan = folder / "plan.json"
    write_whole(plan, json.dumps(write_record(run.plan)))
    made = subprocess.run(
        [sys.executable, "-m", "hepafed.server.training.initial_weights", str(plan), str(initial)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        log.error("initial weights of %s: %s", run.id, made.stderr[-4000:])
        first = (made.stderr.strip().splitlines() or [""])[0] if made.returncode == 1 else ""
        raise RunError(f"the initial weights could not be made {first[:300]}", "see server.log")
