"""The updates of one round: each is checked as it comes and folded in the order of names.

The largest so far is held back to the end, when it is known how much it may weigh. Where the plan
caps the share of every site, all are.
"""

from pathlib import Path

from hepafed.common.contract import TuningFigures
from hepafed.common.contract.messages import TrainReply
from hepafed.common.errors import PayloadError
from hepafed.common.network import UpdateForm, check_form
from hepafed.server.runs import LiveRun
from hepafed.server.training.aggregation import Aggregation
from hepafed.server.training.checks import capped, check_training, most_beside
from hepafed.server.training.pace import (
    LocalWork,
    check_steps,
    counted_work,
    is_counted,
    work_of,
)
from hepafed.server.training.strategies import shared
from hepafed.server.training.updates import check_update


class RoundUpdates:
    """Takes in the replies of `sites` to a round and folds their updates into `aggregation`."""

    def __init__(
        self, live: LiveRun, sites: list[str], aggregation: Aggregation, form: UpdateForm
    ) -> None:
        self._live = live
        self._aggregation = aggregation
        self._form = form
        self._order = list(sites)
        """Sites whose updates are not folded yet, in the order in which they will be."""
        self._replies: dict[str, tuple[TrainReply, Path]] = {}
        self._work: dict[str, LocalWork] = {}
        self._counted: dict[str, int] = {}
        """Examples of each folded update as they weigh in the mean."""
        self._used: list[str] = []
        """Sites whose turn has come: all folded but the one that is held back."""
        self._held = ""
        self._weight = 0
        """Examples of the folded updates."""

    def take(self, site: str, reply: TrainReply) -> None:
        """Check a site's reply and its update; PayloadError for one that cannot be used."""
        plan = self._live.run.plan
        check_training(reply)
        check_steps(reply, plan)
        path = self._live.stores.inbox.take(site, reply.update)
        if path is None:
            raise PayloadError("the update did not arrive, or it differs from the announced one")
        work = work_of(reply, plan)
        check_form(path, self._form)
        check_update(path, self._form.size, plan.rounds.max_norm, work.steps / work.whole)
        self._replies[site], self._work[site] = (reply, path), work
        self.fold_ready()
        self._live.event(
            "reply",
            round=reply.round,
            site=site,
            loss=reply.loss,
            seconds=reply.seconds,
            examples=reply.examples,
            auc=reply.tuning.macro_auc,
            **self._steps_of(reply),
        )

    def fold_ready(self, *, rest: bool = False) -> None:
        """Fold every update whose predecessors are folded, but the largest of them.

        With `rest` all that are left: the largest last, as if it had no more examples than
        give it the plan's largest share. Where the plan caps all shares, none is folded before.
        """
        capped_all = self._live.run.plan.rounds.weights == "capped"
        for site in list(self._order):
            if site in self._replies:
                self._order.remove(site)
                self._used.append(site)
                if not capped_all:
                    self._hold(site)
            elif not rest:
                return
        if rest and capped_all:
            self._fold_capped()
        elif rest and self._held:
            share = self._live.run.plan.rounds.max_share
            weight = self._weight_of(self._held)
            counted = min(weight, most_beside(self._weight, share)) if self._weight else weight
            self._fold(self._held, counted)
            self._held = ""

    def _fold_capped(self) -> None:
        """Fold all updates in the order of names, no site with more than the plan's cap."""
        stated = {s: self._examples(s) for s in self._used if s not in self._counted}
        for site, counted in shared(stated, self._live.run.plan.rounds.cap).items():
            self._fold(site, counted)

    def _hold(self, site: str) -> None:
        """Hold a site back if it is the largest; fold the smaller one."""
        smaller = self._held
        if not smaller or self._weight_of(site) > self._weight_of(smaller):
            self._held = site
        else:
            smaller = site
        if smaller:
            self._fold(smaller, self._weight_of(smaller))

    def _weight_of(self, site: str) -> int:
        """Return how much a site weighs before any share is cut."""
        equal = self._live.run.plan.rounds.weights == "equal"
        return 1 if equal else self._examples(site)

    def _fold(self, site: str, examples: int) -> None:
        reply, path = self._replies[site]
        if examples < self._weight_of(site):
            self._live.event("capped", site=site, examples=reply.examples, counted=examples)
        work = counted_work(self._work[site], reply, self._live.run.plan, examples)
        self._aggregation.fold(path, examples, work)
        self._weight += examples
        self._counted[site] = examples
        if not self._aggregation.keeps_files:
            path.unlink()

    def _steps_of(self, reply: TrainReply) -> dict[str, int]:
        """Return the steps of a reply for the history, where the plan counts them."""
        if not is_counted(self._live.run.plan):
            return {}
        return {"steps": reply.steps, "planned": reply.planned}

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

    def counted(self) -> dict[str, int]:
        """Return the examples by site as they weigh in the new weights, once these are made.

        Where sites weigh equally each has 1, and where one alone was chosen all others have 0.
        """
        chosen = self.chosen()
        made = {s: n if chosen in ("", s) else 0 for s, n in self._counted.items()}
        return dict(sorted(made.items()))

    def chosen(self) -> str:
        """Return the site whose update alone became the weights; "" where all count."""
        turn = self._aggregation.chosen
        return "" if turn is None else [*self._counted][turn]

    def steps(self) -> dict[str, tuple[int, int]]:
        """Return the steps by site, taken and planned; empty where the plan does not count them."""
        if not is_counted(self._live.run.plan):
            return {}
        known = {s: self._replies[s][0] for s in sorted(self._used)}
        return {s: (r.steps, r.planned) for s, r in known.items()}

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
