"""What a site states of its tuning scores is checked before a threshold is chosen on it."""

from hepafed.common.contract import TuningFigures
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.statistics import intervals_of


def check_tuning(figures: TuningFigures) -> None:
    """Check the tuning figures of a site that a threshold may be chosen on.

    Raises
    ------
    PayloadError
        There is more than one task, its cells are not in order, or they hold other patients than
        the site states, or more than it has lesions.
    """
    if len(figures.tasks) > 1:
        raise PayloadError("the tuning figures have more than one task")
    for task in figures.tasks:
        if min(task.positives, task.negatives) < 0 or (
            task.positives + task.negatives > figures.lesions
        ):
            raise PayloadError("the tuning figures have more patients than lesions")
        if task.cells is None:
            continue
        try:
            held = intervals_of(task.cells).totals
        except DataError as e:
            raise PayloadError(f"the tuning figures cannot be used: {e.message}") from e
        if held != (task.positives, task.negatives):
            raise PayloadError("the tuning cells hold other patients than the site states")
