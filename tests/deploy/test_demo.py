"""`make demo` as a person meets it: its own data, clear errors, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

DEMO = (sys.executable, "-m", "hepafed.deploy.demo.run")


def test_a_data_folder_without_every_site_is_refused_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--build", tmp_path / "b", "--data", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*DEMO, "--build", tmp_path / "b", "--patients", "3"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    ours = psutil.Process(demo.pid)
    seen: set[psutil.Process] = set()
    limit = time.monotonic() + 240
    while time.monotonic() < limit:
        seen |= set(ours.children(recursive=True))
        words = [" ".join(_words(p)) for p in seen]
        if sum("hepafed.client.worker" in w for w in words) >= 2:
            break
        assert demo.poll() is None, "the demo ended by itself"
        time.sleep(0.2)
    os.killpg(demo.pid, signal.SIGINT)  # what a terminal does
    assert demo.wait(60) == 1
    _, alive = psutil.wait_procs(list(seen), timeout=10)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
