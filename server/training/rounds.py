"""A training run, round by round: broadcast, gather, fold, checkpoint; then choose and freeze."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from hepafed.common.contract import TuningFigures, kept_vectors, sent_copies
from hepafed.common.contract.messages import (
    CountedRound,
    TrainReply,
    TrainRequest,
    TuneReply,
    TuneRequest,
)
from hepafed.common.errors import RunError
from hepafed.common.network import Flat, UpdateForm, for_sites, is_whole_file, pieces, to_bf16
from hepafed.common.records import write_record
from hepafed.common.room import in_room
from hepafed.server.rehearsal import copy_bytes, measured
from hepafed.server.runs import Blobs, Expected, LiveRun
from hepafed.server.training import checkpoints
from hepafed.server.training.aggregation import aggregation_for
from hepafed.server.training.checkpoints import TrainingState
from hepafed.server.training.checks import check_figures
from hepafed.server.training.freezing import freeze
from hepafed.server.training.pace import OFFLINE, note_absence, note_late
from hepafed.server.training.quorum import wait_for_quorum
from hepafed.server.training.round_updates import RoundUpdates
from hepafed.server.training.selection import choose, forget, judge
from hepafed.server.training.strategies import CONTROL, Past, averaged, control_parts
from hepafed.server.training.tuning import clear_sums, pooled_tuning

log = logging.getLogger("hepafed.server")
REHEARSED = "rehearsed"
"""What `train` returns in place of a model's id after a rehearsal."""


def train(live: LiveRun) -> str:
    """Conduct a training run from its last completed round to its frozen model.

    Returns the model's id; "" when the run was stopped; `REHEARSED` where the plan has no epochs:
    the untrained weights are no model, and the run keeps what was measured.
    """
    folder, blobs = live.folder, live.stores.blobs
    state = resume(live)
    forget(live, state, live.sites.members())
    size = copy_bytes(state.layout.size)
    digest = in_room(
        folder, size, lambda: blobs.publish(to_bf16(p) for p in checkpoints.parts(state))
    )
    try:
        while state.round < live.run.plan.rounds.count:
            if not live.may_go_on():
                return ""
            weights = conduct_round(live, state, digest)
            if weights is None or not live.may_go_on():
                return ""
            need = (3 + 2 * len(state.made)) * size
            digest = in_room(folder, need, partial(keep_round, blobs, folder, state, weights))
            del weights
            live.event("done", **state.said)
            live.change(round=state.round)
            note_absence(live, state.taken, state.round)
        figures = tune(live, state, digest)
    finally:
        blobs.drop(digest)
    note_late(live)
    if not live.may_go_on():
        return ""
    judge(live, state, figures, pooled_tuning(live, state.round, digest, figures))
    if not live.may_go_on():
        return ""
    forget(live, state, live.sites.members())
    end = _rehearsed if live.run.rehearses else freeze
    made = in_room(folder, 3 * size, lambda: end(live, state))
    clear_sums(folder)
    return made


def _rehearsed(live: LiveRun, state: TrainingState) -> str:
    """Keep what a rehearsal measured, in the run and in its history."""
    rounds = live.run.plan.rounds
    needs = kept_vectors(rounds), sent_copies(rounds), rounds.encoding
    found = measured(live.stores.runs.events(live.run.id), state.layout.size, *needs)
    live.change(rehearsal=found)
    live.event("rehearsed", measured=write_record(found))
    return REHEARSED


def resume(live: LiveRun) -> TrainingState:
    """Return the state to go on from; what was found damaged is in the log and the history.

    A round whose checkpoint is there is said to be done, also where a crash came between.
    """
    state = checkpoints.resumed(live.folder)
    newest = checkpoints.file_of_round(live.folder, live.run.round)
    gone = live.run.round > state.round and not is_whole_file(newest)
    lost = dict.fromkeys([*state.lost, *([newest.name] if gone else [])])
    for name in lost:
        file = f"runs/{live.run.id}/{name}"
        log.error("%s is missing or damaged; the run goes on after round %d", file, state.round)
        live.event("damaged", file=file, round=state.round)
    if lost:
        choose(state, live.run.plan.rounds.max_share)
        live.change(round=state.round)
    done = {e.get("round") for e in live.stores.runs.events(live.run.id) if e["event"] == "done"}
    if state.said and state.round not in done:  # the coordinator ended before it could say so
        live.event("done", **state.said)
        live.change(round=state.round)
    return state


