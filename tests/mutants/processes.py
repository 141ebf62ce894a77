"""Tasks in forked processes: some at a time, each with a limit, what they leave behind removed."""

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

BROKEN, TOO_SLOW = 3, 36
"""Codes of a task that raised an error, and of one that took longer than its limit."""
PAUSE = 0.01


@dataclass(frozen=True)
class Task:
    """What one forked process does, and how many seconds it may take."""

    name: str
    work: Callable[[], int]
    limit: float = float("inf")


def forked(tasks: Iterable[Task], jobs: int) -> Iterator[tuple[Task, int]]:
    """Run each task in a process of its own, at most `jobs` at a time; give it and its code."""
    waiting = iter(tasks)
    running: dict[int, tuple[Task, float]] = {}
    scratch = Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        while True:
            for task in islice(waiting, jobs - len(running)):
                running[fork(task, scratch)] = (task, time.monotonic() + task.limit)
            if not running:
                return
            time.sleep(PAUSE)
            for pid, (task, end) in list(running.items()):
                ended, status = os.waitpid(pid, os.WNOHANG)
                late = time.monotonic() > end
                if ended or late:
                    del running[pid]
                    kill(pid, reap=not ended)
                    shutil.rmtree(scratch / str(pid), ignore_errors=True)
                    yield task, os.waitstatus_to_exitcode(status) if ended else TOO_SLOW
    finally:
        for pid in running:
            kill(pid, reap=True)
        shutil.rmtree(scratch, ignore_errors=True)


def fork(task: Task, scratch: Path) -> int:
    """Start a task in a session of its own, with a folder of its own for temporary files."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = BROKEN
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        own = scratch / str(os.getpid())
        own.mkdir()
        os.environ |= {"TMPDIR": str(own), "PYTEST_DEBUG_TEMPROOT": str(own)}
        tempfile.tempdir = None
        code = task.work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def kill(pid: int, *, reap: bool) -> None:
    """End what a task started, and the task's process if it is still there."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if reap:
        os.kill(pid, signal.SIGKILL)  # it may not have had its own session yet
        os.waitpid(pid, 0)
