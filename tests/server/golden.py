"""Small reports of every kind, made anew by the code; `formats/reports` holds what 0.1.0 made."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.formats import Report
from hepafed.server.pooling import Questions
from hepafed.server.report.from_scores import report_from_scores

from tests.server.federation import Federation, table_of

QUESTIONS = Questions(
    margin=0.1,
    prevalences=(0.1, 0.3),
    model_margins={("second", "patient", "malignant_vs_benign"): 0.1},
)
EVALUATION = """
model = "{model}"
cohorts = ["a", "b", "c", "d"]
against = ["{other}"]
title = "Four hospitals"
prevalence = 0.2
subgroups = ["x"]
wait = "1s"
[[endpoints]]
primary = true
at_least = 0.7
[[endpoints]]
figure = "sensitivity"
against = "reader_one"
margin = 0.1
[[endpoints]]
against = "{other}"
margin = 0.1
[[endpoints]]
figure = "specificity"
against = "reader_none"
margin = 0.1
[[endpoints]]
unit = "lesion"
task = "benign_vs_rest"
"""


def cohort(site: str, seed: int, lesions: int) -> ScoreTable:
    """Draw a site's table with two readers and a subgroup variable."""
    made = table_of(site, seed, lesions)
    rng, patient = np.random.default_rng(seed), np.arange(lesions) // 2
    readers = {
        name: rng.integers(-1 if name == "reader_two" else 0, 2, lesions)[patient].astype(np.int8)
        for name in ("reader_one", "reader_two")
    }
    level = rng.choice(["old", "young"], lesions)[patient]
    return replace(made, readers=readers, groups={"x": level})


def other(table: ScoreTable, seed: int) -> ScoreTable:
    """Draw the scores of another model on the same lesions."""
    raw = table.log_probs + np.random.default_rng(seed).normal(size=table.log_probs.shape)
    return replace(table, log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True))


def whole(tables: list[ScoreTable]) -> ScoreTable:
    """Put the tables of sites below each other."""
    fields = ("site", "patient", "lesion", "truth", "log_probs")
    return ScoreTable(
        **{f: np.concatenate([getattr(t, f) for t in tables]) for f in fields},
        readers={
            r: np.concatenate([t.readers[r] for t in tables]) for r in ("reader_one", "reader_two")
        },
        groups={"x": np.concatenate([t.groups["x"] for t in tables])},
    )


def from_scores() -> Report:
    """Make a report of a table of three sites, with readers, subgroups and another model."""
    first = whole([cohort(s, i, 16) for i, s in enumerate(("a", "b", "c"))])
    return report_from_scores(
        first, 0.5, name="first", against={"second": other(first, 9)}, questions=QUESTIONS
    )


def without_figures() -> Report:
    """Make a report of a few patients of one class: nearly every figure is absent."""
    table = table_of("a", 1, 6)
    return report_from_scores(replace(table, truth=np.ones(6, np.int64)), 0.5)


def federated(fed: Federation) -> dict[str, Any]:
    """Run a registered validation of four sites in every form, one of which is away."""
    second = fed.freeze(2.0)
    digests = [fed.stores.registry.card(m).sha256 for m in (fed.model, second)]
    forms = {"a": "masked", "b": "masked", "c": "cells", "e": "plain"}
    for i, (name, form) in enumerate(forms.items()):
        fed.site(name, release=form, minimum_count=3, share_subgroups=("x",))
        fed.sites[name].table = cohort(name, 10 + i, 24)
        fed.sites[name].others[digests[1]] = other(fed.sites[name].table, 20 + i)
    run = fed.stores.runs.create(
        "validate",
        fed.plan,
        promise=EVALUATION.format(model=digests[0], other=digests[1]),
        model=fed.model,
        against=(second,),
        sites=("a", "b", "c", "d", "e"),
        wait=0.2,
        subgroups=("x",),
    )
    return fed.run(run=run)


SCORED: dict[str, Callable[[], Report]] = {
    "from-scores": from_scores,
    "without-figures": without_figures,
}
