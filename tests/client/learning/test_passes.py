"""A round goes on in the epochs' order where the one before stopped."""

from itertools import islice

import pytest
import torch
from hepafed.client.learning.images import draw_batches
from hepafed.client.learning.passes import Passes, batches_from
from hepafed.common.contract.local_work import planned_steps
from hepafed.common.contract.plan import TrainingPlan
from hypothesis import given
from hypothesis import strategies as st

PLAN = TrainingPlan(batch=4, balance=False)
LABELS = torch.tensor([n % 3 for n in range(23)])
EACH = 6
"""Steps of an epoch of 23 images."""


def seeded(epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed(epoch)


def drawn(first: int, steps: int) -> list[int]:
    batches = islice(batches_from(first, LABELS, PLAN, seeded), steps)
    return [int(n) for batch in batches for n in batch]


@given(st.integers(1, 400), st.integers(0, 70), st.booleans(), st.integers(0, 3))
def test_the_steps_that_a_plan_asks_for_are_the_batches_that_are_drawn(
    examples: int, batch: int, balance: bool, epochs: int
) -> None:
    plan = TrainingPlan(batch=batch, balance=balance, epochs=epochs)
    labels = torch.arange(examples) % 3
    batches = draw_batches(labels, plan, seeded(0))
    assert planned_steps(plan, examples) == epochs * len(batches)


def test_each_epoch_shows_every_image_once_in_an_order_of_its_own() -> None:
    first, second = drawn(0, EACH), drawn(EACH, EACH)
    assert sorted(first) == sorted(second) == list(range(23))
    assert first != second


@pytest.mark.parametrize("cut", [1, 5, 6, 7, 12, 17])
def test_parts_that_follow_each_other_show_what_one_long_part_shows(cut: int) -> None:
    assert drawn(0, cut) + drawn(cut, 18 - cut) == drawn(0, 18)


def test_a_round_begins_where_the_round_before_stopped() -> None:
    passes = Passes()
    assert passes.begin("r", 1, 6) == 0
    passes.finish("r", 1, 4)
    assert passes.begin("r", 2, 6) == 4
    passes.finish("r", 2, 6)
    assert passes.begin("r", 3, 6) == 10


def test_a_round_that_is_asked_for_again_begins_where_it_began() -> None:
    passes = Passes()
    passes.begin("r", 1, 6)
    passes.finish("r", 1, 4)
    assert passes.begin("r", 2, 6) == 4
    passes.finish("r", 2, 3)
    assert passes.begin("r", 2, 6) == 4
    passes.finish("r", 2, 5)
    assert passes.begin("r", 3, 6) == 9


@pytest.mark.parametrize(("run", "number"), [("r", 3), ("q", 2), ("r", 1)])
def test_after_a_gap_or_in_another_run_a_round_begins_as_if_no_budget_had_ended(
    run: str, number: int
) -> None:
    passes = Passes()
    passes.begin("r", 1, 6)
    passes.finish("r", 1, 4)
    passes.begin("z", 9, 6)
    passes.finish("r", 1, 5)  # of a training that is no longer the newest
    assert passes.begin(run, number, 6) == (number - 1) * 6
