"""What a plan may ask of a site's training split: the site's policy, held before a step is taken.

An update of one step is a gradient: of a whole split it tells the numbers of each class exactly, of
one image the image's class and features (Zhu, Liu and Han, "Deep leakage from gradients", NeurIPS
2019; Geiping et al., "Inverting gradients", NeurIPS 2020). Many normalised steps over parts of the
split blur that. They do not take it away: docs/security.md says what remains.
"""

from hepafed.common.contract import SiteConfig, TrainingPlan
from hepafed.common.errors import RefusedError

WHOLE_SPLIT = [1]
"""Of a plan whose step is the whole split: one step an epoch, however many images there are."""


def permit_plan(policy: SiteConfig, plan: TrainingPlan) -> None:
    """Check what policy says of a plan whatever the training split holds.

    Raises
    ------
    RefusedError
        As `permit_training` does, in the same words; it tells nothing of the split.
    """
    _check_optimiser(policy, plan)
    if plan.epochs and plan.batch == 0:
        _check_steps(policy, plan, WHOLE_SPLIT)


def permit_training(
    policy: SiteConfig, plan: TrainingPlan, patients: int, batches: list[int]
) -> None:
    """Check a round against the site's policy; a rehearsal (no epoch) takes no step and may pass.

    `batches`: images of each step of one epoch. The messages give no number of the site's.

    Raises
    ------
    RefusedError
        Too few patients or steps, a step over most of the split, or an optimiser that policy does
        not allow; the message names the key of site.toml and what the plan can state instead.
    """
    if not plan.epochs:
        return
    if patients < policy.minimum_train_patients:
        raise RefusedError(
            "the training split has fewer patients than this site's policy asks for "
            f"(minimum_train_patients = {policy.minimum_train_patients})"
        )
    _check_optimiser(policy, plan)
    _check_steps(policy, plan, batches)


def _check_optimiser(policy: SiteConfig, plan: TrainingPlan) -> None:
    if plan.epochs and plan.optimiser not in policy.optimisers:
        allowed = ", ".join(policy.optimisers) or "none"
        raise RefusedError(
            f"the plan trains with {plan.optimiser}; "
            f"this site's policy allows {allowed} (optimisers)"
        )


def _check_steps(policy: SiteConfig, plan: TrainingPlan, batches: list[int]) -> None:
    steps = plan.epochs * len(batches)
    if steps < policy.minimum_steps:
        raise RefusedError(
            "a round of the plan takes fewer steps than this site's policy asks for "
            f"(minimum_steps = {policy.minimum_steps}): state a smaller training.batch, or more "
            "training.epochs"
        )
    if policy.minimum_steps > 1 and 2 * max(batches) > sum(batches):
        raise RefusedError(
            "a step of the plan would hold more than half of this site's images "
            f"(minimum_steps = {policy.minimum_steps}): state a smaller training.batch"
        )
