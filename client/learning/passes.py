"""The batches of a run, epoch after epoch, where a round goes on where the one before stopped."""

from collections.abc import Callable, Iterator
from itertools import count

import torch
from hepafed.client.learning.images import draw_batches
from hepafed.common.contract import TrainingPlan
from torch import Tensor


class Passes:
    """How far a site has come in a run's epochs; it is kept in memory, as the optimiser's state."""

    def __init__(self) -> None:
        self._begun: tuple[tuple[str, int], int] | None = None
        """Run and round of the newest training, and the step at which it began."""
        self._next: tuple[tuple[str, int], int] | None = None
        """Run and round of the last training that came to its end, and the step after it."""

    def begin(self, run: str, round: int, planned: int) -> int:
        """Return the step of the run's epochs, from 0 on, at which a round begins.

        After a round that the site did not train, or whose worker ended, it is the step at which
        sites are that never stopped early. A round that is asked for again begins where it did.
        """
        if self._begun and self._begun[0] == (run, round):
            return self._begun[1]
        known = self._next and self._next[0] == (run, round - 1)
        step = self._next[1] if self._next and known else (round - 1) * planned
        self._begun = (run, round), step
        return step

    def finish(self, run: str, round: int, steps: int) -> None:
        """Take note that a round came to its end after so many steps."""
        if self._begun and self._begun[0] == (run, round):
            self._next = (run, round), self._begun[1] + steps


def batches_from(
    step: int, labels: Tensor, plan: TrainingPlan, seeded: Callable[[int], torch.Generator]
) -> Iterator[Tensor]:
    """Yield the batches of a run's epochs without end, from a step on, each int64 [images].

    `seeded(epoch)` gives the random numbers by which an epoch, from 0 on, is drawn.
    """
    each = len(draw_batches(labels, plan, seeded(0)))
    first, skipped = divmod(step, each)
    for epoch in count(first):
        yield from draw_batches(labels, plan, seeded(epoch))[skipped:]
        skipped = 0
