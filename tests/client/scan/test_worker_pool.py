"""Work over processes: a process that dies takes its own task along and no other."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from hepafed.client.scan.worker_pool import WorkerPool
from hepafed.common.errors import DicomError


def _square(n: int) -> int:
    if n == 13:
        os.abort()
    if n == 99:
        raise DicomError("a number too far")
    return n * n


def test_a_task_that_kills_its_process_gives_none_and_the_others_their_results() -> None:
    with WorkerPool(1) as pool:
        found = dict(pool.spread(_square, range(10, 18)))
    assert found == {n: None if n == 13 else n * n for n in range(10, 18)}


def test_an_error_of_a_task_is_raised_here_and_ends_the_processes() -> None:
    with pytest.raises(DicomError, match="too far"), WorkerPool(1) as pool:
        list(pool.spread(_square, [1, 99]))
    assert not [c for c in psutil.Process().children(recursive=True) if "spawn_main" in _line(c)]


def test_an_error_leaves_no_thread_for_the_interpreters_end_to_trip_over() -> None:
    before = set(threading.enumerate())
    with pytest.raises(DicomError, match="too far"), WorkerPool(2) as pool:
        list(pool.spread(_square, [99, *range(14, 40)]))
    assert set(threading.enumerate()) <= before


def _large(n: int) -> bytes:
    if n == 20:
        raise DicomError("a number too far")
    return b"x" * 10_000 * n


def test_an_error_does_not_wait_for_the_rest_of_a_result_half_written() -> None:
    for _ in range(3):
        with pytest.raises(DicomError, match="too far"), WorkerPool(4) as pool:
            list(pool.spread(_large, range(60)))


def test_an_error_says_where_in_the_other_process_it_was_raised() -> None:
    with pytest.raises(DicomError) as error, WorkerPool(1) as pool:
        list(pool.spread(_square, [99]))
    assert "in _square" in error.value.__notes__[0]


def test_ctrl_c_does_not_reach_the_processes_however_new_they_are() -> None:
    found: dict[int, int | None] = {}
    started: set[psutil.Process] = set()
    with WorkerPool(2) as pool:
        work = threading.Thread(target=lambda: found.update(pool.spread(_square, range(20, 30))))
        work.start()
        while work.is_alive():
            children = {c for c in psutil.Process().children() if "spawn_main" in _line(c)}
            started |= children
            for child in children:
                child.send_signal(signal.SIGINT)
            time.sleep(0.01)
    assert found == {n: n * n for n in range(20, 30)}
    assert len(started) == 2


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


SLEEPERS = """
import os, sys, time
from pathlib import Path
from hepafed.client.scan.worker_pool import WorkerPool

def sleep(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(120)

if __name__ == "__main__":
    with WorkerPool(2) as pool:
        list(pool.spread(sleep, [sys.argv[1], sys.argv[1]]))
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
