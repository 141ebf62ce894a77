"""Which images an epoch draws, and in which batches."""

from collections import Counter

import pytest
import torch
from hepafed.client.learning.images import draw_batches
from hepafed.common.contract.plan import TrainingPlan
from torch import Tensor


def drawn(labels: Tensor, seed: int = 1, **plan: object) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return draw_batches(labels, TrainingPlan(**plan), generator)  # type: ignore[arg-type]


def labels_of(*counts: int) -> Tensor:
    return torch.cat([torch.full((n,), c) for c, n in enumerate(counts)])


def test_a_balanced_epoch_draws_rare_classes_as_often_as_frequent_ones() -> None:
    """4,000 draws: a third is 1,333, and three standard errors are 90."""
    labels = labels_of(3700, 280, 20)
    chosen = torch.cat(drawn(labels, batch=64, balance=True))
    assert len(chosen) == 4000
    counts = Counter(labels[chosen].tolist())
    assert all(abs(counts[c] - 1333) < 90 for c in range(3))


def test_a_class_that_is_missing_is_not_drawn_and_the_others_share() -> None:
    labels = labels_of(900, 0, 100)
    counts = Counter(labels[torch.cat(drawn(labels, batch=50, balance=True))].tolist())
    assert counts[1] == 0
    assert abs(counts[0] - 500) < 50


def test_a_class_of_a_single_image_is_drawn_as_often_as_the_other() -> None:
    """2,000 draws: half is 1,000, and three standard errors are 67."""
    labels = labels_of(1, 1999)
    assert abs(int((torch.cat(drawn(labels, batch=50, balance=True)) == 0).sum()) - 1000) < 67


def test_without_balance_every_image_is_drawn_once_in_another_order() -> None:
    chosen = torch.cat(drawn(labels_of(20, 3, 7), batch=4, balance=False))
    assert sorted(chosen.tolist()) == list(range(30))
    assert chosen.tolist() != list(range(30))
    assert (
        chosen.tolist() != torch.cat(drawn(labels_of(20, 3, 7), 2, batch=4, balance=False)).tolist()
    )


def test_the_whole_split_in_one_step_is_in_its_own_order() -> None:
    (whole,) = drawn(labels_of(5, 2), batch=0, balance=False)
    assert whole.tolist() == list(range(7))
    (balanced,) = drawn(labels_of(5, 2), batch=0, balance=True)
    assert len(balanced) == 7


@pytest.mark.parametrize(
    ("count", "batch", "sizes"),
    [
        (20, 8, [8, 8, 4]),
        (18, 8, [8, 8, 2]),
        (17, 8, [8, 9]),
        (35, 16, [16, 19]),
        (36, 16, [16, 16, 4]),
        (5, 2, [2, 3]),
        (1, 8, [1]),
        (8, 8, [8]),
        (3, 8, [3]),
        (2, 1, [2]),
    ],
)
@pytest.mark.parametrize("balance", [False, True])
def test_a_last_batch_under_a_quarter_or_of_one_image_joins_the_one_before(
    count: int, batch: int, sizes: list[int], balance: bool
) -> None:
    made = drawn(labels_of(count, 0, 0), batch=batch, balance=balance)
    assert [len(b) for b in made] == sizes
