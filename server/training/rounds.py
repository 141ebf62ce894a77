"""A training run, round by round: broadcast, gather, fold, checkpoint, choose, freeze."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hepafed.common.contract import TrainReply, TrainRequest, TuneReply, TuneRequest, TuningFigures
from hepafed.common.disclosure import choose_threshold, tuning_scores
from hepafed.common.errors import PayloadError, RunError
from hepafed.common.network import Flat, for_sites, pieces, to_bf16
from hepafed.common.records import read_record, write_record
from hepafed.server.formats import ModelCard, OperatingPoint, TuningScores
from hepafed.server.models import INTENDED_USE, LIMITS
from hepafed.server.runs import Desk, Exchange, Expected, Run
from hepafed.server.training import checkpoints
from hepafed.server.training.aggregation import WeightedMean, check_update
from hepafed.server.training.checkpoints import State


@dataclass
class _Gathered:
    """Replies of one round, folded in the order of the sites' names as they come."""

    mean: WeightedMean
    order: list[str]
    replies: dict[str, tuple[TrainReply, Path]]
    folded: list[str]

    def fold_ready(self, *, rest: bool = False) -> None:
        """Fold every reply whose predecessors are folded; `rest`: all that is left."""
        for site in list(self.order):
            if site in self.replies:
                reply, path = self.replies[site]
                self.mean.fold(path, reply.examples)
                self.folded.append(site)
                self.order.remove(site)
                path.unlink()
            elif not rest:
                return


def train(run: Run, desk: Desk, exchange: Exchange) -> str:
    """Conduct a training run from its last completed round to its frozen model.

    Returns the model's id; "" when the run was stopped.
    """
    folder = desk.runs.folder(run.id)
    state = checkpoints.load(folder) or checkpoints.from_initial(folder / "initial.safetensors")
    digest = desk.blobs.publish(to_bf16(p) for p in checkpoints.parts(state))
    try:
        while state.round < run.plan.rounds.count:
            if not desk.runs.may_go_on(run.id):
                return ""
            weights = _one_round(run, desk, exchange, state, digest)
            if weights is None or not desk.runs.may_go_on(run.id):
                return ""
            digest = _keep(desk, folder, state, weights)
            del weights
            desk.runs.change(run.id, round=state.round)
        figures = _tune(run, desk, exchange, state, digest)
    finally:
        desk.blobs.drop(digest)
    if not desk.runs.may_go_on(run.id):
        return ""
    judge(run, desk, state, figures)
    return _freeze(run, desk, state, folder)


def _keep(desk: Desk, folder: Path, state: State, weights: Flat) -> str:
    """Make a round durable; its weights are published meanwhile, and asked for only afterwards.

    Returns their digest.
    """
    with ThreadPoolExecutor(1) as beside:
        published = beside.submit(desk.blobs.publish, (to_bf16(p) for p in pieces(weights)))
        try:
            checkpoints.save(folder, state, weights)
        except OSError:
            desk.blobs.drop(published.result())
            raise
        return published.result()


def _quorum(run: Run, desk: Desk, exchange: Exchange) -> list[str]:
    """Wait for the plan's quorum of training sites; RunError after the deadline."""
    limit = time.monotonic() + run.plan.rounds.deadline
    said = False
    while desk.runs.may_go_on(run.id):
        online = exchange.online()
        if len(online) >= run.plan.rounds.quorum:
            return online
        if time.monotonic() > limit:
            raise RunError(
                f"{len(online)} training sites online, the plan's quorum is "
                f"{run.plan.rounds.quorum}",
                "see server sites; then server resume " + run.id,
            )
        if not said:
            desk.runs.event(run.id, "waiting", online=online, quorum=run.plan.rounds.quorum)
            said = True
        time.sleep(0.5)
    return []


def _one_round(run: Run, desk: Desk, exchange: Exchange, state: State, digest: str) -> Flat | None:
    """Broadcast the weights of a digest, gather, fold; changes `state`, returns its new weights.

    None when the run was stopped; RunError when quorum is missed.
    """
    started, number = time.monotonic(), state.round + 1
    size = 2 * state.layout.size
    sites = _quorum(run, desk, exchange)
    if not sites:
        return None
    desk.inbox.open_round(Expected(run.id, number, frozenset(sites), size))
    desk.runs.event(run.id, "round", round=number, sites=sites, bytes=size)
    gathered = _Gathered(WeightedMean(state.layout.size), list(sites), {}, [])

    def on_reply(site: str, message: object) -> None:
        reply = message
        if not isinstance(reply, TrainReply) or (reply.run, reply.round) != (run.id, number):
            raise PayloadError("an answer to another round")
        if not 1 <= reply.examples <= 10**9:
            raise PayloadError(f"{reply.examples} examples cannot be")
        path = desk.inbox.take(site, reply.update)
        if path is None:
            raise PayloadError("the update did not arrive, or is not the one announced")
        check_update(path, state.layout.size, run.plan.rounds.max_norm)
        gathered.replies[site] = (reply, path)
        gathered.fold_ready()
        desk.runs.event(
            run.id,
            "reply",
            round=number,
            site=site,
            loss=reply.loss,
            seconds=reply.seconds,
            examples=reply.examples,
            auc=reply.tuning.macro_auc,
        )

    request = TrainRequest(run=run.id, round=number, plan=for_sites(run.plan), weights=digest)
    failed = exchange.ask(
        dict.fromkeys(sites, request), TrainReply, run.plan.rounds.deadline, on_reply
    )
    for site, reason in failed.items():
        desk.runs.event(run.id, "missing", round=number, site=site, reason=reason)
    gathered.fold_ready(rest=True)
    desk.blobs.drop(digest)
    if not desk.runs.may_go_on(run.id):
        return None
    if len(gathered.folded) < run.plan.rounds.quorum:
        raise RunError(
            f"round {number}: {len(gathered.folded)} usable updates, the plan's quorum is "
            f"{run.plan.rounds.quorum}",
            f"see the reasons with server watch {run.id}; then server resume {run.id}",
        )
    figures = {s: gathered.replies[s][0].tuning for s in sorted(gathered.folded)}
    judge(run, desk, state, figures)
    weights = gathered.mean.onto(checkpoints.parts(state))
    state.round = number
    state.examples = {s: gathered.replies[s][0].examples for s in sorted(gathered.folded)}
    loss = _mean_loss([r for r, _ in gathered.replies.values()])
    desk.runs.event(
        run.id,
        "done",
        round=number,
        loss=loss,
        seconds=time.monotonic() - started,
        auc=state.scores.get(number - 1),
        best=state.best,
    )
    return weights


