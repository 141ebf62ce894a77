"""How often a model was looked at in the same cohort: every earlier validation is counted."""

from collections.abc import Iterable
from dataclasses import replace

from hepafed.server.formats import EarlierLook, JudgedEvaluation, Looks, why_exploratory
from hepafed.server.runs import Run, Runs


def looks(run: Run, sites: Iterable[str], others: Iterable[tuple[Run, frozenset[str]]]) -> Looks:
    """Count this look at a cohort with this model; return its number and the earlier looks.

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


def standing(evaluation: JudgedEvaluation, look: Looks) -> JudgedEvaluation:
    """Return the evaluation, its verdicts called exploratory where a look came before."""
    return replace(evaluation, exploratory=why_exploratory(evaluation.sha256, look))


def answered_validations(runs: Runs) -> list[tuple[Run, frozenset[str]]]:
    """Return every validation with the sites that gave it their figures, oldest first."""
    return [
        (r, frozenset(e["site"] for e in runs.events(r.id) if e["event"] == "reply"))
        for r in runs.all()
        if r.kind == "validate"
    ]
