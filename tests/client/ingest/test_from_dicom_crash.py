"""`kill -9` at any moment, then again: the store of an undisturbed ingest, byte for byte."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

INGEST = """
import os, signal, sys
from pathlib import Path

moment = int(sys.argv[3])
events = [0]

def hook(name, arguments):
    if name in ("open", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect", "os.scandir"):
        events[0] += 1
        if events[0] == moment:
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    from hepafed.client.ingest.from_dicom import ingest_dicom
    import hepafed.client.cohort.index, hepafed.client.ingest.examination

    home, export = map(Path, sys.argv[1:3])
    sys.addaudithook(hook)  # of this process alone: those it starts end with it
    ingest_dicom(home, export, export / "labels.csv", lambda *_: None, workers=1)
    print(events[0])
"""
"""Ingests; at the file operation of this number (0: never) the process is killed."""


class Crashing:
    """An export, a script that ingests it, and the store that an undisturbed run makes."""

    def __init__(self, folder: Path, export: Path) -> None:
        self.folder, self.export = folder, export
        self.script = folder / "ingest.py"
        self.script.write_text(INGEST)
        home = self.new_home("undisturbed")
        begun = time.monotonic()
        self.events = int(self.run(home).stdout)
        self.seconds = time.monotonic() - begun
        self.store = contents(home)

    def new_home(self, name: str) -> Path:
        home = self.folder / name
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        (home / "pseudonym.key").write_bytes(b"k" * 32)
        return home

    def command(self, home: Path, moment: int) -> list[str]:
        return [sys.executable, str(self.script), str(home), str(self.export), str(moment)]

    def run(self, home: Path, moment: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(self.command(home, moment), stdout=subprocess.PIPE, text=True)
        assert done.returncode == (-signal.SIGKILL if moment else 0)
        return done


def contents(home: Path) -> dict[str, bytes]:
    folder = home / "cohort"
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def crashing(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Crashing:
    return Crashing(tmp_path_factory.mktemp("crash"), phantom)


def _killed_at_operations(crashing: Crashing, seed: int, count: int) -> None:
    moments = random.Random(seed).sample(range(1, crashing.events + 1), count)
    for moment in sorted({*moments, crashing.events}):  # the last: the end of the sweep
        home = crashing.new_home("killed")
        crashing.run(home, moment)
        crashing.run(home)
        assert contents(home) == crashing.store, f"killed at operation {moment}"


def test_killed_at_a_file_operation_the_next_run_ends_in_the_same_store(
    crashing: Crashing,
) -> None:
    _killed_at_operations(crashing, seed=1, count=3)


def test_stopped_with_ctrl_c_it_says_so_and_leaves_no_process(crashing: Crashing) -> None:
    home = crashing.new_home("stopped")
    main = "from hepafed.client.cli.main import main; main()"
    words = ["--home", str(home), "ingest", "--dicom", str(crashing.export)]
    process = subprocess.Popen(
        [sys.executable, "-c", main, *words, "--labels", str(crashing.export / "labels.csv")],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (home / "scan/known.db").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "error: stopped" in said
    assert "hint: run the same command again" in said
    assert "Traceback" not in said
    _, left = psutil.wait_procs(children, timeout=10)  # Python's tracker ends just after its parent
    assert not left
    crashing.run(home)
    assert contents(home) == crashing.store


@pytest.mark.slow
def test_killed_at_twenty_file_operations_the_next_run_ends_in_the_same_store(
    crashing: Crashing,
) -> None:
    _killed_at_operations(crashing, seed=2, count=20)


@pytest.mark.slow
def test_killed_at_twenty_random_moments_the_next_run_ends_in_the_same_store(
    crashing: Crashing,
) -> None:
    clock = random.Random(3)
    stages = set()
    for _ in range(20):
        home = crashing.new_home("killed")
        process = subprocess.Popen(crashing.command(home, 0), stdout=subprocess.DEVNULL)
        time.sleep(clock.uniform(0, crashing.seconds))
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        process.wait()
        stages.add((home / "cohort").exists() + (home / "cohort/index.db").exists())
        crashing.run(home)
        assert contents(home) == crashing.store
    assert len(stages) > 1  # moments before and after the first crop


def test_killed_over_and_over_the_last_run_ends_in_the_same_store(crashing: Crashing) -> None:
    home = crashing.new_home("harried")
    for moment in range(5, crashing.events, max(1, crashing.events // 4)):
        if (
            subprocess.run(crashing.command(home, moment), stdout=subprocess.DEVNULL).returncode
            == 0
        ):
            break  # what is left to do has fewer operations than that
    crashing.run(home)
    assert contents(home) == crashing.store
