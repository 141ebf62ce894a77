"""What was promised before a validation, how often its cohort was looked at, and the verdicts."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from hepafed.common.contract import (
    LARGEST_FILE,
    LONGEST_WAIT,
    MOST_MODELS,
    MOST_VARIABLES,
    Endpoint,
    Evaluation,
    evaluation_from,
    seconds_of,
    usable_names,
)
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.server.formats import (
    AucEstimate,
    EarlierLook,
    IntervalEstimate,
    JudgedEndpoint,
    JudgedEvaluation,
    Looks,
    ModelCard,
    RateEstimate,
    Report,
    ResultRow,
)
from hepafed.server.pooling import Questions, reference_of
from hepafed.server.runs import Run, Runs

DEFAULT_WAIT = 60.0
"""Seconds that a validation waits for offline sites when nobody said how long."""
READER = "reader_"
SAME_THRESHOLD = 1e-4
"""An evaluation states the operating point in decimals; it must be the card's to this."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A validation as it was asked for."""

    model: str
    against: tuple[str, ...] = ()
    """Models to compare with it; those of the evaluation where there is one."""
    sites: tuple[str, ...] = ()
    """Empty: every enrolled site of the fitting role."""
    split: str = "external"
    wait: float = 0.0
    """Seconds; 0: nobody said."""
    subgroups: tuple[str, ...] = ()
    """Variables by which figures are to be split; those of the evaluation where there is one."""
    evaluation: str = ""
    """Text of evaluation.toml; empty: none."""


def asked_from(values: dict[str, Any]) -> Asked:
    """Check the body of a request; PayloadError names what is not usable."""
    model, split = values.get("model"), values.get("split", "external")
    sites, wait = values.get("sites", []), values.get("wait", 0)
    evaluation, subgroups = values.get("evaluation", ""), values.get("subgroups", [])
    against = values.get("against", [])
    if not isinstance(model, str) or len(model) > 200:
        raise PayloadError("model: expected text of at most 200 characters")
    if (
        not isinstance(against, list)
        or len(against) >= MOST_MODELS
        or not all(isinstance(m, str) and 0 < len(m) <= 200 for m in against)
    ):
        raise PayloadError(f"against: expected at most {MOST_MODELS - 1} models")
    if split not in ("external", "test") or not isinstance(sites, list):
        raise PayloadError("split or sites is not usable", "split: external or test")
    number = isinstance(wait, (int, float)) and not isinstance(wait, bool) and math.isfinite(wait)
    if not number or not 0 <= wait <= LONGEST_WAIT:
        raise PayloadError("wait is not usable", "seconds, 7 days at most")
    if not isinstance(evaluation, str) or len(evaluation) > LARGEST_FILE:
        raise PayloadError(f"evaluation: expected text of at most {LARGEST_FILE} characters")
    if not isinstance(subgroups, list) or not usable_names(subgroups):
        raise PayloadError(f"subgroups: expected at most {MOST_VARIABLES} different names")
    return Asked(
        model=model,
        against=tuple(against),
        sites=tuple(str(s)[:200] for s in sites[:1000]),
        split=split,
        wait=float(wait),
        subgroups=tuple(subgroups),
        evaluation=evaluation,
    )


def fitting(asked: Asked, card: ModelCard, models: Iterable[ModelCard] = ()) -> Asked:
    """Hold what is asked to its evaluation, and the evaluation to the cards of `models`.

    Raises
    ------
    RefusedError
        The evaluation names another model, operating point, split or other sites, or a model to
        compare with that there is not.
    EvaluationError
        It is not an evaluation.
    """
    if not asked.evaluation:
        return asked
    promised = evaluation_from(asked.evaluation)
    if promised.model != card.sha256:
        raise RefusedError(
            f"the evaluation is of another model: {asked.model[:60]} has the digest "
            f"{card.sha256[:12]}…, the evaluation says {promised.model[:12]}…",
            "name that model, or write a new evaluation before you look",
        )
    locked = card.operating_point.threshold
    stated = promised.operating_point
    if stated is not None and abs(stated - locked) > SAME_THRESHOLD:
        raise RefusedError(
            f"the operating point is locked at {locked:.6f}, the evaluation says {stated:g}",
            "state the card's (server models show)",
        )
    if asked.sites and set(asked.sites) != set(promised.cohorts):
        raise RefusedError("--sites is not what the evaluation calls cohorts", "leave --sites out")
    if asked.split != promised.split:
        raise RefusedError(f"the evaluation is of the split {promised.split}", "leave --split out")
    if asked.subgroups and set(asked.subgroups) != set(promised.subgroups):
        raise RefusedError("--subgroups is not what the evaluation says", "leave --subgroups out")
    against = _models_of(promised, models)
    if asked.against and set(asked.against) != set(against):
        raise RefusedError("--against is not what the evaluation says", "leave --against out")
    return replace(
        asked,
        against=against,
        sites=promised.cohorts,
        wait=asked.wait or seconds_of(promised.wait),
        subgroups=promised.subgroups,
    )


