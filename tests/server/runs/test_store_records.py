"""What a run's record holds from its creation on, in which order runs are, and who may ask."""

import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import ConfigError, RefusedError, RunError
from hepafed.server.runs.store import ENDED, Run, Runs

from tests.server.promises import promise

PLAN = Plan(name="demo", protocol="t2", seed=5)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_a_training_is_named_after_its_plan_and_another_run_after_its_kind(runs: Runs) -> None:
    for kind, start in (("train", "demo-"), ("validate", "validate-"), ("cohort", "cohort-")):
        name = runs.create(kind, PLAN).id
        assert name.startswith(start)
        assert len(name) == len(start) + 6
        int(name.removeprefix(start), 16)


def test_a_new_run_is_queued_with_nothing_done(runs: Runs) -> None:
    before = datetime.now(UTC)
    made = runs.create("train", PLAN)
    assert before <= datetime.fromisoformat(made.created) <= datetime.now(UTC)
    assert made == Run(id=made.id, kind="train", plan=PLAN, created=made.created)
    values = json.loads((runs.folder(made.id) / "run.json").read_text())
    del values["plan"], values["id"], values["created"], values["checksum"]
    assert values == {
        "kind": "train",
        "status": "queued",
        "round": 0,
        "model": "",
        "against": [],
        "split": "external",
        "sites": [],
        "wait": 60.0,
        "subgroups": [],
        "evaluation": "",
        "requester": "",
        "flower_run": 0,
        "error": "",
        "hint": "",
    }


def test_what_is_asked_at_creation_is_kept(runs: Runs, tmp_path: Path) -> None:
    made = runs.create("validate", PLAN, model="m", sites=("b", "a"), split="test", wait=7.5)
    assert (made.model, made.sites, made.split, made.wait) == ("m", ("b", "a"), "test", 7.5)
    assert Runs(tmp_path).get(made.id) == made


def test_runs_have_ended_that_are_completed_failed_or_stopped() -> None:
    assert sorted(ENDED) == ["completed", "failed", "stopped"]


def test_an_evaluation_is_kept_beside_the_run_by_its_sha256(runs: Runs) -> None:
    made = runs.create("validate", PLAN, promise=promise(), model="m")
    path = runs.folder(made.id) / "evaluation.toml"
    assert path.read_bytes() == promise().encode()
    assert made.evaluation == sha256(promise().encode()).hexdigest()
    path.unlink()
    with pytest.raises(RunError, match="changed after it was recorded"):
        runs.evaluation(made)


def test_a_run_without_an_evaluation_has_none_and_no_file(runs: Runs) -> None:
    made = runs.create("validate", PLAN, model="m")
    assert runs.evaluation(made) is None
    assert [p.name for p in runs.folder(made.id).iterdir()] == ["run.json"]


@pytest.mark.parametrize("name", ["other", ".", "..", ".hidden", "a/b", "../runs/demo"])
def test_a_name_that_is_no_run_is_refused(runs: Runs, tmp_path: Path, name: str) -> None:
    """Even where such a file is there."""
    made = runs.create("train", PLAN)
    text = (runs.folder(made.id) / "run.json").read_text()
    for folder in (".hidden", "a/b", "demo", "..", "."):
        (tmp_path / "runs" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "runs" / folder / "run.json").write_text(text)
    for ask in (runs.folder, runs.get, runs.ask_to_stop, runs.events, runs.clear_stop):
        with pytest.raises(RefusedError, match="there is no run"):
            ask(name)


def test_a_folder_without_a_record_is_no_run(runs: Runs, tmp_path: Path) -> None:
    made = runs.create("train", PLAN)
    (tmp_path / "runs" / "half").mkdir()
    assert runs.all() == [made]
    with pytest.raises(ConfigError, match=r"runs/half/run.json is missing"):
        runs.get("half")
    with pytest.raises(RefusedError):
        runs.get("other")


