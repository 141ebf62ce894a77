"""The end of a training: the chosen weights become a model with a card."""

from datetime import UTC, datetime

from hepafed.common.contract import TuningFigures
from hepafed.common.disclosure import choose_threshold, tuning_scores
from hepafed.common.errors import PayloadError
from hepafed.common.network import for_sites
from hepafed.common.records import read_record, write_record
from hepafed.server.formats import ModelCard, OperatingPoint, TuningScores
from hepafed.server.models import INTENDED_USE, limits_of
from hepafed.server.runs import LiveRun
from hepafed.server.training import checkpoints
from hepafed.server.training.checkpoints import TrainingState


def freeze(live: LiveRun, state: TrainingState) -> str:
    """Put the chosen weights into the registry, the operating point locked; return the model's id.

    Where no round could be judged, the weights of the last round are taken.
    """
    plan = live.run.plan
    if state.best < 0:
        state.best = state.round
    weights = checkpoints.weights_of_round(live.folder, state, state.best)
    figures = [read_record(TuningFigures, f, PayloadError) for f in state.best_figures]
    threshold, rule = choose_threshold(figures)
    scores = tuning_scores(figures)
    card = ModelCard(
        protocol=plan.protocol,
        plan=write_record(for_sites(plan)),
        run=live.run.id,
        round=state.best,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        strategy=plan.rounds.strategy,
        training_examples=state.examples,
        tuning_auc=state.scores.get(state.best),
        operating_point=OperatingPoint(
            threshold=threshold, rule=rule, chosen_on=f"tuning data of {len(figures)} sites"
        ),
        tuning_scores=read_record(TuningScores, scores, PayloadError) if scores else None,
        parameters=state.layout.size,
        parent=plan.model.weights,
        intended_use=INTENDED_USE,
        limits=limits_of(plan),
    )
    model = live.stores.registry.add(plan.name, state.layout, weights, card)
    live.event("frozen", model=model, round=state.best, threshold=threshold)
    return model
