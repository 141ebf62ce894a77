"""Very different reports, for tests that hold every generated sentence to its facts."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hepafed.client.release.forms import in_form
from hepafed.common.contract import CohortOrigin, LeftOut, NoiseNeed
from hepafed.common.disclosure import POOLED_ONLY
from hepafed.common.disclosure.noise import LENGTH, coarse_counts
from hepafed.common.disclosure.subgroup_figures import subgroup_summaries
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.records import write_record
from hepafed.common.statistics import add
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of
from hepafed.server.formats import ModelPart, OperatingPoint, Provenance, Report, read_report
from hepafed.server.pooling import Group, NoisySum, noisy_report, pool
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.page import render

from .conftest import CARD, EVALUATION, scores

DICOM = CohortOrigin(
    sources=("dicom",),
    left_out=(
        LeftOut(reason="unreadable", patients=0, lesions=0),
        LeftOut(reason="excluded", patients=9, lesions=12),
        LeftOut(reason="no_sequence", patients=None, lesions=None),
    ),
)
COMPLETE = CohortOrigin(
    sources=("lld-mmri",),
    left_out=tuple(
        LeftOut(reason=r, patients=0, lesions=0) for r in ("unreadable", "excluded", "no_sequence")
    ),
)
PICTURES = CohortOrigin(sources=("key-images",))
TUNING = {"edges": (0, 30000, 65536), "positives": (1, 8), "negatives": (7, 1)}
MUCH_TUNING = {"edges": (0, 30000, 65536), "positives": (10, 80), "negatives": (70, 10)}
LOOK_BEFORE = {
    "run": "validate-0a0b0c", "created": "2026-02-22T08:00:00Z", "sites": ["site-1"],
    "evaluation": "",
}  # fmt: skip


def federated(
    table: ScoreTable,
    *,
    form: str = "masked",
    minimum: int = 5,
    origins: Mapping[str, CohortOrigin | None] | None = None,
    at: float = 0.5,
    asked: tuple[str, ...] = (),
    shared: tuple[str, ...] = (),
    plan: Mapping[str, object] | None = None,
    tuning: Mapping[str, object] | None = None,
    provenance: Mapping[str, Any] | None = None,
    **parts: Any,  # noqa: ANN401
) -> Report:
    """Pool the sites of a table as a coordinator does, from what they release in a form."""
    sites = sorted(set(table.site.tolist()))
    by_site = {s: _rows(table, table.site == s) for s in sites}
    summaries, sums = {}, {}
    for s, part in by_site.items():
        sums[s] = additive_of(part, at, tuple(sorted(part.readers)))
        made = summarise(part, run="r", model="m", weights="", threshold=at, minimum_count=minimum)
        found = subgroup_summaries(part, [v for v in asked if v in shared], at, minimum)
        gone = [f"subgroup {v}: not shared by this site's policy" for v in asked if v not in shared]
        origin = (origins or {}).get(s, DICOM)
        made = in_form(replace(made, origin=origin, subgroups=found), form)
        summaries[s] = replace(made, suppressed=(*made.suppressed, *gone))
    groups = []
    if form == "masked":
        groups = [Group(tuple(sites), add(list(sums.values())), "masked")]
    elif form == "plain":
        groups = [Group((s,), v, "plain") for s, v in sums.items()]
    card = CARD | {"plan": {**CARD["plan"], **(plan or {})}, "tuning_scores": tuning}
    point = OperatingPoint(
        threshold=at,
        rule="largest sum of sensitivity and specificity on the pooled tuning scores",
        chosen_on="tuning data of 3 sites",
    )
    report = pool(
        summaries,
        ModelPart(id="t2-1a2b3c", protocol="t2", sha256="ab" * 32, operating_point=point),
        Provenance(run="validate-1", split="external", created="2026-03-02T10:00:00+00:00"),
        groups=groups,
    )
    values = write_record(report)
    values["model"]["card"] = write_record(card)
    values["forms"] = [{"site": s, "form": form, "minimum_count": minimum} for s in sites]
    values["look"] = {"number": 1, "earlier": []}
    values["evaluation"] = None
    values["provenance"] |= {"plan": values["model"]["card"]["plan"]} | dict(provenance or {})
    return read_report(values | parts)


def _rows(table: ScoreTable, chosen: Any) -> ScoreTable:  # noqa: ANN401
    fields = ("site", "patient", "lesion", "truth", "log_probs")
    return ScoreTable(
        **{f: getattr(table, f)[chosen] for f in fields},
        readers={k: v[chosen] for k, v in table.readers.items()},
        groups={k: v[chosen] for k, v in table.groups.items()},
    )


def _with_sex(table: ScoreTable) -> ScoreTable:
    odd = np.array([int(p[1:]) % 2 for p in table.patient.tolist()])
    return replace(table, groups={"sex": np.where(odd == 1, "f", "m")})


def _unequal(patients: int) -> ScoreTable:
    """Draw patients of whom site-1 has three in four."""
    table = scores(7, patients)
    first = np.array([int(p[1:]) % 4 != 0 for p in table.patient.tolist()])
    return replace(table, site=np.where(first, "site-1", "site-2"), readers={})


def _one_class() -> Report:
    table = scores(2, 40, 2)
    return federated(
        replace(table, truth=np.ones_like(table.truth), readers={}), form="plain", minimum=1
    )


def noisy(patients: int, deviation: float) -> Report:
    """Pool two sites' counts with noise of a standard deviation, as a coordinator does."""
    table = scores(13, patients, 2)
    drawn = np.random.default_rng(14).normal(0, deviation, LENGTH)
    found = NoisySum(
        sites=("site-1", "site-2"),
        vector=coarse_counts(table, 0.5) + np.rint(drawn).astype(np.int64),
        variance=deviation**2,
        needs={
            "site-1": NoiseNeed(epsilon=1.0, delta=1e-5, rho=0.03, colluding_sites=1),
            "site-2": NoiseNeed(epsilon=2.5, delta=1e-6, rho=0.1, colluding_sites=0),
        },
    )
    point = OperatingPoint(threshold=0.5, rule="the middle", chosen_on="tuning data of 3 sites")
    model = ModelPart(id="t2-1a2b3c", protocol="t2", sha256="ab" * 32, operating_point=point)
    split = Provenance(run="validate-1", split="external", created="2026-03-02T10:00:00+00:00")
    values = write_record(noisy_report(found, {"site-1": 5, "site-2": 7}, model, split))
    values["look"] = {"number": 1, "earlier": []}
    return read_report(values | {"evaluation": None})