def _models_of(promised: Evaluation, models: Iterable[ModelCard]) -> tuple[str, ...]:
    """Name the models that the evaluation compares with, by their digests."""
    known = {c.sha256: c.id for c in models}
    for digest in promised.against:
        if digest not in known:
            raise RefusedError(
                f"there is no model with the digest {digest[:12]}… to compare with",
                "server models show MODEL prints a model's",
            )
    named = tuple(known[d] for d in promised.against)
    for e in promised.endpoints:
        reader, model = e.against.startswith(READER), e.against in (*promised.against, *named)
        if e.against and not reader and not (model and e.figure == "auc"):
            raise RefusedError(
                f"an endpoint is against {e.against[:70]}, which will not be compared",
                "against = a reader (reader_NAME), or for the figure auc one of the models that "
                "the evaluation's own against lists",
            )
    return named


def looks(run: Run, sites: Iterable[str], others: Iterable[tuple[Run, frozenset[str]]]) -> Looks:
    """Count this look at a cohort with this model.

    A look is a validation or comparison of the same model and split in which at least one of
    `sites` gave its figures; `others` gives every run with the sites that answered it. Nobody can
    take a look back: a run that failed afterwards counts.
    """
    wanted = frozenset(sites)
    earlier = tuple(
        EarlierLook(
            run=other.id,
            created=other.created[:19] + "Z",
            sites=tuple(sorted(answered & wanted)),
            evaluation=other.evaluation,
        )
        for other, answered in others
        if other.id != run.id
        and (other.kind, other.split) == ("validate", run.split)
        and run.model in (other.model, *other.against)
        and (other.created, other.id) < (run.created, run.id)
        and answered & wanted
    )
    return Looks(number=len(earlier) + 1, earlier=earlier)


def judged(
    evaluation: Evaluation, run: Run, report: Report, absent: Iterable[str]
) -> JudgedEvaluation:
    """Return what the report says of the evaluation: digest, time, endpoints with verdicts."""
    return JudgedEvaluation(
        sha256=run.evaluation,
        registered=run.created,
        promised=evaluation,
        absent=tuple(sorted(set(absent) & set(evaluation.cohorts))),
        endpoints=tuple(_verdict(e, report) for e in evaluation.endpoints),
    )


def _verdict(endpoint: Endpoint, report: Report) -> JudgedEndpoint:
    made = _figure(endpoint, report)
    if endpoint.margin is not None:
        return _non_inferior(made, endpoint, endpoint.margin, report)
    if made.value is None:
        return made
    if endpoint.at_least is None:
        return replace(made, verdict="reported", why="no goal was stated")
    if made.low is None or made.high is None:
        return replace(made, why=made.why or "there is no interval")
    # a pooled AUC may be off by its bound: the goal has to hold even then
    if made.low - made.bound >= endpoint.at_least:
        return replace(made, verdict="met", why="the whole interval is at or above the goal")
    if made.high + made.bound < endpoint.at_least:
        return replace(made, verdict="missed", why="the whole interval is below the goal")
    inside = made.low < endpoint.at_least <= made.high
    why = "the interval holds the goal" if inside else "the bound of pooling leaves it open"
    return replace(made, verdict="not shown", why=why)


def _figure(endpoint: Endpoint, report: Report) -> JudgedEndpoint:
    """Find the pooled figure; the clustered interval of an AUC where there is one."""
    made = JudgedEndpoint(
        **asdict(endpoint),
        value=None,
        low=None,
        high=None,
        bound=0.0,
        why="the report has no such figure",
        verdict="not judged",
    )
    wanted = ("pooled", endpoint.unit, endpoint.task)
    for r in report.results:
        if (r.scope, r.unit, r.task) == wanted:
            found = _named(r, endpoint.figure)
            if found is None:
                return replace(made, why="")
            clustered = found.clustered if isinstance(found, AucEstimate) else None
            interval = clustered or found
            return replace(
                made,
                value=found.value,
                low=interval.low,
                high=interval.high,
                bound=found.binning_error if isinstance(found, AucEstimate) else 0.0,
                why=found.reason,
            )
    return made