def test_runs_are_listed_from_the_oldest_and_within_a_moment_by_name(
    runs: Runs, tmp_path: Path
) -> None:
    assert runs.all() == []
    dates = {"m": "2026-03-01", "z": "2026-01-01", "b": "2026-02-01", "a": "2026-02-01"}
    first = runs.create("train", PLAN)
    record = json.loads((runs.folder(first.id) / "run.json").read_text())
    del record["checksum"]
    for name, created in dates.items():
        (tmp_path / "runs" / name).mkdir()
        text = json.dumps(record | {"id": name, "created": created})
        (tmp_path / "runs" / name / "run.json").write_text(text)
    assert [r.id for r in runs.all()] == ["z", "a", "b", "m", first.id]


def test_a_change_is_on_disk_and_leaves_the_other_fields(runs: Runs, tmp_path: Path) -> None:
    made, other = runs.create("train", PLAN), runs.create("train", PLAN)
    changed = runs.change(made.id, status="running", round=4)
    assert changed == replace(made, status="running", round=4)
    assert Runs(tmp_path).get(made.id) == changed
    assert runs.get(other.id) == other


def test_changes_at_the_same_time_are_all_kept(runs: Runs) -> None:
    made = runs.create("train", PLAN)
    start = threading.Barrier(2)

    def count(field: str) -> None:
        start.wait()
        for n in range(1, 41):
            runs.change(made.id, **{field: n})

    threads = [threading.Thread(target=count, args=(f,)) for f in ("round", "flower_run")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = runs.get(made.id)
    assert (kept.round, kept.flower_run) == (40, 40)


def test_an_event_has_its_time_its_kind_and_its_values(runs: Runs) -> None:
    run = runs.create("train", PLAN).id
    assert runs.events(run) == []
    before = datetime.now(UTC)
    runs.event(run, "reply", site="a", round=3, loss=None)
    runs.event(run, "done")
    first, second = runs.events(run)
    assert before <= datetime.fromisoformat(first.pop("at")) <= datetime.now(UTC)
    assert first == {"event": "reply", "site": "a", "round": 3, "loss": None}
    assert second["event"] == "done"
    assert (runs.folder(run) / "events.jsonl").read_bytes().count(b"\n") == 2


@pytest.mark.parametrize("since", [0, 1, 2, 3, 4])
def test_a_history_is_read_from_an_event_on(runs: Runs, since: int) -> None:
    run = runs.create("train", PLAN).id
    for n in range(3):
        runs.event(run, "round", n=n)
    assert [e["n"] for e in runs.events(run, since)] == list(range(since, 3))


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_know_makes_a_line_no_event(runs: Runs, word: str) -> None:
    run = runs.create("train", PLAN).id
    with (runs.folder(run) / "events.jsonl").open("a") as f:
        f.write(f'{{"event": "reply", "loss": {word}}}\n{{"at": "no event"}}\n')
    runs.event(run, "done")
    assert [e["event"] for e in runs.events(run)] == ["done"]


def test_a_stop_is_of_one_run(runs: Runs) -> None:
    one, other = runs.create("train", PLAN).id, runs.create("train", PLAN).id
    runs.ask_to_stop(one)
    assert (runs.may_go_on(one), runs.may_go_on(other)) == (False, True)
    runs.clear_stop(other)
    assert not runs.may_go_on(one)


def test_a_run_that_is_not_there_is_named_in_short_with_where_to_look(runs: Runs) -> None:
    with pytest.raises(RefusedError) as found:
        runs.folder("r" * 100)
    assert found.value.message == "there is no run " + "r" * 60
    assert found.value.hint == "see server runs"


def test_a_record_may_be_read_by_other_accounts_of_the_machine(runs: Runs) -> None:
    before = os.umask(0o022)
    try:
        made = runs.create("train", PLAN)
    finally:
        os.umask(before)
    path = runs.folder(made.id) / "run.json"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_damaged_record_is_named_with_both_ways_out(runs: Runs) -> None:
    name = runs.create("train", PLAN).id
    (runs.folder(name) / "run.json").write_text("{")
    with pytest.raises(ConfigError, match=r"run.json is damaged") as found:
        runs.get(name)
    assert found.value.hint == (
        f"restore a copy of runs/{name}/run.json, or move the folder runs/{name} away; other runs "
        "go on"
    )