def conduct_round(live: LiveRun, state: TrainingState, digest: str) -> Flat | None:
    """Have the sites train from the weights of `digest`; change `state`, return the new weights.

    None when the run was stopped; RunError when fewer updates than the plan's quorum are usable.
    """
    started, number, plan = time.monotonic(), state.round + 1, live.run.plan
    sites = wait_for_quorum(live)
    if not sites:
        return None
    form = UpdateForm.of(state.layout, plan.rounds.encoding)
    offline = dict.fromkeys(set(live.sites.members()) - {*sites}, OFFLINE)
    live.stores.inbox.open_round(Expected(live.run.id, number, frozenset(sites), form.length))
    live.event("round", round=number, sites=sites, bytes=copy_bytes(state.layout.size))

    past = Past(
        partial(checkpoints.vector, live.folder, state), len(state.taken.last_rounds(state.round))
    )
    aggregation = aggregation_for(plan, state.layout, past)
    updates = RoundUpdates(live, sites, aggregation, form)
    request = TrainRequest(run=live.run.id, round=number, plan=for_sites(plan), weights=digest)
    with _controlled(live, request, state, past) as asked:
        failed = live.sites.ask(sites, asked, TrainReply, plan.rounds.deadline, updates.take)
    live.stores.inbox.close_round()
    live.note_missing(failed, round=number)
    note_late(live)
    updates.fold_ready(rest=True)
    live.stores.blobs.drop(digest)
    if not live.may_go_on():
        return None
    if len(updates) < plan.rounds.quorum:
        raise RunError(
            f"round {number}: {len(updates)} usable updates, the plan's quorum is "
            f"{plan.rounds.quorum}",
            f"server watch {live.run.id} shows each site's reason; then server resume "
            f"{live.run.id}",
        )

    weights = aggregation.onto(checkpoints.parts(state))  # before a masked sum opens the inbox anew
    state.made = dict(aggregation.vectors)
    weights = averaged(plan.rounds, number, weights, past, state.made)
    judged = updates.figures()  # of the weights that the round started from
    judge(live, state, judged, pooled_tuning(live, state.round, digest, judged))
    state.round, state.examples = number, updates.examples()
    reasons = {**offline, **failed}
    counted, steps = updates.counted(), updates.steps()
    if chosen := updates.chosen():
        live.event("chosen", round=number, site=chosen)
    state.taken.note(
        number, state.examples, reasons, updates.releases(), counted=counted, steps=steps
    )
    state.said = {
        "round": number,
        "loss": updates.mean_loss(),
        "seconds": time.monotonic() - started,
        "auc": state.scores.get(number - 1),
        "best": state.best,
    }
    return weights


@contextmanager
def _controlled(
    live: LiveRun, request: TrainRequest, state: TrainingState, past: Past
) -> Iterator[TrainRequest]:
    """Give the request of a round with the c of SCAFFOLD, which is published for so long."""
    if CONTROL not in state.vectors:
        yield request
        return
    blobs, given = live.stores.blobs, state.taken.last_rounds(state.round)
    size = copy_bytes(state.layout.size)
    digest = in_room(live.folder, size, lambda: blobs.publish(control_parts(past)))
    counted = tuple(CountedRound(site=s, round=n) for s, n in given.items())
    try:
        yield replace(request, control=digest, counted=counted)
    finally:
        blobs.drop(digest)


def keep_round(blobs: Blobs, folder: Path, state: TrainingState, weights: Flat) -> str:
    """Make a round durable; return the digest of its published weights.

    They are published while the checkpoint is written, and asked for only afterwards.
    """
    with ThreadPoolExecutor(1) as beside:
        published = beside.submit(blobs.publish, (to_bf16(p) for p in pieces(weights)))
        try:
            checkpoints.save(folder, state, weights)
        except OSError:
            blobs.drop(published.result())
            raise
        return published.result()


def tune(live: LiveRun, state: TrainingState, digest: str) -> dict[str, TuningFigures]:
    """Have the last weights scored, which no training reply has judged; return figures by site."""
    got: dict[str, TuningFigures] = {}

    def on_reply(site: str, reply: TuneReply) -> None:
        check_figures(reply.tuning)
        got[site] = reply.tuning

    plan = live.run.plan
    request = TuneRequest(run=live.run.id, round=state.round, plan=for_sites(plan), weights=digest)
    sites = wait_for_quorum(live)
    live.event("tune", sites=sites)
    failed = live.sites.ask(sites, request, TuneReply, plan.rounds.deadline, on_reply)
    live.note_missing(failed, round=state.round)
    return dict(sorted(got.items()))