KINDS: Mapping[str, Callable[[], Report]] = {
    "one site": lambda: federated(
        scores(4, 60, 1), form="cells", origins={"site-1": COMPLETE}, tuning=TUNING
    ),
    "two looks": lambda: federated(
        scores(),
        tuning=MUCH_TUNING,
        evaluation=EVALUATION,
        look={"number": 2, "earlier": [LOOK_BEFORE]},
    ),
    "registered first": lambda: federated(scores(), evaluation=EVALUATION, tuning=MUCH_TUNING),
    "key images": lambda: federated(
        replace(scores(5, 90), readers={}),
        origins=dict.fromkeys(("site-1", "site-2", "site-3"), PICTURES),
        at=0.05,
    ),
    "synthetic": lambda: federated(
        scores(6, 60, 2), plan={"synthetic": True}, origins={"site-1": PICTURES}, tuning=TUNING
    ),
    "fourteen patients": lambda: federated(scores(21, 14, 2), tuning=TUNING),
    "no readers": lambda: federated(_unequal(120), form="plain", minimum=1),
    "cells": lambda: federated(
        scores(8, 48, 2),
        form="cells",
        plan={"data": {"missing": "zero"}},
        provenance={"split": "test"},
    ),
    "score table": lambda: report_from_scores(
        _with_sex(scores(9, 120)), 0.9, against={"other": scores(9, 120)}
    ),
    "absent site": lambda: federated(
        scores(),
        origins={"site-2": None},
        evaluation=EVALUATION,
        provenance={"missing_sites": {"site-4": "offline"}},
    ),
    "refused subgroups": lambda: federated(
        _with_sex(scores(10, 90)), asked=("sex", "age"), shared=("sex",), minimum=40
    ),
    "one class": _one_class,
    "withheld": lambda: federated(scores(12, 8, 2), form="cells", minimum=50),
    "noise": lambda: noisy(400, 2.0),
    "drowned": lambda: noisy(60, 12.0),
    "huge": lambda: federated(scores(11, 6000, 12), form="plain", minimum=1, tuning=MUCH_TUNING),
}
"""Kinds of reports by name; "all masked" is what `form` is where none is named."""


