"""One holder at a time: another is refused by name or waits, and a killed one holds nothing."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hepafed.common.errors import DataError, UsageError
from hepafed.common.locks import lock_or_refuse, sole_holder, wait_for_lock

TAKEN = DataError("another one is under way", "wait for it")
HOLDER = """
import sys, time
from pathlib import Path
from hepafed.common.errors import DataError
from hepafed.common.locks import sole_holder
with sole_holder(Path(sys.argv[1]), DataError("taken")):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_refused_by_name_until_the_first_one_lets_go(tmp_path: Path) -> None:
    with sole_holder(tmp_path / "lock", TAKEN):
        with pytest.raises(DataError, match="under way") as caught, (tmp_path / "lock").open() as f:
            lock_or_refuse(f, TAKEN)
        assert caught.value.hint == "wait for it"
    with sole_holder(tmp_path / "lock", TAKEN):
        pass


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DataError), sole_holder(path, TAKEN):
            pass
        holder.kill()
        holder.wait()
        with sole_holder(path, TAKEN):
            pass


def test_one_that_waits_goes_on_when_the_holder_lets_go(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        folder = os.open(tmp_path, os.O_RDONLY)
        wait_for_lock(folder)
        order.append("second")
        os.close(folder)

    first = os.open(tmp_path, os.O_RDONLY)
    wait_for_lock(first)
    thread = threading.Thread(target=second)
    thread.start()
    thread.join(0.2)
    order.append("first")
    os.close(first)
    thread.join()
    assert order == ["first", "second"]


def test_what_else_a_disk_says_is_not_taken_for_a_holder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), sole_holder(tmp_path / "gone" / "lock", TAKEN):
        pass
    with (tmp_path / "closed").open("w") as f:
        number = f.fileno()
    with pytest.raises(OSError, match="Bad file descriptor"):
        lock_or_refuse(number, UsageError("taken"))
