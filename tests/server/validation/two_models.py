"""A federation in memory whose sites score two models."""

from dataclasses import replace
from typing import Any

import numpy as np
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.report.from_scores import report_from_scores

from tests.server.federation import Federation, joined, table_of

FORMS = {"m": "masked", "p": "plain", "c": "cells"}


def better(table: ScoreTable, seed: int, by: float = 0.8) -> ScoreTable:
    """Another model on the same lesions, with noise of its own."""
    noise = np.random.default_rng(seed).normal(size=table.log_probs.shape)
    raw = table.log_probs + 0.7 * noise + by * np.eye(3)[table.truth]
    return replace(table, log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True))


class Compared:
    """A federation with a second model."""

    def __init__(self, fed: Federation, forms: str, lesions: int = 120) -> None:
        self.fed = fed
        self.other = fed.freeze(2.0)
        self.digest = fed.stores.registry.card(self.other).sha256
        for i, (name, form) in enumerate(zip("abcd", forms, strict=False)):
            fed.site(name, release=FORMS[form], minimum_count=3)
            table = table_of(name, i, lesions)
            fed.sites[name].table = table
            fed.sites[name].others[self.digest] = better(table, 100 + i)

    def run(self, model: str = "", against: tuple[str, ...] = ()) -> dict[str, Any]:
        made = self.fed.stores.runs.create(
            "validate",
            self.fed.plan,
            model=model or self.fed.model,
            against=against or (self.other,),
        )
        return self.fed.run(run=made)

    def central(self) -> dict[str, Any]:
        first = joined([s.table for s in self.fed.sites.values()])
        second = joined([s.others[self.digest] for s in self.fed.sites.values()])
        made = report_from_scores(first, 0.5, name=self.fed.model, against={self.other: second})
        return write_record(made)


def rows(report: dict[str, Any], scope: str = "pooled") -> dict[str, dict[str, Any]]:
    found = [c for c in report["comparisons"] if c["scope"] == scope]
    return {c["task"] + (c["site"] or ""): c for c in found}
