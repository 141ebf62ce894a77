"""The updates of one round: each is checked as it comes and folded in the order of names."""

from pathlib import Path

from hepafed.common.contract import TuningFigures
from hepafed.common.contract.messages import TrainReply
from hepafed.common.disclosure import check_tuning
from hepafed.common.errors import PayloadError
from hepafed.server.runs import LiveRun
from hepafed.server.training.aggregation import Aggregation
from hepafed.server.training.updates import check_update


class RoundUpdates:
    """Takes in the replies of `sites` to a round and folds their updates into `aggregation`."""

    def __init__(
        self, live: LiveRun, sites: list[str], aggregation: Aggregation, size: int
    ) -> None:
        self._live = live
        self._aggregation = aggregation
        self._size = size
        self._order = list(sites)
        """Sites whose updates are not folded yet, in the order in which they will be."""
        self._replies: dict[str, tuple[TrainReply, Path]] = {}
        self._folded: list[str] = []

    def take(self, site: str, reply: TrainReply) -> None:
        """Check a site's reply and its update; PayloadError for one that cannot be used."""
        if not 1 <= reply.examples <= 10**9:
            raise PayloadError(
                f"the site stated an impossible number of examples: {reply.examples}"
            )
        check_tuning(reply.tuning)
        path = self._live.stores.inbox.take(site, reply.update)
        if path is None:
            raise PayloadError("the update did not arrive, or it differs from the announced one")
        check_update(path, self._size, self._live.run.plan.rounds.max_norm)
        self._replies[site] = (reply, path)
        self.fold_ready()
        self._live.event(
            "reply",
            round=reply.round,
            site=site,
            loss=reply.loss,
            seconds=reply.seconds,
            examples=reply.examples,
            auc=reply.tuning.macro_auc,
        )

    def fold_ready(self, *, rest: bool = False) -> None:
        """Fold every update whose predecessors are folded; with `rest`, all that are left."""
        for site in list(self._order):
            if site in self._replies:
                reply, path = self._replies[site]
                self._aggregation.fold(path, reply.examples)
                self._folded.append(site)
                self._order.remove(site)
                path.unlink()
            elif not rest:
                return

    def __len__(self) -> int:
        """Return how many updates are folded."""
        return len(self._folded)

    def figures(self) -> dict[str, TuningFigures]:
        """Return the tuning figures of the round's old weights by site."""
        return {s: self._replies[s][0].tuning for s in sorted(self._folded)}

    def examples(self) -> dict[str, int]:
        """Return the number of training examples by site."""
        return {s: self._replies[s][0].examples for s in sorted(self._folded)}

    def mean_loss(self) -> float | None:
        """Return the mean of the sites' losses weighted by examples; None in a rehearsal."""
        replies = [r for r, _ in self._replies.values()]
        known = [(r.loss, r.examples) for r in replies if r.loss is not None]
        return sum(x * n for x, n in known) / sum(n for _, n in known) if known else None