def _extreme(v: dict[str, Any]) -> dict[str, Any]:
    for c in v["calibration"]:
        c["slope"] |= {"value": 0.4, "low": 0.2, "high": 0.9}
        c["in_the_large"] |= {"value": 0.5, "low": 0.1, "high": 0.9}
    return v


def _placeholder(v: dict[str, Any]) -> dict[str, Any]:
    v["model"]["operating_point"]["rule"] = "0.5, a placeholder: too few tuning scores"
    return v


def _strong(v: dict[str, Any]) -> dict[str, Any]:
    for c in v["calibration"]:
        c["slope"] |= {"value": 1.0, "low": 0.9, "high": 1.1}
    return v | {"evaluation": EVALUATION}


def _useless(v: dict[str, Any]) -> dict[str, Any]:
    for r in v["results"]:
        if r.get("net_benefit"):
            r["net_benefit"] = [p | {"model": p["all"] - 0.1} for p in r["net_benefit"]]
        if r["scope"] == "pooled":
            r["auc"] |= {"binning_error": 0.0111, "reason": "few patients: see Methods"}
    return v


def _backwards(v: dict[str, Any]) -> dict[str, Any]:
    return _with_auc(v, 0.3, 0.2, 0.49)


def _chance(v: dict[str, Any]) -> dict[str, Any]:
    return _with_auc(v, 0.6, 0.5, 0.7)


def _with_auc(v: dict[str, Any], value: float, low: float, high: float) -> dict[str, Any]:
    for r in v["results"]:
        if r["scope"] == "pooled":
            r["auc"] |= {"value": value, "low": low, "high": high}
            r["auc"]["covering"] = {"low": low, "high": high, "method": "logit", "decides": True}
    return v


def _goal_missed(v: dict[str, Any]) -> dict[str, Any]:
    lost = {"verdict": "not shown", "low": 0.83, "why": "the interval includes the goal"}
    goals = [goal | lost for goal in v["evaluation"]["endpoints"]]
    return v | {"evaluation": v["evaluation"] | {"endpoints": goals}}


def _moved(v: dict[str, Any]) -> dict[str, Any]:
    """Let pooled scores differ from those of the tuning data, and a further site be chance."""
    found = {"unit": "patient", "task": "malignant_vs_benign", "class": "positives", "psi": None}
    found |= {"site": "site-1", "n": 0, "ks": None, "reason": POOLED_ONLY}
    moved = {"site": None, "n": 900, "reference": 300, "ks": 0.3, "differs": True, "reason": ""}
    for h in v["heterogeneity"]:
        h["prediction"] = {"low": 0.5, "high": 0.999}
    return v | {"drift": [found | moved, found]}


def _rehearsal(v: dict[str, Any]) -> dict[str, Any]:
    plan = v["model"]["card"]["plan"] | {"training": {"epochs": 0}}
    v["model"]["card"]["plan"] = plan
    v["provenance"]["plan"] = plan
    return v


def _complete(v: dict[str, Any]) -> dict[str, Any]:
    for r in v["results"]:
        if r["auc"]["value"] is not None:
            r["auc"] = {k: x for k, x in r["auc"].items() if k != "reason"}
    return v | {"suppressed": []}


CHANGED: Mapping[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "too extreme": ("two looks", _extreme),
    "placeholder": ("cells", _placeholder),
    "strong": ("huge", _strong),
    "useless": ("huge", _useless),
    "backwards": ("huge", _backwards),
    "chance": ("huge", _chance),
    "complete": ("huge", _complete),
    "goal missed": ("registered first", _goal_missed),
    "moved": ("huge", _moved),
    "rehearsal": ("registered first", _rehearsal),
}
"""Reports that differ from one of `KINDS` in facts that are hard to draw."""
ALL = (*KINDS, *CHANGED)


@functools.cache
def report_of(kind: str) -> Report:
    """Return a report of a kind; each is made once."""
    if kind in KINDS:
        return KINDS[kind]()
    base, change = CHANGED[kind]
    return read_report(change(write_record(report_of(base))))


@functools.cache
def page_of(kind: str) -> str:
    """Return the page of a report of a kind; each is made once."""
    return render(report_of(kind))
