"""Values of `[augmentation]` that cannot be are refused by their key."""

from dataclasses import fields, replace

import pytest
from hepafed.common.contract import AugmentationPlan, Plan, TrainingPlan, plan_from
from hepafed.common.errors import PlanError

LARGEST = {
    "rotate": 180.0, "scale": 0.5, "shift": 0.5, "flip": 1.0, "gain": 0.9, "offset": 2.0,
    "probability": 1.0, "bias_field": 1.0, "noise": 2.0, "contrast": 0.9, "gibbs": 0.9,
    "drop_sequence": 0.9,
}  # fmt: skip


def test_every_key_has_a_bound() -> None:
    assert {f.name for f in fields(AugmentationPlan)} == {*LARGEST}


@pytest.mark.parametrize("key", sorted(LARGEST))
def test_each_strength_is_from_nothing_to_its_largest(key: str) -> None:
    for value in (0.0, LARGEST[key]):
        assert getattr(AugmentationPlan(**{key: value}), key) == value
    for value in (-0.01, LARGEST[key] + 0.01, float("nan")):
        with pytest.raises(PlanError, match=f"augmentation.{key}"):
            AugmentationPlan(**{key: value})


def test_an_unknown_key_is_refused_by_name() -> None:
    values = {"name": "p", "protocol": "t2", "augmentation": {"blur": 1.0}}
    with pytest.raises(PlanError, match=r"unknown key augmentation.blur"):
        plan_from(values)


def test_changes_that_would_not_be_made_are_refused() -> None:
    plan = Plan(name="p", protocol="t2", training=TrainingPlan(augment=False))
    with pytest.raises(PlanError, match=r"augmentation: .* training.augment is false"):
        replace(plan, augmentation=AugmentationPlan(noise=0.2))
    replace(plan, augmentation=AugmentationPlan())
