"""What is asked of a validation, and that it is what was promised before."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hepafed.common.contract import (
    Evaluation,
    evaluation_from,
    seconds_of,
)
from hepafed.common.errors import RefusedError
from hepafed.server.formats import ModelCard
from hepafed.server.pooling import Questions, reference_of

DEFAULT_WAIT = 60.0
"""Seconds that a validation waits for offline sites when nobody said how long."""
READER = "reader_"
SAME_THRESHOLD = 1e-4
"""An evaluation states the operating point in decimals; it must be the card's to this."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The validation that somebody asks for."""

    model: str
    against: tuple[str, ...] = ()
    """Models to compare with it; those of the evaluation where there is one."""
    sites: tuple[str, ...] = ()
    """Sites to ask; empty: every enrolled site of the fitting role."""
    split: str = "external"
    wait: float = 0.0
    """Seconds that offline sites are waited for; 0: nobody said."""
    subgroups: tuple[str, ...] = ()
    """Variables by which figures are to be split; those of the evaluation where there is one."""
    evaluation: str = ""
    """Text of evaluation.toml; empty: none."""


def fitting(asked: Asked, card: ModelCard, models: Iterable[ModelCard] = ()) -> Asked:
    """Hold what is asked to its evaluation, and the evaluation to the cards of `models`.

    Returns the request with what the evaluation says filled in.

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
            f"the evaluation is for another model: {asked.model[:60]} has the digest "
            f"{card.sha256[:12]}…, the evaluation says {promised.model[:12]}…",
            "name that model, or write a new evaluation before you look",
        )
    locked = card.operating_point.threshold
    stated = promised.operating_point
    if stated is not None and abs(stated - locked) > SAME_THRESHOLD:
        raise RefusedError(
            f"the operating point is locked at {locked:.6f}, the evaluation says {stated:g}",
            "write the threshold of the card (server models show)",
        )
    if asked.sites and set(asked.sites) != set(promised.cohorts):
        raise RefusedError(
            "--sites differs from the cohorts of the evaluation", "leave --sites out"
        )
    if asked.split != promised.split:
        raise RefusedError(f"the evaluation is for the split {promised.split}", "leave --split out")
    if asked.subgroups and set(asked.subgroups) != set(promised.subgroups):
        raise RefusedError("--subgroups differs from the evaluation", "leave --subgroups out")
    against = _models_of(promised, models)
    if asked.against and set(asked.against) != set(against):
        raise RefusedError("--against differs from the evaluation", "leave --against out")
    return replace(
        asked,
        against=against,
        sites=promised.cohorts,
        wait=asked.wait or seconds_of(promised.wait),
        subgroups=promised.subgroups,
    )


def _models_of(promised: Evaluation, models: Iterable[ModelCard]) -> tuple[str, ...]:
    """Return the names of the models that the evaluation compares with by their digests."""
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
                f"an endpoint compares with {e.against[:70]}, which is not part of this validation",
                "against = a reader (reader_NAME), or for the figure auc one of the models that "
                "the evaluation's own against lists",
            )
    return named


def questions(
    promised: Evaluation | None, card: ModelCard, others: Iterable[ModelCard] = ()
) -> Questions:
    """Return what pooling is asked beside the figures that every report has.

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
