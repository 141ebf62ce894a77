"""The verdicts on what was promised before a validation."""

from collections.abc import Iterable
from typing import Any

from hepafed.common.contract import Endpoint, Evaluation
from hepafed.common.records import write_record
from hepafed.server.runs import Run


def judged(
    evaluation: Evaluation, run: Run, report: dict[str, Any], absent: Iterable[str]
) -> dict[str, Any]:
    """Return what the report says of the evaluation: digest, time, endpoints with verdicts.

    `absent` names the sites that gave no figures.
    """
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
