"""What a training site says of itself, held to what can be before anything is made of it.

Nothing here can show that a number is true. So no site's number decides alone: `capped` limits the
weight of each site in a mean.
"""

import re
from collections.abc import Mapping
from fractions import Fraction

from hepafed.common.contract import Figure, TaskSummary, TuningFigures
from hepafed.common.contract.messages import TrainReply
from hepafed.common.disclosure import MOST_PARTICIPANTS, TASK, UNIT, check_tuning
from hepafed.common.errors import OtherReleaseError, PayloadError
from hepafed.common.releases import must_work_with

MOST_EXAMPLES = 10**9
"""The most images of a site."""
MOST_LESIONS = 10**8
"""The most lesions of a tuning split."""
MOST_SECONDS = 30 * 86400.0
"""The longest training of a round that is believed."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""The name of a site (`plain_name`)."""
LARGEST_LOSS = 1e6
"""The largest mean cross-entropy that is believed; guessing among three classes has 1.1."""


def check_training(reply: TrainReply) -> None:
    """Check the numbers of a training reply and its tuning figures.

    Raises
    ------
    PayloadError
        Naming what cannot be; the site's release, where it does not work with ours.
    """
    try:
        must_work_with(reply.release)
    except OtherReleaseError as e:
        raise PayloadError(f"{e.message}: {e.hint}") from e
    if not 1 <= reply.examples <= MOST_EXAMPLES:
        raise PayloadError("the site stated an impossible number of examples")
    if reply.loss is not None and not 0 <= reply.loss <= LARGEST_LOSS:
        raise PayloadError("the site stated an impossible loss")
    if not 0 <= reply.seconds <= MOST_SECONDS:
        raise PayloadError("the site stated an impossible time of training")
    check_figures(reply.tuning)


def check_figures(tuning: TuningFigures) -> None:
    """Check tuning figures: counts, AUCs and errors that can be, of the one task that is asked.

    Raises
    ------
    PayloadError
        Naming what cannot be.
    """
    if not 0 <= tuning.lesions <= MOST_LESIONS:
        raise PayloadError("the tuning figures have an impossible number of lesions")
    _check_form(tuning)
    if tuning.macro_auc is not None and not (tuning.lesions and 0 <= tuning.macro_auc <= 1):
        raise PayloadError("the tuning figures have an AUC outside 0…1, or one of no lesions")
    check_tuning(tuning)
    for task in tuning.tasks:
        if (task.unit, task.task) != (UNIT, TASK):
            raise PayloadError("the tuning figures are of another task than was asked for")
        calls = ((task.true_positives, task.positives), (task.true_negatives, task.negatives))
        if any(right is not None and not 0 <= right <= all_ for right, all_ in calls):
            raise PayloadError("the tuning figures have more right calls than patients")
        _check_auc(task.auc)


def _check_form(tuning: TuningFigures) -> None:
    """Check that figures are of a known form, and say beside a masked sum what is said there."""
    if tuning.form not in ("cells", "masked"):
        raise PayloadError("the tuning figures have an unknown form of release")
    group = tuning.group
    if list(group) != sorted(set(group)) or not all(NAME.fullmatch(s) for s in group):
        raise PayloadError("the tuning figures name an impossible group of sites")
    if len(group) > MOST_PARTICIPANTS or (group and tuning.form != "masked"):
        raise PayloadError("the tuning figures name an impossible group of sites")
    if tuning.form == "cells":
        return
    if tuning.macro_auc is not None or any(_tells(t) for t in tuning.tasks):
        raise PayloadError("the tuning figures of a masked sum hold more than numbers of cases")
    if tuning.lesions and len(tuning.tasks) != 1:
        raise PayloadError("the tuning figures do not say of how many patients they are")


def _tells(task: TaskSummary) -> bool:
    """Tell whether a task says more than how many cases it has."""
    calls = task.true_positives is not None or task.true_negatives is not None
    auc = (task.auc.value, task.auc.low, task.auc.high, task.auc.se)
    return calls or bool(task.figures) or task.cells is not None or auc != (None,) * 4


def _check_auc(auc: Figure) -> None:
    if any(v is not None and not 0 <= v <= 1 for v in (auc.value, auc.low, auc.high, auc.se)):
        raise PayloadError("the tuning figures have an AUC or an error outside 0…1")
    if auc.low is not None and auc.high is not None and auc.low > auc.high:
        raise PayloadError("the tuning figures have an interval that ends before it begins")


def capped(counts: Mapping[str, int], share: float) -> dict[str, int]:
    """Return the sites' counts as they weigh in a mean: none has more than `share` of it.

    `share` is above a half, so at most one site is cut; the only site of a mean has all of it.
    """
    made = dict(counts)
    largest = max(made, key=lambda site: made[site], default="")
    others = sum(made.values()) - made.get(largest, 0)
    if others:
        made[largest] = min(made[largest], most_beside(others, share))
    return made


def most_beside(others: int, share: float) -> int:
    """Return the largest whole weight that has at most `share` beside a weight of `others`."""
    part = Fraction(share).limit_denominator(10**6)  # 0.6 as it was written, not as a float is
    return int(others * part / (1 - part)) if part < 1 else MOST_EXAMPLES
