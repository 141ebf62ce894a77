"""A run's state and history survive restarts, full disks and lost power."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hepafed.common.contract.evaluation import evaluation_from
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import ConfigError, RunError
from hepafed.server.runs.store import Run, Runs

from tests.server.promises import promise

PLAN = Plan(name="demo", protocol="t2")
FILLING_DISK = """
import resource, sys
from pathlib import Path
from hepafed.server.runs.store import Runs
home, run, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    Runs(home).event(run, "reply", site="a" * 200)
except OSError:
    sys.exit(7)
"""


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def run(runs: Runs) -> Run:
    return runs.create("train", PLAN)


def _kinds(runs: Runs, run: Run) -> list[str]:
    return [e["event"] for e in runs.events(run.id)]


def test_a_stop_outlives_a_restart_and_a_resume_takes_it_back(
    tmp_path: Path, runs: Runs, run: Run
) -> None:
    assert runs.may_go_on(run.id)
    runs.ask_to_stop(run.id)
    assert not Runs(tmp_path).may_go_on(run.id)
    runs.clear_stop(run.id)
    runs.clear_stop(run.id)
    assert Runs(tmp_path).may_go_on(run.id)


@pytest.mark.parametrize(
    "torn", [b'{"at": "2026', b"\x00" * 40, b'{"at": "\xc3'], ids=("half", "zeros", "letter")
)
def test_a_line_torn_by_lost_power_costs_itself_alone(runs: Runs, run: Run, torn: bytes) -> None:
    runs.event(run.id, "round")
    with (runs.folder(run.id) / "events.jsonl").open("ab") as f:
        f.write(torn)
    assert _kinds(runs, run) == ["round"]
    runs.event(run.id, "reply")
    runs.event(run.id, "done")
    assert _kinds(runs, run) == ["round", "reply", "done"]
    assert [e["event"] for e in runs.events(run.id, 2)] == ["done"]


@pytest.mark.parametrize(
    "line",
    ['{"at": "2026{"at": "", "event": "reply"}', '{"event": "x", "loss": Infinity}', "[1]"],
    ids=("joined", "infinite", "list"),
)
def test_a_line_that_is_no_event_is_passed_over(runs: Runs, run: Run, line: str) -> None:
    with (runs.folder(run.id) / "events.jsonl").open("a") as f:
        f.write(line + "\n")
    runs.event(run.id, "done")
    assert _kinds(runs, run) == ["done"]


def test_an_event_that_does_not_fit_the_disk_leaves_nothing_behind(
    tmp_path: Path, runs: Runs, run: Run
) -> None:
    runs.event(run.id, "round")
    path = runs.folder(run.id) / "events.jsonl"
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FILLING_DISK, str(tmp_path), run.id, str(len(before) + 30)],
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 7
    assert path.read_bytes() == before
    runs.event(run.id, "done")
    assert [json.loads(x)["event"] for x in path.read_text().splitlines()] == ["round", "done"]


@pytest.mark.parametrize("damage", ["", '{"id": "p', "[]", "{}"])
def test_a_damaged_run_is_named(tmp_path: Path, damage: str) -> None:
    runs = Runs(tmp_path)
    run = runs.create("train", Plan(name="p", protocol="t2")).id
    (tmp_path / "runs" / run / "run.json").write_text(damage)
    for read in (lambda: runs.get(run), lambda: runs.change(run, status="failed")):
        with pytest.raises(ConfigError, match=r"run\.json is damaged") as caught:
            read()
        assert run in caught.value.hint


def test_a_damaged_run_stops_no_other_one_and_is_listed_apart(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    lost, whole = (runs.create("train", Plan(name="p", protocol="t2")) for _ in range(2))
    assert runs.damaged() == {}
    (tmp_path / "runs" / lost.id / "run.json").write_bytes(b"")
    for known in (runs, Runs(tmp_path)):
        assert known.all() == [whole]
        assert list(known.damaged()) == [lost.id]
        assert f"runs/{lost.id}/run.json" in known.damaged()[lost.id].message


def test_a_run_is_read_anew_once_its_file_has_changed(tmp_path: Path) -> None:
    runs, other = Runs(tmp_path), Runs(tmp_path)
    run = runs.create("train", Plan(name="p", protocol="t2")).id
    assert other.get(run).status == "queued"
    runs.change(run, status="failed")
    assert other.get(run).status == "failed"


def test_a_changed_event_is_left_out_and_counted_and_one_without_a_check_is_read(
    tmp_path: Path,
) -> None:
    runs = Runs(tmp_path)
    run = runs.create("train", Plan(name="p", protocol="t2")).id
    runs.event(run, "round", round=1)
    runs.event(run, "done", round=1)
    path = tmp_path / "runs" / run / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"round": 1', b'"round": 3', 1))
    with path.open("a") as f:
        f.write('{"event": "old", "at": "2026-11-01"}\n')
    assert [e["event"] for e in runs.events(run)] == ["done", "old"]
    assert runs.unreadable_events(run) == 1


def test_an_evaluation_changed_after_it_was_recorded_stops_the_run(runs: Runs) -> None:
    made = runs.create("validate", PLAN, promise=promise(), model="m")
    assert runs.evaluation(made) == evaluation_from(promise())
    (runs.folder(made.id) / "evaluation.toml").write_text(promise(more="prevalence = 0.5\n"))
    with pytest.raises(RunError, match="changed"):
        runs.evaluation(made)


def test_runs_written_before_evaluations_existed_are_still_read(runs: Runs) -> None:
    made = runs.create("validate", PLAN, model="m")
    path = runs.folder(made.id) / "run.json"
    values = json.loads(path.read_text())
    path.write_text(
        json.dumps({k: v for k, v in values.items() if k not in ("wait", "evaluation", "checksum")})
    )
    assert runs.get(made.id) == made
