"""The updates of one round: each is checked as it comes and folded in the order of names.

The largest so far is held back to the end, when it is known how much it may weigh.
"""

from pathlib import Path

from hepafed.common.contract import TuningFigures
from hepafed.common.contract.messages import TrainReply
from hepafed.common.errors import PayloadError
from hepafed.server.runs import LiveRun
from hepafed.server.training.aggregation import Aggregation
from hepafed.server.training.checks import capped, check_training, most_beside
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
        self._used: list[str] = []
        """Sites whose turn has come: all folded but the one that is held back."""
        self._held = ""
        self._weight = 0
        """Examples of the folded updates."""

    def take(self, site: str, reply: TrainReply) -> None:
        """Check a site's reply and its update; PayloadError for one that cannot be used."""
        check_training(reply)
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
        """Fold every update whose predecessors are folded, but the largest of them.

        With `rest` all that are left: the largest last, as if it had no more examples than
        give it the plan's largest share.
        """
        for site in list(self._order):
            if site in self._replies:
                self._order.remove(site)
                self._used.append(site)
                self._hold(site)
            elif not rest:
                return
        if rest and self._held:
            share = self._live.run.plan.rounds.max_share
            examples = self._examples(self._held)
            counted = min(examples, most_beside(self._weight, share)) if self._weight else examples
            if counted < examples:
                self._live.event("capped", site=self._held, examples=examples, counted=counted)
            self._fold(self._held, counted)
            self._held = ""

    def _hold(self, site: str) -> None:
        """Hold a site back if it is the largest; fold the smaller one."""
        smaller = self._held
        if not smaller or self._examples(site) > self._examples(smaller):
            self._held = site
        else:
            smaller = site
        if smaller:
            self._fold(smaller, self._examples(smaller))

    def _fold(self, site: str, examples: int) -> None:
        path = self._replies[site][1]
        self._aggregation.fold(path, examples)
        self._weight += examples
        path.unlink()

    def _examples(self, site: str) -> int:
        return self._replies[site][0].examples

    def __len__(self) -> int:
        """Return how many updates are folded or held back."""
        return len(self._used)

    def figures(self) -> dict[str, TuningFigures]:
        """Return the tuning figures of the round's old weights by site."""
        return {s: self._replies[s][0].tuning for s in sorted(self._used)}

    def examples(self) -> dict[str, int]:
        """Return the number of training examples by site, as the sites stated it."""
        return {s: self._examples(s) for s in sorted(self._used)}

    def releases(self) -> dict[str, str]:
        """Return the release of HepaFed by site, as the sites stated it."""
        return {s: self._replies[s][0].release for s in sorted(self._used)}

    def mean_loss(self) -> float | None:
        """Return the mean of the sites' losses weighted by examples; None where one has none.

        A site has none in a rehearsal, or where its policy does not share it.
        """
        replies = {s: r for s, (r, _) in self._replies.items()}
        if any(r.loss is None for r in replies.values()):
            return None
        share = self._live.run.plan.rounds.max_share
        weights = capped({s: r.examples for s, r in replies.items()}, share)
        known = [(r.loss or 0.0, weights[s]) for s, r in replies.items()]
        return sum(x * n for x, n in known) / sum(n for _, n in known) if known else None
