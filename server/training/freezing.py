"""The end of a training: the chosen weights become a model with a card."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath

from hepafed.common.contract import TuningFigures
from hepafed.common.disclosure import ChosenThreshold, choose_threshold, tuning_scores
from hepafed.common.errors import PayloadError, RunError
from hepafed.common.network import for_sites
from hepafed.common.records import read_record, write_record
from hepafed.common.releases import RELEASE
from hepafed.server.formats import ModelCard, OperatingPoint, TuningCases, TuningScores
from hepafed.server.models import INTENDED_USE, limits_of
from hepafed.server.runs import LiveRun
from hepafed.server.training import checkpoints
from hepafed.server.training.checkpoints import TrainingState
from hepafed.server.training.checks import check_figures
from hepafed.server.training.selection import error_of


def freeze(live: LiveRun, state: TrainingState) -> str:
    """Put the chosen weights into the registry, the operating point locked; return the model's id.

    Where no round could be judged, the weights of the last round are taken.

    Raises
    ------
    RunError
        The tuning patients do not reach the aim that the plan states for the operating point.
    """
    plan = live.run.plan
    if state.best < 0:
        state.best = state.round
    weights = checkpoints.weights_of_round(live.folder, state, state.best)
    used = _usable(live, state)
    try:
        chosen = choose_threshold(
            [f for _, f in used], plan.operating_point.rule, plan.seed, sites=[n for n, _ in used]
        )
    except RunError as e:
        why = "" if used else f" server watch {live.run.id} shows why no round was judged;"
        raise RunError(
            e.message,
            f"no training is lost:{why} {e.hint}: server resume {live.run.id} "
            "--operating-point RULE",
        ) from e
    scores, shares = tuning_scores([f for _, f in used]), state.taken.shares(state.best)
    card = ModelCard(
        protocol=plan.protocol,
        plan=write_record(
            replace(for_sites(plan), rounds=plan.rounds, operating_point=plan.operating_point)
        ),
        run=live.run.id,
        round=state.best,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        strategy=plan.rounds.strategy,
        training_examples=state.taken.latest(state.best) or state.examples,
        contributions=shares,
        tuning_auc=state.scores.get(state.best),
        tuning_cases=_cases(live, state),
        releases=tuple(sorted({RELEASE, *(r for s in shares for r in s.releases)})),
        coordinator_release=RELEASE,
        operating_point=_point(chosen, sum(n for n, _ in used)),
        tuning_scores=read_record(TuningScores, scores, PayloadError) if scores else None,
        parameters=state.layout.size,
        parent=PurePath(plan.model.weights).name,
        intended_use=INTENDED_USE,
        limits=limits_of(plan),
    )
    model = live.stores.registry.add(plan.name, state.layout, weights, card)
    live.event(
        "frozen",
        model=model,
        round=state.best,
        threshold=chosen.threshold,
        positives=chosen.positives,
        negatives=chosen.negatives,
        **({} if chosen.sites else {"placeholder": chosen.rule}),
    )
    return model


def _cases(live: LiveRun, state: TrainingState) -> TuningCases | None:
    """Return on whom the AUC of the chosen weights was computed, and its interval (Wald's)."""
    rows, auc = state.judged.get(state.best), state.scores.get(state.best)
    if not rows or auc is None:
        return None
    half = 1.959964 * error_of(rows, live.run.plan.rounds.max_share)
    lesions = {s: n for row in rows.values() for s, n in row.lesions.items()}
    return TuningCases(
        lesions=sum(lesions.values()),
        sites=tuple(sorted(lesions)),
        low=max(0.0, auc - half),
        high=min(1.0, auc + half),
    )


def _usable(live: LiveRun, state: TrainingState) -> list[tuple[int, TuningFigures]]:
    """Return the figures of the chosen weights, and of how many sites each is.

    Those that cannot be are left out, and their site is named.
    """
    usable = []
    for site, values in sorted(state.figures.get(state.best, {}).items()):
        try:
            found = read_record(TuningFigures, values, PayloadError)
            check_figures(found)
        except PayloadError as e:
            live.event("missing", round=state.best, site=site, reason=e.message)
        else:
            usable.append((len(site.split(" ")), found))
    return usable


def _point(chosen: ChosenThreshold, asked: int) -> OperatingPoint:
    """Return the operating point of a card; a placeholder was chosen on nobody."""
    made = OperatingPoint(
        threshold=chosen.threshold,
        rule=chosen.rule,
        chosen_on=f"tuning data of {chosen.sites or asked} sites",
    )
    if not chosen.sites:
        return made
    return replace(
        made,
        low=chosen.low,
        high=chosen.high,
        positives=chosen.positives,
        negatives=chosen.negatives,
        sites=chosen.sites,
        cuts=chosen.cuts,
    )
