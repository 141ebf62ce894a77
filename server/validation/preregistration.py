"""What was promised before a validation, how often its cohort was looked at, and the verdicts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hepafed.common.contract import (
    Endpoint,
    Evaluation,
    evaluation_from,
    seconds_of,
)
from hepafed.common.errors import RefusedError
from hepafed.common.records import write_record
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


def fitting(asked: Asked, card: dict[str, Any], models: Iterable[dict[str, Any]] = ()) -> Asked:
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
    if promised.model != card["sha256"]:
        raise RefusedError(
            f"the evaluation is of another model: {asked.model[:60]} has the digest "
            f"{card['sha256'][:12]}…, the evaluation says {promised.model[:12]}…",
            "name that model, or write a new evaluation before you look",
        )
    locked = float(card["operating_point"]["threshold"])
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


def _models_of(promised: Evaluation, models: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """Name the models that the evaluation compares with, by their digests."""
    known = {str(c["sha256"]): str(c["id"]) for c in models}
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


def looks(
    run: Run, sites: Iterable[str], others: Iterable[tuple[Run, frozenset[str]]]
) -> dict[str, Any]:
    """Count this look at a cohort with this model.

    A look is a validation or comparison of the same model and split in which at least one of
    `sites` gave its figures; `others` gives every run with the sites that answered it. Nobody can
    take a look back: a run that failed afterwards counts.
    """
    wanted = frozenset(sites)
    earlier = [
        {
            "run": other.id,
            "created": other.created[:19] + "Z",
            "sites": sorted(answered & wanted),
            "evaluation": other.evaluation,
        }
        for other, answered in others
        if other.id != run.id
        and (other.kind, other.split) == ("validate", run.split)
        and run.model in (other.model, *other.against)
        and (other.created, other.id) < (run.created, run.id)
        and answered & wanted
    ]
    return {"number": len(earlier) + 1, "earlier": earlier}


def judged(
    evaluation: Evaluation, run: Run, report: dict[str, Any], absent: Iterable[str]
) -> dict[str, Any]:
    """Give what the report says of the evaluation: digest, time, endpoints with verdicts."""
    return {
        "sha256": run.evaluation,
        "registered": run.created,
        "promised": write_record(evaluation),
        "absent": sorted(set(absent) & set(evaluation.cohorts)),
        "endpoints": [_verdict(e, report) for e in evaluation.endpoints],
    }


def _verdict(endpoint: Endpoint, report: dict[str, Any]) -> dict[str, Any]:
    found = _figure(endpoint, report)
    made = write_record(endpoint) | found
    if endpoint.margin is not None:
        return made | _non_inferior(endpoint, endpoint.margin, report)
    if found["value"] is None:
        return made | {"verdict": "not judged"}
    if endpoint.at_least is None:
        return made | {"verdict": "reported", "why": "no goal was stated"}
    if found["low"] is None:
        return made | {"verdict": "not judged", "why": found["why"] or "there is no interval"}
    # a pooled AUC may be off by its bound: the goal has to hold even then
    if found["low"] - found["bound"] >= endpoint.at_least:
        return made | {"verdict": "met", "why": "the whole interval is at or above the goal"}
    if found["high"] + found["bound"] < endpoint.at_least:
        return made | {"verdict": "missed", "why": "the whole interval is below the goal"}
    inside = found["low"] < endpoint.at_least <= found["high"]
    why = "the interval holds the goal" if inside else "the bound of pooling leaves it open"
    return made | {"verdict": "not shown", "why": why}


def _figure(endpoint: Endpoint, report: dict[str, Any]) -> dict[str, Any]:
    """Find the pooled figure; the clustered interval of an AUC where there is one."""
    wanted = ("pooled", endpoint.unit, endpoint.task)
    for r in report["results"]:
        if (r["scope"], r["unit"], r["task"]) == wanted:
            values = r.get(endpoint.figure) or {}
            interval = values.get("clustered") or values
            return {
                "value": values.get("value"),
                "low": interval.get("low"),
                "high": interval.get("high"),
                "bound": values.get("binning_error") or 0.0,
                "why": values.get("reason", ""),
            }
    nothing = {"value": None, "low": None, "high": None, "bound": 0.0}
    return nothing | {"why": "the report has no such figure"}


def _non_inferior(endpoint: Endpoint, margin: float, report: dict[str, Any]) -> dict[str, Any]:
    """Judge model − comparator: shown when the lower end of its interval is above −margin."""
    found = _difference(endpoint, report)
    if found is None:
        why = f"no comparison with {endpoint.against} was released"
        return {"verdict": "not judged", "why": why}
    made = {
        "difference": found.get("value"),
        "difference_low": found.get("low"),
        "difference_high": found.get("high"),
    }
    if found.get("low") is None:
        return made | {"verdict": "not judged", "why": found.get("reason") or "no interval"}
    # the bins may have moved the difference by the bound: it has to hold even then
    if found["low"] - found.get("bound", 0.0) > -margin:
        return made | {"verdict": "non-inferior", "why": "the interval is above −margin"}
    return made | {"verdict": "not shown", "why": "the interval reaches below −margin"}


def _difference(endpoint: Endpoint, report: dict[str, Any]) -> dict[str, Any] | None:
    """Find model − reader of a rate, or model − other model of an AUC; None: not released."""
    name = endpoint.against.removeprefix("reader_")
    if (endpoint.unit, endpoint.task) == ("patient", "malignant_vs_benign"):
        for r in report.get("readers") or []:
            if str(r.get("reader", "")).removeprefix("reader_") == name:
                found = r.get(f"{endpoint.figure}_difference")
                return dict(found) if found else None
    own = report.get("model", {}).get("id")
    others = report.get("provenance", {}).get("compared_models") or []
    against = {m["sha256"]: m["id"] for m in others}.get(endpoint.against, endpoint.against)
    for c in report.get("comparisons") or []:
        if c.get("scope", "pooled") != "pooled":
            continue
        pair = (c.get("first"), c.get("second"))
        here = (c.get("unit"), c.get("task"), "auc") == (
            endpoint.unit,
            endpoint.task,
            endpoint.figure,
        )
        d = dict(c["difference"]) | {"bound": c.get("binning_error", 0.0)}
        if here and pair == (against, own):
            return d
        if here and pair == (own, against):
            turned = {"value": d["value"], "low": d["high"], "high": d["low"]}
            return {k: None if v is None else -v for k, v in turned.items()} | {
                "reason": d.get("reason", ""),
                "bound": d["bound"],
            }
    return None


def questions(
    promised: Evaluation | None, card: dict[str, Any], others: Iterable[dict[str, Any]] = ()
) -> Questions:
    """Give what pooling is asked beside the figures that every report has.

    `others` are the cards of the models compared with; endpoints may name them by digest.
    """
    names = {str(c["sha256"]): str(c["id"]) for c in others}
    reference = reference_of(card)
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


def recorded(run: Run, runs: Runs, report: dict[str, Any], absent: Iterable[str]) -> dict[str, Any]:
    """Give the report's keys `look` and `evaluation` (None where nothing was promised)."""
    others = [
        (r, frozenset(e["site"] for e in runs.events(r.id) if e["event"] == "reply"))
        for r in runs.all()
        if r.kind == "validate"
    ]
    promised = runs.evaluation(run)
    return {
        "look": looks(run, (s["site"] for s in report["sites"]), others),
        "evaluation": judged(promised, run, report, absent) if promised else None,
    }
