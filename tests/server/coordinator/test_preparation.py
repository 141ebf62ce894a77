"""Initial weights are made in a process of their own, from the file that the run began with."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.errors import BusyError, PlanError, RunError
from hepafed.common.network import Layout, save_safetensors
from hepafed.common.room import is_full
from hepafed.server.coordinator.preparation import (
    INITIAL,
    Make,
    StartingWeights,
    make_for_person,
    make_weights,
    prepare,
)
from hepafed.server.runs.store import Run, Runs

from tests.small_disk import small_disk
from tests.stand_in import STAND_IN

PLAN = Plan(name="a", protocol="t2", model=ModelPlan(weights="/data/net.safetensors"))


def whole(path: Path) -> None:
    save_safetensors(path, Layout(("w",), ((2,),)), np.ones(2, np.float32))


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def run(runs: Runs) -> Run:
    return runs.create("train", PLAN)


def made_by(sha256: str) -> tuple[Make, list[Path]]:
    """Give what makes weights at once, and where they went."""
    asked: list[Path] = []

    def one(_plan: Plan, out: Path | None) -> StartingWeights:
        assert out is not None
        asked.append(out)
        whole(out)
        return StartingWeights((), sha256)

    return one, asked


def test_whole_weights_are_kept(runs: Runs, run: Run) -> None:
    one, asked = made_by("")
    whole(runs.folder(run.id) / INITIAL)
    prepare(run, runs, one)
    assert (asked, runs.events(run.id)) == ([], [])
    (runs.folder(run.id) / INITIAL).write_bytes(b"half")
    prepare(run, runs, one)
    assert asked == [runs.folder(run.id) / INITIAL]
    assert [e["event"] for e in runs.events(run.id)] == ["preparing"]


@pytest.mark.parametrize(("now", "same"), [("a" * 64, True), ("b" * 64, False)])
def test_weights_are_made_anew_from_the_same_file_alone(
    runs: Runs, run: Run, now: str, same: bool
) -> None:
    one, _ = made_by(now)
    runs.event(run.id, "weights", file="net.safetensors", notes=[], sha256="a" * 64)
    initial = runs.folder(run.id) / INITIAL
    if same:
        prepare(run, runs, one)
        assert initial.exists()
        return
    with pytest.raises(RunError, match=r"net\.safetensors is not the file that this run") as e:
        prepare(run, runs, one)
    assert f"server resume {run.id}" in e.value.hint
    assert not initial.exists()


def test_a_refusal_keeps_its_reason_and_its_hint(runs: Runs, run: Run) -> None:
    def one(_plan: Plan, _out: Path | None) -> StartingWeights:
        raise PlanError("model.weights: net.safetensors is empty", "use another")

    with pytest.raises(RunError, match=r"could not be made: model\.weights: net.* is empty") as e:
        prepare(run, runs, one)
    assert e.value.hint == "use another"


def test_a_file_that_is_gone_is_refused_by_the_process_without_torch_here(tmp_path: Path) -> None:
    gone = tmp_path / "gone.safetensors"
    plan = replace(PLAN, model=ModelPlan(weights=str(gone)))
    with pytest.raises(PlanError, match=r"^model\.weights: gone\.safetensors is not on this") as e:
        make_weights(plan, None)
    assert "copy the file" in e.value.hint
    assert [*tmp_path.iterdir()] == []


def test_one_plan_s_weights_are_looked_at_at_a_time() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_plan: Plan, _out: Path | None) -> StartingWeights:
        begun.set()
        go_on.wait(60)
        return StartingWeights((), "")

    first = threading.Thread(target=make_for_person, args=(PLAN, None, slow))
    first.start()
    begun.wait(60)
    with pytest.raises(BusyError, match="weights of another plan"):
        make_for_person(PLAN, None, slow)
    go_on.set()
    first.join()
    assert make_for_person(PLAN, None, slow) == StartingWeights((), "")


def test_without_room_the_weights_are_not_said_to_be_unusable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    plan = Plan(name="a", protocol="t2", model=ModelPlan(size=75))
    with small_disk(tmp_path / "disk") as disk:
        disk.fill()
        with pytest.raises(OSError, match="no room") as caught:
            make_weights(plan, disk.home / INITIAL)
        disk.free()
        make_weights(plan, disk.home / INITIAL)
    assert is_full(caught.value)
