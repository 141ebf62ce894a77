"""What a run needs is held to what there is: disk, weights, hours, bytes."""

from dataclasses import replace
from pathlib import Path

import pytest
from hepafed.common.console import FAIL, NOTE, PASS
from hepafed.common.contract.plan import DataPlan, ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import BusyError, PlanError
from hepafed.server.coordinator.estimate import PARAMETERS
from hepafed.server.coordinator.preparation import StartingWeights
from hepafed.server.rehearsal import size_words

from .known import PLAN, Known

ONE = 2 * (PARAMETERS + 288)
"""Bytes of one copy of the weights of two sequences."""


@pytest.mark.parametrize(("more", "state"), [(-1, FAIL), (0, PASS)])
def test_a_disk_on_which_the_run_has_no_room_is_refused(
    known: Known, more: int, state: str
) -> None:
    need = ONE * (2 * 7 + 3 + 2)
    known.free = need + more
    line = known.look()["disk"]
    assert line.state == state
    assert f"the run needs {size_words(need)}" in line.found


def test_trainings_that_have_not_ended_need_their_room_as_well(known: Known) -> None:
    known.free = ONE * 19 + 1000
    ended = known.trained(PLAN, status="failed")
    assert known.look()["disk"].state == PASS
    known.runs.change(ended.id, status="queued")
    line = known.look()["disk"]
    assert line.state == FAIL
    assert "and 1 trainings before it" in line.found


@pytest.mark.parametrize(
    ("training", "model", "refused"),
    [
        (TrainingPlan(batch=1), ModelPlan(), True),
        (TrainingPlan(batch=1), ModelPlan(freeze_norm=True), False),
        (TrainingPlan(batch=1, epochs=0), ModelPlan(), False),
        (TrainingPlan(batch=2), ModelPlan(), False),
        (TrainingPlan(batch=0), ModelPlan(), False),
    ],
)
def test_a_batch_of_one_image_is_refused_where_batchnorm_learns(
    known: Known, training: TrainingPlan, model: ModelPlan, refused: bool
) -> None:
    found = known.look(replace(PLAN, training=training, model=model))
    assert ("batch" in found) is refused
    if refused:
        assert found["batch"].state == FAIL
        assert "freeze_norm" in found["batch"].hint


def test_weights_are_looked_at_and_what_is_done_to_them_is_said(known: Known) -> None:
    asked: list[tuple[Plan, Path | None]] = []

    def make(plan: Plan, out: Path | None) -> StartingWeights:
        asked.append((plan, out))
        return StartingWeights(("it starts anew", "float16"), "")

    known.make = make
    assert known.look()["weights"].found == "random, from seed 0"
    assert asked == []
    plan = replace(PLAN, model=ModelPlan(weights="/data/net.safetensors"))
    line = known.look(plan)["weights"]
    assert (line.state, line.found) == (PASS, "net.safetensors: it starts anew; float16")
    assert asked == [(plan, None)]


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("net.safetensors", None, "must be a full path"),
        ("/net.pth", PlanError("model.weights: net.pth is …", "convert it"), "net.pth is …"),
        ("/net.pth", BusyError("being looked at"), "being looked at"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_with_their_reason(
    known: Known, path: str, error: Exception | None, words: str
) -> None:
    def make(_plan: Plan, _out: Path | None) -> StartingWeights:
        assert error is not None
        raise error

    known.make = make
    line = known.look(replace(PLAN, model=ModelPlan(weights=path)))["weights"]
    assert line.state == FAIL
    assert words in line.found
    assert line.hint


REHEARSAL = replace(PLAN, training=TrainingPlan(epochs=0), rounds=RoundsPlan(count=2))


def test_hours_come_from_a_rehearsal_of_the_same_network(known: Known) -> None:
    assert known.look()["time"].found.startswith("not known")
    assert "training.epochs = 0" in known.look()["time"].hint
    for other in (
        replace(REHEARSAL, protocol="t2"),
        replace(REHEARSAL, model=ModelPlan(size=75)),
        replace(REHEARSAL, data=DataPlan(missing="zero")),
        replace(PLAN, training=TrainingPlan(epochs=5)),
    ):
        known.trained(other, 7.0)
    known.trained(REHEARSAL)  # no round was done
    assert known.look()["time"].found.startswith("not known")
    run = known.trained(REHEARSAL, 100.0, 30.0, 40.0)
    line = known.look()["time"]
    assert line.state == NOTE
    assert line.found == (
        f"at least 12 min: 20 rounds of 35.0 s without the training, as in the rehearsal {run.id}; "
        "the sites' training comes on top"
    )
    again = known.look(replace(REHEARSAL, rounds=RoundsPlan(count=3)))["time"]
    assert again.found == f"about 2 min: 3 rounds of 35.0 s, as in {run.id}"


def test_a_run_that_trained_as_the_plan_does_goes_before_a_rehearsal(known: Known) -> None:
    run = known.trained(replace(PLAN, name="b", seed=4), 600.0)
    known.trained(REHEARSAL, 5.0)
    line = known.look()["time"]
    assert line.found == f"about 3.3 h: 20 rounds of 10 min, as in {run.id}"


def test_a_deadline_that_was_too_short_before_is_said(known: Known) -> None:
    known.trained(PLAN, 60.0, 601.0)
    fits = known.look(replace(PLAN, rounds=RoundsPlan(deadline=601)))["time"]
    assert fits.hint == ""
    short = known.look(replace(PLAN, rounds=RoundsPlan(deadline=600)))["time"]
    assert "up to 10 min" in short.found
    assert "rounds.deadline" in short.hint


def test_bytes_are_those_of_every_round_and_site(known: Known) -> None:
    line = known.look()["bytes"]
    assert line.found == (
        f"each site receives {21 * ONE / 1e9:.1f} GB and sends {20 * ONE / 1e9:.1f} GB; "
        f"{2 * 41 * ONE / 1e9:.1f} GB at the coordinator with 2 sites"
    )


@pytest.mark.parametrize(
    ("word", "vectors", "copies"), [("fedavgm", 1, 1), ("fedadam", 2, 1), ("scaffold", 1, 2)]
)
@pytest.mark.parametrize("average", [1, 3])
def test_what_a_strategy_keeps_and_sends_is_counted(
    known: Known, word: str, vectors: int, copies: int, average: int
) -> None:
    how = replace(PLAN.rounds, strategy=word, weights="equal", average=average)
    training = TrainingPlan(optimiser="sgd")
    kept = vectors + (average > 1)
    need = ONE * (2 * (7 + 4 * kept) + 3 + copies - 1 + 2)
    found = known.look(replace(PLAN, rounds=how, training=training))
    assert f"the run needs {size_words(need)}" in found["disk"].found
    fetched = size_words((20 * copies + 1) * ONE)
    assert f"each site receives {fetched} and sends {20 * ONE / 1e9:.1f} GB" in found["bytes"].found
