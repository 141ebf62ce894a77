"""The queue and the executor outlive Flower's SuperLink and a full disk; nothing waits for ever.

The SuperLink is real. The runs ask for cohorts, and no site is enrolled: each attempt fails soon.
"""

import errno
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hepafed.common import retry
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import UnreachableError
from hepafed.server.coordinator.coordinator import Coordinator
from hepafed.server.flower.executor import LOST
from hepafed.server.runs.store import ENDED, Run, Runs
from hepafed.server.setup import initialise

SECONDS = 60


def _new(runs: Runs) -> Run:
    return runs.create("cohort", Plan(name="cohort", protocol="t2"))


def _ended(runs: Runs, run: Run, word: str = "failed", times: int = 1) -> list[str]:
    """Wait for the run's `times`-th end; gives the words of all its ends."""
    limit = time.monotonic() + SECONDS
    while True:
        ends = [e["event"] for e in runs.events(run.id) if e["event"] in ENDED]
        if len(ends) >= times and runs.get(run.id).status == word:
            return ends
        assert time.monotonic() < limit, (runs.get(run.id).status, ends)
        time.sleep(0.005)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("coordinator")
    initialise(home, "localhost:1", "127.0.0.1", datetime.now(UTC))
    return home


@pytest.fixture(scope="module")
def stopped_before(home: Path) -> Run:
    """A queued run that somebody stopped before the coordinator was started anew."""
    runs = Runs(home)
    run = _new(runs)
    runs.ask_to_stop(run.id)
    return run


@pytest.fixture(scope="module")
def coordinator(home: Path, stopped_before: Run) -> Iterator[Coordinator]:
    made = Coordinator(home)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_a_stopped_run_stays_stopped_over_a_restart(
    coordinator: Coordinator, stopped_before: Run
) -> None:
    assert _ended(coordinator.stores.runs, stopped_before, "stopped") == ["stopped"]


def test_a_run_resumed_at_once_is_seen(coordinator: Coordinator) -> None:
    runs = coordinator.stores.runs
    run = _new(runs)
    assert _ended(runs, run) == ["failed"]
    coordinator.requests.resume(run.id)
    assert _ended(runs, run, times=2) == ["failed", "failed"]


def test_a_disk_that_is_full_for_a_while_ends_neither_queue_nor_executor(
    coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, refused = coordinator.stores.runs, []
    change = runs.change

    def full(run: str, **values: Any) -> Run:  # noqa: ANN401
        # the attempt's number, then how it ended: once in each thread
        kind = "failed" if values.get("status") == "failed" else "".join(values)
        if kind in ("failed", "flower_run") and kind not in refused:
            refused.append(kind)
            raise OSError(errno.ENOSPC, "No space left on device")
        return change(run, **values)

    monkeypatch.setattr(runs, "change", full)
    run = _new(runs)
    assert _ended(runs, run) == ["failed"]
    assert sorted(refused) == ["failed", "flower_run"]


def _kill(coordinator: Coordinator) -> None:
    process = coordinator.superlink._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_queued_while_the_superlink_is_dead_waits_for_its_next_start(
    coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "LONG_LIFE_SECONDS", 0)
    runs = coordinator.stores.runs
    _kill(coordinator)
    with pytest.raises(UnreachableError):
        coordinator.membership.online()
    run = _new(runs)
    assert _ended(runs, run) == ["failed"]
    assert runs.get(run.id).error == "no site sent a summary of its cohort"
    assert coordinator.superlink.alive


def test_a_run_whose_attempt_the_superlink_took_along_gets_another(
    coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "LONG_LIFE_SECONDS", 0)
    runs, control = coordinator.stores.runs, coordinator.control
    start, numbers = control.start_run, []

    def killed(run: str) -> int:
        numbers.append(start(run))
        if len(numbers) == 1:
            _kill(coordinator)
        return numbers[-1]

    monkeypatch.setattr(control, "start_run", killed)
    run = _new(runs)
    assert _ended(runs, run)[-1] == "failed"
    assert coordinator.superlink.alive


def test_a_run_whose_attempt_was_lost_on_its_way_to_us_gets_another(
    coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, control = coordinator.stores.runs, coordinator.control
    start, numbers = control.start_run, []

    def lost(run: str) -> int:
        if not numbers:
            numbers.append(1)  # the executor is never handed a task of that number
            threading.Timer(0.2, coordinator.queue.attempt_over, [LOST]).start()
        else:
            numbers.append(start(run))
        return numbers[-1]

    monkeypatch.setattr(control, "start_run", lost)
    assert _ended(runs, _new(runs))[-1] == "failed"
    assert len(numbers) == 2
