"""How much a round of local training is: its steps, and the learning rate at each of them."""

import math

from hepafed.common.contract.training import TrainingPlan

MOST_ROUND_STEPS = 10**6
"""The most steps that a round can ask of a site that counts its steps (`fednova`)."""


def planned_steps(plan: TrainingPlan, examples: int) -> int:
    """Return how many steps a round of the plan takes over so many images; 0 in a rehearsal.

    A last batch of few images joins the one before.
    """
    batch = plan.batch or max(examples, 1)
    batches = -(-examples // batch)
    last = examples - (batches - 1) * batch
    if batches > 1 and last < max(2, batch // 4):
        batches -= 1
    return plan.epochs * batches


def rate_at(plan: TrainingPlan, progress: float) -> float:
    """Return the learning rate at a share (0 to 1) of the whole run.

    `one-cycle`: up from a tenth over the first 30 %, then a cosine down to nothing
    (Smith and Topin 2019); `cosine`: down from the peak; `constant`: the peak.
    """
    if plan.schedule == "constant":
        return plan.rate
    if plan.schedule == "cosine":
        return plan.rate * 0.5 * (1 + math.cos(math.pi * progress))
    if progress < 0.3:
        share = 0.5 * (1 - math.cos(math.pi * progress / 0.3))
        return plan.rate * (0.1 + 0.9 * share)
    return plan.rate * 0.5 * (1 + math.cos(math.pi * (progress - 0.3) / 0.7))
