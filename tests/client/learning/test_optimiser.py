"""Whose moments go on from round to round."""

import errno
import math
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from hepafed.client.learning.optimiser import WarmOptimiser
from hepafed.client.moments import Moments
from hepafed.common.contract.plan import TrainingPlan
from hepafed.common.errors import DataError
from hepafed.common.network import Flat
from hepafed.common.room import in_room, waiting_for_room
from torch import nn


def stepped(warm: WarmOptimiser, module: nn.Module, plan: TrainingPlan, run: str, n: int) -> float:
    """Take one step with a gradient of 1 in a round; return how far the weight went."""
    optimiser = warm.begin(plan, run, n)
    before = float(module.weight.detach())
    module.weight.grad = torch.ones_like(module.weight)
    optimiser.step()
    warm.finish(plan, run, n)
    warm.settle()
    return before - float(module.weight.detach())


def fresh(home: Path) -> tuple[nn.Linear, WarmOptimiser]:
    module = nn.Linear(1, 1, bias=False)
    return module, WarmOptimiser(module, Moments(home))


SGD = TrainingPlan(optimiser="sgd", rate=1.0, momentum=0.5, weight_decay=0.0)


def test_the_moments_go_on_over_consecutive_rounds_of_a_run_alone(tmp_path: Path) -> None:
    module, warm = fresh(tmp_path)
    assert stepped(warm, module, SGD, "r", 1) == pytest.approx(1.0)
    assert stepped(warm, module, SGD, "r", 2) == pytest.approx(1.5)
    assert stepped(warm, module, SGD, "r", 4) == pytest.approx(1.0)  # a round was left out
    assert stepped(warm, module, SGD, "other", 5) == pytest.approx(1.0)


def test_a_round_that_begins_empty_has_no_moments_of_the_one_before(tmp_path: Path) -> None:
    module, warm = fresh(tmp_path)
    assert stepped(warm, module, SGD, "r", 1) == pytest.approx(1.0)
    optimiser = warm.begin(SGD, "r", 2, empty=True)
    assert not optimiser.state_dict()["state"]


def test_after_a_round_that_was_given_up_the_next_begins_empty_and_itself_as_it_did(
    tmp_path: Path,
) -> None:
    module, warm = fresh(tmp_path)
    stepped(warm, module, SGD, "r", 1)
    warm.begin(SGD, "r", 2)
    warm.discard()
    assert not warm.begin(SGD, "r", 3).state_dict()["state"]
    module, warm = fresh(tmp_path)
    warm.begin(SGD, "r", 2)
    warm.discard()
    assert stepped(warm, module, SGD, "r", 2) == pytest.approx(1.5)


def test_sgd_and_adamw_take_the_plans_numbers(tmp_path: Path) -> None:
    module, warm = fresh(tmp_path)
    plan = TrainingPlan(optimiser="sgd", rate=0.5, momentum=0.0, weight_decay=0.25)
    start = float(module.weight.detach())
    assert stepped(warm, module, plan, "r", 1) == pytest.approx(0.5 * (1 + 0.25 * start))
    module, warm = fresh(tmp_path)
    start = float(module.weight.detach())
    plan = TrainingPlan(rate=0.1, weight_decay=0.3)
    assert stepped(warm, module, plan, "r", 1) == pytest.approx(0.1 + 0.1 * 0.3 * start, abs=1e-6)
    assert not math.isclose(start, float(module.weight.detach()))


ADAMW = TrainingPlan(rate=0.1, weight_decay=0.3)


@pytest.mark.parametrize("plan", [SGD, ADAMW], ids=["sgd", "adamw"])
def test_another_process_goes_on_from_the_moments_bit_for_bit(
    tmp_path: Path, plan: TrainingPlan
) -> None:
    def trained(home: Path, ends: tuple[int, ...]) -> float:
        """Train five rounds; before those of `ends` the process is another one."""
        home.mkdir()
        module, warm = fresh(home)
        with torch.no_grad():
            module.weight.fill_(0.7)
        for n in range(1, 6):
            if n in ends:
                warm = WarmOptimiser(module, Moments(home))
            optimiser = warm.begin(plan, "r", n)
            for step in range(3):
                module.weight.grad = torch.full_like(module.weight, (n * 3 + step) % 4 - 1.3)
                optimiser.step()
            warm.finish(plan, "r", n)
            warm.settle()
        return float(module.weight.detach())

    whole = trained(tmp_path / "whole", ())
    assert trained(tmp_path / "ended", (2, 4, 5)) == whole


def test_a_round_that_is_asked_for_again_after_an_end_begins_as_it_did(tmp_path: Path) -> None:
    module, warm = fresh(tmp_path)
    for n in (1, 2, 3):
        stepped(warm, module, SGD, "r", n)
    module, warm = fresh(tmp_path)
    assert stepped(warm, module, SGD, "r", 3) == pytest.approx(1.75)
    assert stepped(warm, module, SGD, "r", 4) == pytest.approx(1.875)


def test_moments_of_another_run_optimiser_or_round_are_not_taken(tmp_path: Path) -> None:
    module, warm = fresh(tmp_path)
    stepped(warm, module, SGD, "r", 4)
    for plan, run, n in ((SGD, "s", 5), (ADAMW, "r", 5), (SGD, "r", 6), (SGD, "r", 4)):
        _, warm = fresh(tmp_path)
        assert not warm.begin(plan, run, n).state_dict()["state"]


