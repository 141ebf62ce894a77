"""How much work an update is made of: the steps that a site states, held to the plan and weighed.

The steps weigh as in FedNova (Wang, Liu, Liang, Joshi and Poor, "Tackling the Objective
Inconsistency Problem in Heterogeneous Federated Optimization", NeurIPS 2020), by the norm ‖a‖₁: how
much the gradients of a round went into its update, in steps at the plan's peak rate.
"""

from typing import NamedTuple

from hepafed.common.contract import COUNTED, MOST_ROUND_STEPS, Plan, planned_steps, rate_at
from hepafed.common.contract.messages import TrainReply
from hepafed.common.errors import PayloadError


class LocalWork(NamedTuple):
    """The work behind one update, in steps at the plan's peak rate; each is above 0."""

    steps: float
    """Of the steps that were taken."""
    whole: float
    """Of all steps that the plan asks for."""
    counted: float
    """As it counts in the mean of all sites' steps."""


WHOLE = LocalWork(1.0, 1.0, 1.0)
"""Of an update whose steps are not counted."""


def is_counted(plan: Plan) -> bool:
    """Return whether the steps of a plan's updates are counted; a rehearsal takes none."""
    return plan.rounds.strategy in COUNTED and plan.training.epochs > 0


def check_steps(reply: TrainReply, plan: Plan) -> None:
    """Check the steps that a site states against the plan and the examples that it states.

    Raises
    ------
    PayloadError
        They cannot be, or are not those of the plan.
    """
    if not is_counted(plan):
        return
    planned = planned_steps(plan.training, reply.examples)
    if planned > MOST_ROUND_STEPS:
        raise PayloadError(
            f"a round of {planned:,} steps; at most {MOST_ROUND_STEPS:,} are allowed"
        )
    if reply.planned != planned:
        raise PayloadError(
            f"the site planned {reply.planned:,} steps; the plan asks for {planned:,} over as many "
            "examples"
        )
    if not 1 <= reply.steps <= planned:
        raise PayloadError("the site stated an impossible number of steps")
    if reply.steps < planned and not plan.training.budget:
        raise PayloadError("the site took fewer steps than the plan, which has no budget")


def work_of(reply: TrainReply, plan: Plan) -> LocalWork:
    """Return the work behind an update whose steps were checked."""
    if not is_counted(plan):
        return WHOLE
    whole = effective_steps(plan, reply.round, reply.planned, reply.planned)
    if reply.steps == reply.planned:
        return LocalWork(whole, whole, whole)
    steps = effective_steps(plan, reply.round, reply.steps, reply.planned)
    return LocalWork(steps, whole, steps)


def counted_work(work: LocalWork, reply: TrainReply, plan: Plan, counted: int) -> LocalWork:
    """Return the work of a site of whose examples only `counted` count.

    The steps over the others do not count either: else a site could state examples without end,
    and all updates would grow with the mean of the steps.
    """
    if not is_counted(plan) or counted >= reply.examples:
        return work
    most = min(reply.steps, planned_steps(plan.training, counted))
    return work._replace(counted=effective_steps(plan, reply.round, most, reply.planned))


def effective_steps(plan: Plan, round_: int, steps: int, planned: int) -> float:
    """Return ‖a‖₁ of the first `steps` steps of a round of `planned` ones.

    Of `sgd` it is the sum of r·(1 - m^k)/(1 - m) over the steps k from 1 on, with r the learning
    rate over its peak and m the momentum, whose buffer is empty when the round begins. The decay of
    the weights is a part of the gradient. An update of `adamw` is no sum of gradients: each step,
    its decay too, goes about as far as the rate says whatever the gradient's size. So it is the sum
    of r.
    """
    training = plan.training
    momentum = training.momentum if training.optimiser == "sgd" else 0.0
    total, buffer = 0.0, 0.0
    for step in range(steps):
        buffer = 1.0 + momentum * buffer
        progress = (round_ - 1 + step / planned) / plan.rounds.count
        total += buffer * rate_at(training, progress) / training.rate
    return total
