"""How often sequences are dropped, and which one stays."""

import pytest
import torch
from hepafed.client.learning.augmentation import RandSequenceDropout
from torch import Tensor


def kept(image: Tensor, prob: float, draws: int = 400) -> Tensor:
    """Give which sequences are not zero, by draw."""
    drop = RandSequenceDropout(prob)
    drop.set_random_state(3)
    return torch.stack([drop(image).flatten(1).any(1) for _ in range(draws)])


def test_each_sequence_is_dropped_as_often_as_the_plan_says_by_itself() -> None:
    found = kept(torch.ones(4, 3, 5), 0.3).float()
    assert found.mean(0).tolist() == pytest.approx([0.7] * 4, abs=0.08)
    assert (torch.corrcoef(found.T) - torch.eye(4)).abs().max() < 0.2


def test_one_sequence_stays_and_each_may_be_the_one() -> None:
    found = kept(torch.ones(3, 3, 5), 0.9)
    assert found.any(1).all()
    assert (found[found.sum(1) == 1].sum(0) > 50).all()


def test_of_an_image_that_has_one_sequence_it_stays() -> None:
    image = torch.zeros(3, 4, 4)
    image[1, 2, 3] = 1.0
    assert (kept(image, 0.9).tolist()) == [[False, True, False]] * 400


def test_what_stays_is_unchanged_and_the_image_that_came_too() -> None:
    image = torch.randn(4, 5, 6)
    before, drop = image.clone(), RandSequenceDropout(0.5)
    drop.set_random_state(1)
    for _ in range(20):
        made = drop(image)
        there = made.flatten(1).any(1)
        assert torch.equal(made[there], image[there])
    assert torch.equal(image, before)


def test_an_image_without_any_sequence_stays_as_it_is() -> None:
    assert not kept(torch.zeros(2, 3, 3), 0.5, 20).any()
