"""Values of `[training]` that cannot be are refused by their key."""

from dataclasses import replace

import pytest
from hepafed.common.contract import Plan, RoundsPlan, TrainingPlan, plan_from
from hepafed.common.errors import PlanError
from hepafed.common.records import write_record

PLAN = Plan(name="p", protocol="t2", rounds=RoundsPlan(count=4))


@pytest.mark.parametrize(
    ("key", "wrong", "right"),
    [
        ("precision", ["fp8", "", "FP16"], ["auto", "fp32", "bf16", "fp16"]),
        ("micro_batch", [-1, 1, 65537], [0, 2, 65536]),
        ("freeze_rounds", [-1, 10001], [0, 10000]),
        ("backbone_rate", [-0.1, 1.1, float("nan")], [0.0, 0.5, 1.0]),
        ("compile", [], [True, False]),
    ],
)
def test_each_value_is_held_to_its_bounds(
    key: str, wrong: list[object], right: list[object]
) -> None:
    for value in right:
        assert getattr(TrainingPlan(**{key: value}), key) == value
    for value in wrong:
        with pytest.raises(PlanError, match=rf"training\.{key}"):
            TrainingPlan(**{key: value})


@pytest.mark.parametrize(("rounds", "allowed"), [(3, True), (4, False), (5, False)])
def test_the_backbone_must_learn_in_one_round_at_least(rounds: int, allowed: bool) -> None:
    training = TrainingPlan(freeze_rounds=rounds)
    if allowed:
        replace(PLAN, training=training)
        return
    with pytest.raises(PlanError, match=r"training.freeze_rounds: . is not below rounds.count, 4"):
        replace(PLAN, training=training)


@pytest.mark.parametrize("word", ["fp16", "int2", ""])
def test_an_encoding_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(PlanError, match=r"rounds\.encoding"):
        RoundsPlan(encoding=word)


def test_what_a_plan_of_before_does_not_have_is_not_written() -> None:
    """So that its digest stays as it was."""
    values = write_record(PLAN)
    new = {"precision", "micro_batch", "compile", "freeze_rounds", "backbone_rate"}
    assert not new & {*values["training"]}
    assert "encoding" not in values["rounds"]
    assert "augmentation" not in values
    assert plan_from(values) == PLAN
