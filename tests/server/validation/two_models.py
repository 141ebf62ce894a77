"""A federation in memory whose sites score two models."""

from typing import Any

from hepafed.common.records import write_record
from hepafed.server.report.from_scores import report_from_scores

from tests.server.federation import Federation, better, joined, table_of

FORMS = {"m": "masked", "p": "plain", "c": "cells"}


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