def _named(row: ResultRow, figure: str) -> AucEstimate | RateEstimate | None:
    """Return the figure of a row that an endpoint can name."""
    found: dict[str, AucEstimate | RateEstimate | None] = {
        "auc": row.auc,
        "sensitivity": row.sensitivity,
        "specificity": row.specificity,
        "ppv": row.ppv,
        "npv": row.npv,
        "accuracy": row.accuracy,
    }
    return found[figure]


def _non_inferior(
    made: JudgedEndpoint, endpoint: Endpoint, margin: float, report: Report
) -> JudgedEndpoint:
    """Judge model − comparator: shown when the lower end of its interval is above −margin."""
    found = _difference(endpoint, report)
    if found is None:
        why = f"no comparison with {endpoint.against} was released"
        return replace(made, verdict="not judged", why=why)
    difference, bound = found
    made = replace(
        made,
        difference=difference.value,
        difference_low=difference.low,
        difference_high=difference.high,
    )
    if difference.low is None:
        return replace(made, verdict="not judged", why=difference.reason or "no interval")
    # the bins may have moved the difference by the bound: it has to hold even then
    if difference.low - bound > -margin:
        return replace(made, verdict="non-inferior", why="the interval is above −margin")
    return replace(made, verdict="not shown", why="the interval reaches below −margin")


def _difference(endpoint: Endpoint, report: Report) -> tuple[IntervalEstimate, float] | None:
    """Find model − reader of a rate, or model − other model of an AUC, and its bound.

    None: no such comparison was released.
    """
    name = endpoint.against.removeprefix(READER)
    if (endpoint.unit, endpoint.task) == ("patient", "malignant_vs_benign"):
        for r in report.readers:
            if r.reader.removeprefix(READER) == name:
                rates = {
                    "sensitivity": r.sensitivity_difference,
                    "specificity": r.specificity_difference,
                }
                found = rates.get(endpoint.figure)
                return None if found is None else (found, 0.0)
    own = report.model.id
    others = report.provenance.compared_models or ()
    against = {m.sha256: m.id for m in others}.get(endpoint.against, endpoint.against)
    wanted = ("pooled", endpoint.unit, endpoint.task)
    for c in report.comparisons:
        if (c.scope, c.unit, c.task) != wanted or endpoint.figure != "auc":
            continue
        if (c.first, c.second) == (against, own):
            return c.difference, c.binning_error
        if (c.first, c.second) == (own, against):
            return _turned(c.difference), c.binning_error
    return None


def _turned(d: IntervalEstimate) -> IntervalEstimate:
    """Return a difference the other way round."""
    value, low, high = (None if v is None else -v for v in (d.value, d.high, d.low))
    return replace(d, value=value, low=low, high=high)


def questions(
    promised: Evaluation | None, card: ModelCard, others: Iterable[ModelCard] = ()
) -> Questions:
    """Give what pooling is asked beside the figures that every report has.

    `others` are the cards of the models compared with; endpoints may name them by digest.
    """
    names = {c.sha256: c.id for c in others}
    reference = reference_of(card.tuning_scores)
    if promised is None:
        return Questions(reference=reference)
    asked = [e for e in promised.endpoints if e.margin is not None]
    readers = {e.margin for e in asked if e.against.startswith(READER)}
    return Questions(
        margin=readers.pop() if len(readers) == 1 else None,
        model_margins={
            (names.get(e.against, e.against), e.unit, e.task): e.margin
            for e in asked
            if not e.against.startswith(READER) and e.margin is not None
        },
        prevalences=() if promised.prevalence is None else (promised.prevalence,),
        reference=reference,
    )


def recorded(run: Run, runs: Runs, report: Report, absent: Iterable[str]) -> Report:
    """Return the report with `look` and `evaluation` (None where nothing was promised)."""
    others = [
        (r, frozenset(e["site"] for e in runs.events(r.id) if e["event"] == "reply"))
        for r in runs.all()
        if r.kind == "validate"
    ]
    promised = runs.evaluation(run)
    return replace(
        report,
        look=looks(run, (s.site for s in report.sites), others),
        evaluation=judged(promised, run, report, absent) if promised else None,
    )
