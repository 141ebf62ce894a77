"""How many steps a round has, and the learning rate at each of them."""

import pytest
from hepafed.common.contract.local_work import planned_steps, rate_at
from hepafed.common.contract.plan import TrainingPlan


@pytest.mark.parametrize(
    ("schedule", "progress", "share"),
    [
        ("constant", 0.0, 1.0),
        ("constant", 0.9, 1.0),
        ("cosine", 0.0, 1.0),
        ("cosine", 1 / 3, 0.75),
        ("cosine", 0.5, 0.5),
        ("cosine", 1.0, 0.0),
        ("one-cycle", 0.0, 0.1),
        ("one-cycle", 0.1, 0.1 + 0.9 * 0.25),
        ("one-cycle", 0.15, 0.1 + 0.9 * 0.5),
        ("one-cycle", 0.3, 1.0),
        ("one-cycle", 0.3 + 0.7 / 3, 0.75),
        ("one-cycle", 0.65, 0.5),
        ("one-cycle", 1.0, 0.0),
    ],
)
def test_the_rate_at_a_share_of_the_run(schedule: str, progress: float, share: float) -> None:
    plan = TrainingPlan(rate=0.02, schedule=schedule)
    assert rate_at(plan, progress) == pytest.approx(0.02 * share, abs=1e-9)


def test_the_one_cycle_has_no_step_at_its_peak() -> None:
    plan = TrainingPlan(rate=1.0)
    assert rate_at(plan, 0.3 - 1e-9) == pytest.approx(rate_at(plan, 0.3), abs=1e-6)


@pytest.mark.parametrize(
    ("examples", "batch", "epochs", "steps"),
    [
        (1, 32, 1, 1),
        (7, 32, 3, 3),
        (64, 32, 1, 2),
        (65, 32, 1, 2),
        (71, 32, 1, 2),
        (72, 32, 1, 3),
        (9, 4, 1, 2),
        (10, 4, 5, 15),
        (5, 2, 1, 2),
        (6, 1, 1, 5),
        (1, 1, 2, 2),
        (500, 0, 2, 2),
        (500, 32, 0, 0),
    ],
)
def test_a_last_batch_of_less_than_a_quarter_or_of_one_image_is_no_step_of_its_own(
    examples: int, batch: int, epochs: int, steps: int
) -> None:
    assert planned_steps(TrainingPlan(batch=batch, epochs=epochs), examples) == steps