def test_moments_of_another_network_are_refused(tmp_path: Path) -> None:
    module, warm = fresh(tmp_path)
    stepped(warm, module, SGD, "r", 1)
    other = WarmOptimiser(nn.Linear(2, 1, bias=False), Moments(tmp_path))
    with pytest.raises(DataError, match="of another network"):
        other.begin(SGD, "r", 2)


def test_what_has_no_moments_writes_nothing(tmp_path: Path) -> None:
    plain = TrainingPlan(optimiser="sgd", rate=1.0, momentum=0.0)
    module, warm = fresh(tmp_path)
    stepped(warm, module, plan=plain, run="r", n=1)
    optimiser = warm.begin(SGD, "r", 2, empty=True)
    module.weight.grad = torch.ones_like(module.weight)
    optimiser.step()
    warm.finish(SGD, "r", 2, empty=True)
    warm.settle()
    assert not [*tmp_path.iterdir()]


class Held(Moments):
    """A disk that takes its time: nothing is written before `go`; `full` more tries find none."""

    def __init__(self, home: Path, full: int = 0) -> None:
        super().__init__(home)
        self.go, self.full, self.home = threading.Event(), full, home

    def keep(self, run: str, round: int, optimiser: str, tensors: Mapping[str, Flat]) -> None:
        def write() -> None:
            if self.full:
                self.full -= 1
                raise OSError(errno.ENOSPC, "full")
            super(Held, self).keep(run, round, optimiser, tensors)

        assert self.go.wait(20)
        in_room(self.home, 1, write)


def held(home: Path, full: int = 0) -> tuple[nn.Linear, WarmOptimiser, Held]:
    module, kept = nn.Linear(1, 1, bias=False), Held(home, full)
    return module, WarmOptimiser(module, kept), kept


def step(warm: WarmOptimiser, module: nn.Module, n: int) -> float:
    """Train a round as `stepped`, and do not wait for its moments."""
    optimiser = warm.begin(SGD, "r", n)
    before = float(module.weight.detach())
    module.weight.grad = torch.ones_like(module.weight)
    optimiser.step()
    warm.finish(SGD, "r", n)
    return before - float(module.weight.detach())


@pytest.mark.parametrize("waits", ["settle", "the next round"])
def test_the_moments_are_written_beside_what_comes_next_and_then_waited_for(
    tmp_path: Path, waits: str
) -> None:
    module, warm, kept = held(tmp_path)
    step(warm, module, 1)
    assert Moments(tmp_path).read("r", 1, "sgd") is None
    threading.Timer(0.2, kept.go.set).start()
    if waits == "settle":
        warm.settle()
    else:
        assert step(warm, module, 2) == pytest.approx(1.5)
    found = Moments(tmp_path).read("r", 1, "sgd")
    assert found is not None
    assert found["0.momentum_buffer"].tolist() == [[1.0]]
    warm.settle()


def test_a_worker_killed_while_it_writes_makes_the_same_round_again(tmp_path: Path) -> None:
    """Nothing is known of the round yet, and half a file lies there."""
    module, warm = fresh(tmp_path)
    stepped(warm, module, SGD, "r", 1)
    (tmp_path / "moments" / ".of-round-2.safetensors.unfinished").write_bytes(b"half")
    for _ in range(3):
        module, warm = fresh(tmp_path)
        assert step(warm, module, 2) == pytest.approx(1.5)
        warm.settle()


def test_a_round_asked_for_again_begins_as_it_did_whatever_is_in_memory(tmp_path: Path) -> None:
    module, warm = fresh(tmp_path)
    wanted = [1.0, 1.5, 1.75, 1.875]
    for n in (1, 1, 2, 2, 2, 3, 4, 4):
        assert stepped(warm, module, SGD, "r", n) == pytest.approx(wanted[n - 1])
    warm.begin(SGD, "r", 5)  # and broke off
    module.weight.grad = torch.full_like(module.weight, 9.0)
    warm.begin(SGD, "r", 5).step()
    assert stepped(warm, module, SGD, "r", 5) == pytest.approx(1.9375)


def test_moments_that_cannot_be_written_are_said_and_their_round_is_made_again(
    tmp_path: Path,
) -> None:
    module, warm, kept = held(tmp_path)
    kept.go.set()
    assert stepped(warm, module, SGD, "r", 1) == pytest.approx(1.0)
    kept.full = 1
    step(warm, module, 2)
    with pytest.raises(OSError, match="full"):
        warm.settle()
    warm.settle()  # it was said once
    assert stepped(warm, module, SGD, "r", 2) == pytest.approx(1.5)


def test_after_moments_that_were_not_kept_the_next_round_begins_as_in_another_process(
    tmp_path: Path,
) -> None:
    module, warm, kept = held(tmp_path, full=1)
    kept.go.set()
    step(warm, module, 1)
    with pytest.raises(OSError, match="full"):
        warm.settle()
    assert step(warm, module, 2) == pytest.approx(1.0)
    warm.settle()


def test_a_full_disk_is_waited_for_as_where_the_round_is_trained(tmp_path: Path) -> None:
    module, warm, kept = held(tmp_path, full=2)
    kept.go.set()
    said: list[str] = []
    with waiting_for_room(said.append, seconds=0.01):
        step(warm, module, 1)
    warm.settle()
    assert [bool(words) for words in said] == [True, False]
    assert Moments(tmp_path).read("r", 1, "sgd")