def _mean_loss(replies: list[TrainReply]) -> float | None:
    """Mean of the sites' losses weighted by examples; None in a rehearsal."""
    known = [(r.loss, r.examples) for r in replies if r.loss is not None]
    return sum(x * n for x, n in known) / sum(n for _, n in known) if known else None


def _tune(
    run: Run, desk: Desk, exchange: Exchange, state: State, digest: str
) -> dict[str, TuningFigures]:
    """Score the last weights, which no training reply has judged yet."""
    got: dict[str, TuningFigures] = {}

    def on_reply(site: str, message: object) -> None:
        if not isinstance(message, TuneReply) or message.run != run.id:
            raise PayloadError("an answer to another run")
        got[site] = message.tuning

    request = TuneRequest(run=run.id, round=state.round, plan=for_sites(run.plan), weights=digest)
    sites = _quorum(run, desk, exchange)
    desk.runs.event(run.id, "tune", sites=sites)
    exchange.ask(dict.fromkeys(sites, request), TuneReply, run.plan.rounds.deadline, on_reply)
    return dict(sorted(got.items()))


def judge(run: Run, desk: Desk, state: State, figures: dict[str, TuningFigures]) -> None:
    """Keep the tuning AUC of the weights in `state`: mean over sites weighted by lesions.

    Best are the latest weights within one standard error of the highest AUC so far (after the
    one-standard-error rule of Breiman et al. 1984): a tuning split is small, its highest AUC is
    often chance, and later weights have come further down the learning rate's schedule.
    """
    usable = [
        (f.lesions, f.macro_auc)
        for f in figures.values()
        if f.macro_auc is not None and 0 <= f.macro_auc <= 1 and f.lesions > 0
    ]
    if not usable or state.round == 0:
        return
    auc = sum(n * a for n, a in usable) / sum(n for n, _ in usable)
    state.scores[state.round] = auc
    if auc >= max(state.scores.values()) - _standard_error(figures):
        state.best = state.round
        state.best_figures = [write_record(f) for f in figures.values()]
    desk.runs.event(run.id, "judged", round=state.round, auc=auc, best=state.best)


def _standard_error(figures: dict[str, TuningFigures]) -> float:
    """Give the error of an AUC averaged as tuning AUCs are, from the patients' DeLong errors."""
    known = [
        (f.lesions, t.auc.se)
        for f in figures.values()
        for t in f.tasks[:1]
        if f.lesions > 0 and t.auc.se is not None and 0 <= t.auc.se <= 0.5
    ]
    if not known:
        return 0.0
    return math.sqrt(sum((n * se) ** 2 for n, se in known)) / sum(n for n, _ in known)


def _freeze(run: Run, desk: Desk, state: State, folder: Path) -> str:
    """Put the chosen weights into the registry, with the operating point locked."""
    if state.best < 0:
        state.best = state.round
    weights = checkpoints.weights_of_round(folder, state, state.best)
    figures = [read_record(TuningFigures, f, PayloadError) for f in state.best_figures]
    threshold, rule = choose_threshold(figures)
    scores = tuning_scores(figures)
    card = ModelCard(
        protocol=run.plan.protocol,
        plan=write_record(for_sites(run.plan)),
        run=run.id,
        round=state.best,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        strategy=run.plan.rounds.strategy,
        training_examples=state.examples,
        tuning_auc=state.scores.get(state.best),
        operating_point=OperatingPoint(
            threshold=threshold, rule=rule, chosen_on=f"tuning data of {len(figures)} sites"
        ),
        tuning_scores=read_record(TuningScores, scores, PayloadError) if scores else None,
        parameters=state.layout.size,
        parent=run.plan.model.weights,
        intended_use=INTENDED_USE,
        limits=LIMITS,
    )
    model = desk.registry.add(run.plan.name, state.layout, weights, card)
    desk.runs.event(run.id, "frozen", model=model, round=state.best, threshold=threshold)
    return model
