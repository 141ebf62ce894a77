"""Work over processes: a process that dies takes its own task along and no other."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from hepafed.client.dicom.farm import Farm
from hepafed.common.errors import DicomError


def _square(n: int) -> int:
    if n == 13:
        os.abort()
    if n == 99:
        raise DicomError("a number too far")
    return n * n


def test_a_task_that_kills_its_process_gives_none_and_the_others_their_results() -> None:
    with Farm(1) as farm:
        found = dict(farm.spread(_square, range(10, 18)))
    assert found == {n: None if n == 13 else n * n for n in range(10, 18)}


def test_an_error_of_a_task_is_raised_here_and_ends_the_processes() -> None:
    with pytest.raises(DicomError, match="too far"), Farm(1) as farm:
        list(farm.spread(_square, [1, 99]))
    assert not [c for c in psutil.Process().children(recursive=True) if "spawn_main" in _line(c)]


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


SLEEPERS = """
import os, sys, time
from pathlib import Path
from hepafed.client.dicom.farm import Farm

def sleep(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(120)

if __name__ == "__main__":
    with Farm(2) as farm:
        list(farm.spread(sleep, [sys.argv[1], sys.argv[1]]))
"""


def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script, folder = tmp_path / "sleepers.py", tmp_path / "pids"
    script.write_text(SLEEPERS)
    folder.mkdir()
    deadline = time.monotonic() + 60
    with subprocess.Popen([sys.executable, str(script), str(folder)]) as parent:
        while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        parent.kill()
    workers = [int(p.name) for p in folder.iterdir()]
    assert len(workers) == 2
    while any(map(psutil.pid_exists, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(psutil.pid_exists, workers))
